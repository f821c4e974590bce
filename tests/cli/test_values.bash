# The bits of the output, through the whole program.
# shellcheck shell=bash

test_golden_files() {
	local type model name
	for model in "$GOLDEN"/*.gguf; do
		name=${model##*/}
		name=${name%.gguf}
		mkdir "$name"
		printf '%s\n' "$GOLDEN/$name.f32" "$name" "$model"
	done >arguments
	# One Python process for all, since starting it takes longest.
	python3 -c '
import sys
sys.path.insert(0, sys.argv[1])
import expected
for arguments in zip(*3 * [iter(sys.stdin.read().split())]):
    expected.main(*arguments)' "$HERE" <arguments || fail
	for model in "$GOLDEN"/*.gguf; do
		name=${model##*/}
		name=${name%.gguf}
		for type in f32 f16 bf16 native; do
			run -f -t $type -o out "$model"
			converts
			same "$name -t $type" out "$name/$type"
		done
		"$PROGRAM" -c - < <(cat "$model") | cat >out
		same "$name by pipes" out "$name/f32"
	done
}

test_small_model_in_every_type() {
	local type
	mkdir expected
	python3 "$HERE/expected.py" "$MODELS/small.f32" expected \
		"$MODELS/small.gguf" || fail
	for type in f32 F16 bF16 native; do
		run -f -t $type -o out "$MODELS/small.gguf"
		succeeds
		same "$type" out "expected/${type,,}"
	done
}

# Each tensor as a run for it alone writes it, in every kind of output.
test_types_of_some_tensors() {
	local rules=(-t native -t 'type:q8*=f16' -t '*norm*=bf16'
		-t '*_q.*=f32')
	local name
	for name in token_embd.weight=f16 blk.0.attn_q.weight=f32 \
		blk.0.attn_norm.weight=bf16 blk.1.ids=native; do
		run -c -t "${name#*=}" -T "${name%=*}" "$MODELS/small.gguf"
		cat "$OUT" >>expected
	done
	run "${rules[@]}" -o out --index index "$MODELS/small.gguf"
	succeeds
	same 'the output' out expected
	same 'the types' <(jq -r '.tensors[].type' index) \
		<(printf '%s\n' f16 f32 bf16 i32)
	run "${rules[@]}" --expect expected "$MODELS/small.gguf"
	succeeds
	run "${rules[@]}" -o out.gguf "$MODELS/small.gguf"
	succeeds
	run -t native -c out.gguf
	same 'the GGUF file' "$OUT" expected
	run "${rules[@]}" --checksum "$MODELS/small.gguf"
	cp "$OUT" manifest
	run --check manifest -o again "$MODELS/small.gguf"
	stdout_is 'token_embd.weight.f16: OK
blk.0.attn_q.weight.f32: OK
blk.0.attn_norm.weight.bf16: OK
blk.1.ids.i32: OK'
	succeeds
	same 'the output of a check' again expected
	run "${rules[@]}" -t native --checksum "$MODELS/small.gguf"
	same 'the checksums' "$OUT" \
		<("$PROGRAM" -t native --checksum "$MODELS/small.gguf")
	run "${rules[@]}" "$MODELS/small.gguf"
	[ "$(grep '^Output' "$OUT")" = "Output as mixed: $(stat -c %s expected) \
bytes ($(stat -c %s expected) B)" ] || fail "$(cat "$OUT")"
}

test_types_of_no_tensors() {
	run -t 'blk.9*=f16' -o out "$MODELS/small.gguf"
	fails "no tensor name matches 'blk.9*'"
	run -t 'type:iq*=f16' --list "$MODELS/small.gguf"
	fails "no tensor type matches 'iq*'"
	folder_is
}

test_index_says_where_each_tensor_is() {
	run -t bf16 -o out --index index "$GOLDEN/q5_k.gguf"
	succeeds
	jq -r '.tensors[] | "\(.name) \(.offset) \(.bytes)"' index |
		while read -r name offset bytes; do
			tail -c +$((offset + 1)) out | head -c "$bytes" >part
			run -t bf16 -T "$name" -f -o one "$GOLDEN/q5_k.gguf"
			same "$name" one part || exit
		done || exit
	[ "$(jq .bytes index)" = "$(stat -c %s out)" ] || fail "$(cat index)"
}

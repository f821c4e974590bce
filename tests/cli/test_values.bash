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
			succeeds
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

# --checksum and --check.
# shellcheck shell=bash

need() {
	local tool
	for tool; do
		command -v "$tool" >/dev/null || skip "there is no $tool"
	done
}

# pieces TYPE MODEL: cuts the raw output into files/NAME.TYPE, one per tensor,
# and lists them in order in the file "names". The model's names must not need
# escapes.
pieces() {
	local name offset bytes
	run -f -t "$1" -o raw --index index "$2"
	succeeds
	mkdir -p files
	jq -r '.tensors[] | "\(.name).\(.type) \(.offset) \(.bytes)"' index |
		while read -r name offset bytes; do
			tail -c +$((offset + 1)) raw | head -c "$bytes" \
				>"files/$name"
			echo "$name"
		done >names
	rm raw index
}

# sums ALGO: prints what other programs print for these files.
sums() {
	case $1 in
	blake3) xargs b3sum ;;
	sha256) xargs sha256sum --tag ;;
	xxh3) xargs xxhsum -H3 --tag ;;
	xxh64) xargs xxhsum -H1 --tag ;;
	esac <../names 2>/dev/null
}

# Adds a tag to lines "HEX  NAME".
tag() {
	sed -E "s/^([0-9a-f]+)  (.*)/$1 (\2) = \1/"
}

# tool_checks ALGO FILE: checks FILE with the program for ALGO.
tool_checks() {
	case $1 in
	blake3) b3sum --quiet -c "$2" ;;
	sha256) sha256sum --strict --quiet -c "$2" ;;
	*) xxhsum --strict --quiet -c "$2" ;;
	esac
}

test_checksums_are_those_of_the_bytes() {
	local type algo
	need b3sum xxhsum jq
	for type in f32 f16 bf16 native; do
		pieces $type "$MODELS/small.gguf"
		for algo in blake3 sha256 xxh3 xxh64; do
			(cd files && sums $algo) | tag BLAKE3 >expected
			run -t $type --checksum=$algo "$MODELS/small.gguf"
			same "$algo of $type" "$OUT" expected
			succeeds
		done
		rm -r files
	done
	run --checksum "$MODELS/small.gguf"
	same 'the default' "$OUT" <("$PROGRAM" --checksum=BLAKE3 \
		"$MODELS/small.gguf")
	stdout_is "$(
		cat <<-'end'
		BLAKE3 (token_embd.weight.f32) = 3ab2648a296d4e218fef6d0d550a60bf844186c68c6081bc356131f28457fe31
		BLAKE3 (blk.0.attn_q.weight.f32) = cd68e5b4623a23fcf7eb4c0e5f1b8e680db4e0448767677ff0a88690b9271eac
		BLAKE3 (blk.0.attn_norm.weight.f32) = 228977da712757fd27a5013e3b6fce261cdf3b626582ad9783ec50d06a4111c9
		BLAKE3 (blk.1.ids.i32) = ce2e9e6300e3685726d20c8edd3e7ad862f1d5572b5a61134daa57a7e487d654
		end
	)"
	folder_is expected names
}

test_python_computes_the_same() {
	run --checksum=sha256 --untagged "$MODELS/small.gguf"
	stdout_is "$(python3 - "$MODELS/small.f32" <<-'end'
		import hashlib
		import sys
		with open(sys.argv[1], "rb") as file:
		    for name, size in (("token_embd.weight.f32", 384),
		                       ("blk.0.attn_q.weight.f32", 16),
		                       ("blk.0.attn_norm.weight.f32", 12),
		                       ("blk.1.ids.i32", 20)):
		        hash = hashlib.sha256(file.read(size))
		        print(hash.hexdigest() + "  " + name)
		end
	)"
	succeeds
}

test_untagged_lines_and_tools() {
	local algo
	need b3sum xxhsum jq
	pieces f32 "$MODELS/small.gguf"
	for algo in blake3 sha256 xxh3 xxh64; do
		run --checksum=$algo "$MODELS/small.gguf"
		cp "$OUT" tagged
		run --checksum=$algo --untagged "$MODELS/small.gguf"
		succeeds
		same "$algo" <(sed 's/^XXH3_//' "$OUT" | tag "${algo^^}") \
			tagged
		# b3sum 1.2 does not read tags, nor xxhsum 0.8.1 "XXH3_".
		[ $algo = xxh3 ] || (cd files && tool_checks $algo "$OUT") ||
			fail "$algo, untagged"
		[ $algo = blake3 ] ||
			(cd files && tool_checks $algo ../tagged) ||
			fail "$algo, tagged"
	done
	run --checksum=xxh3 --untagged -T '*ids' "$MODELS/small.gguf"
	stdout_is "$(cd files && xxhsum -H3 --tag blk.1.ids.i32 |
		sed -E 's/.* = (.*)/XXH3_\1  blk.1.ids.i32/')"
}

# Lines printed by other programs.
test_check_takes_their_lines() {
	local ok='token_embd.weight.f32: OK
blk.0.attn_q.weight.f32: OK
blk.0.attn_norm.weight.f32: OK
blk.1.ids.i32: OK'
	need b3sum xxhsum jq
	pieces f32 "$MODELS/small.gguf"
	cd files || fail
	xargs b3sum <../names >../b3
	xargs sha256sum <../names >../sha256
	xargs sha256sum -b <../names >../binary
	xargs sha256sum --tag <../names >../tagged
	xargs xxhsum -H1 <../names >../xxh64 2>/dev/null
	xargs xxhsum -H3 <../names >../xxh3 2>/dev/null
	sed -E 's/.* \((.*)\) = (.*)/\2  \1/; s/^XXH3_//' <../xxh3 >../bare
	cd .. || fail
	for arguments in b3 tagged xxh64 xxh3 'bare --checksum=xxh3' \
		'b3 --checksum=blake3' 'xxh64 --checksum=xxh64' \
		'sha256 --checksum=sha256' 'binary --checksum=sha256'; do
		# shellcheck disable=SC2086 # words
		run --check $arguments "$MODELS/small.gguf"
		stdout_is "$ok"
		succeeds
	done
	run --check sha256 "$MODELS/small.gguf"
	stderr_is 'gguf-dequant: 4 of 4 checksums differ'
	status_is 1
}

test_check_of_what_is_equal() {
	local type
	for type in f32 f16 bf16 native; do
		run -t $type --checksum "$MODELS/small.gguf"
		succeeds
		cp "$OUT" manifest
		run --check manifest "$MODELS/small.gguf"
		succeeds
		cp "$OUT" ok
		same 'OK' ok <(sed -E 's/.*\((.*)\) = .*/\1: OK/' manifest)
		sort -r manifest | sed 's/$/\r/' >other
		run "$MODELS/shuffled.gguf" --check other
		same 'another order of both' "$OUT" ok
		succeeds
		run --check - "$MODELS/split-00001-of-00003.gguf" <manifest
		same 'the manifest through standard input' "$OUT" ok
		succeeds
		run --check <(cat manifest) - < <(cat "$MODELS/small.gguf")
		same 'pipes' "$OUT" ok
		succeeds
		run -q --check manifest "$MODELS/small.gguf"
		stdout_is ''
		succeeds
	done
}

# flip FILE OFFSET: flips the lowest bit of the byte at OFFSET.
flip() {
	python3 - "$@" <<-'end'
	import sys
	with open(sys.argv[1], "r+b") as file:
	    file.seek(int(sys.argv[2]))
	    byte = file.read(1)[0]
	    file.seek(-1, 1)
	    file.write(bytes([byte ^ 1]))
	end
}

# offset_of MODEL NAME: prints the offset of the tensor's data.
offset_of() {
	"$PROGRAM" --json "$1" |
		jq --arg name "$2" '.tensors[] | select(.name == $name).offset'
}

test_check_names_the_tensor_with_a_flipped_bit() {
	local name=blk.0.attn_norm.weight type
	need jq
	cp "$MODELS/small.gguf" model
	for type in f32:f32 f16:f16 native:f16; do
		"$PROGRAM" -t ${type%:*} --checksum model >manifest
		flip model $(($(offset_of model $name) + 2))
		run -q --check manifest model
		stdout_is "$name.${type#*:}: FAILED"
		stderr_is 'gguf-dequant: 1 of 4 checksums differ'
		status_is 1
		run --check manifest model
		[ "$(grep -c ': OK$' "$OUT")" = 3 ] || fail "$(cat "$OUT")"
		status_is 1
		flip model $(($(offset_of model $name) + 2))
		run -q --check manifest model
		succeeds
	done
}

test_check_is_strict() {
	"$PROGRAM" --checksum "$MODELS/small.gguf" >manifest
	sed 2d manifest >missing
	run -q --check missing "$MODELS/small.gguf"
	stdout_is 'blk.0.attn_q.weight.f32: FAILED, no line'
	stderr_is 'gguf-dequant: 0 of 3 checksums differ, 1 tensor has no line'
	status_is 1
	run -q --check manifest -T 'blk.0.*' "$MODELS/small.gguf"
	stdout_is 'blk.1.ids.i32: FAILED, no tensor
token_embd.weight.f32: FAILED, no tensor'
	stderr_is 'gguf-dequant: 0 of 2 checksums differ, 2 lines have no tensor'
	status_is 1
	"$PROGRAM" --checksum -T 'blk.0.*' "$MODELS/small.gguf" >part
	run -q --check part -T 'blk.0.*' "$MODELS/small.gguf"
	succeeds
	sed '1s/weight/\x1b[31m/' manifest >renamed
	run -q --check renamed "$MODELS/small.gguf"
	stdout_is 'token_embd.weight.f32: FAILED, no line
token_embd.\x1b[31m.f32: FAILED, no tensor'
	stderr_is 'gguf-dequant: 0 of 3 checksums differ, 1 tensor has no line, '\
'1 line has no tensor'
	status_is 1
}

# refuses_manifest MESSAGE: status 1, this message, and nothing was converted.
refuses_manifest() {
	run --check manifest "$MODELS/small.gguf"
	stderr_is "gguf-dequant: $1"
	stdout_is ''
	status_is 1
}

test_malformed_manifests() {
	"$PROGRAM" --checksum "$MODELS/small.gguf" >good
	: >manifest
	refuses_manifest "'manifest' is empty"
	echo >manifest
	refuses_manifest "line 1 of 'manifest' is not a checksum line: ''"
	sed '3s/(/[/' good >manifest
	refuses_manifest "line 3 of 'manifest' is not a checksum line: \
'$(sed -n 3p manifest)'"
	cat good <(sed -n 2p good) >manifest
	refuses_manifest "line 5 of 'manifest' repeats the name in line 2"
	"$PROGRAM" --checksum=sha256 "$MODELS/small.gguf" | tail -1 |
		cat good - >manifest
	refuses_manifest "line 5 of 'manifest' has SHA256 instead of BLAKE3"
	sed '4s/i32/xyz/' good >manifest
	refuses_manifest "line 4 of 'manifest' has a name that does not end in \
a type such as '.f32': 'blk.1.ids.xyz'"
	printf 'GGUF\3\0' >manifest
	refuses_manifest "line 1 of 'manifest' is not a checksum line: \
'GGUF\\x03\\x00'"
	run --check good --checksum=sha256 "$MODELS/small.gguf"
	stderr_is "gguf-dequant: line 1 of 'good' has BLAKE3 instead of SHA256"
	status_is 1
}

test_manifests_that_cannot_be_read() {
	run --check none "$MODELS/small.gguf"
	fails "cannot open 'none': No such file or directory"
	run --check . "$MODELS/small.gguf"
	fails_with "'.' is a directory"
	run --check - "$MODELS/small.gguf" <&-
	fails_with "cannot read 'standard input'"
	run --check /dev/zero --memory 64M "$MODELS/small.gguf"
	fails "'/dev/zero' is larger than the 2097152 bytes that '--memory' \
allows for it"
	echo 'XXH64 (a.f32) = 0123456789abcdef' >manifest
	run --check manifest none
	fails "cannot open 'none': No such file or directory"
	run --check manifest -T nothing "$MODELS/small.gguf"
	fails "no tensor name matches 'nothing'"
}

# A manifest as large as --memory allows, of short lines.
test_a_manifest_takes_bounded_memory() {
	local peak
	python3 - >manifest <<-'end'
	for i in range(60000):
	    print("%016x  %07x.f32" % (i, i))
	end
	peak=$(python3 - "$PROGRAM" --check manifest --memory 64M \
		"$MODELS/small.gguf" <<-'end'
		import resource
		import subprocess
		import sys
		run = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE,
		                     stderr=subprocess.PIPE, text=True)
		assert run.returncode == 1, run
		assert run.stdout.count("no tensor") == 60000, run.stderr
		print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10)
		end
	) || exit
	[ "$peak" -le 64 ] || fail "$peak MiB"
}

test_checksums_are_the_same_however_made() {
	local model algo isa
	for model in "$GOLDEN/q5_k.gguf" "$MODELS/shuffled.gguf"; do
		for algo in blake3 sha256 xxh3; do
			"$PROGRAM" -j1 --checksum=$algo "$model" >expected
			for threads in 2 3 16; do
				run -j $threads --memory 4M --checksum=$algo \
					"$model"
				same "-j $threads" "$OUT" expected
			done
			run --checksum=$algo - < <(cat "$model")
			same 'a pipe' "$OUT" expected
			for isa in baseline avx2 avx512; do
				GGUF_DEQUANT_ISA=$isa run --checksum=$algo \
					"$model"
				grep -q ' CPU lacks ' "$ERR" ||
					same "$isa" "$OUT" expected
			done
			run --checksum=$algo -f -o out "$model"
			same 'beside an output' "$OUT" expected
			"$PROGRAM" --checksum=$algo -o >(cat >piped) "$model" \
				>lines
			same 'beside a pipe' lines expected
		done
	done
}

test_checksums_beside_an_output() {
	run --checksum=sha256 -o out --index index "$MODELS/shuffled.gguf"
	succeeds
	same 'out' out "$MODELS/small.f32"
	same 'the lines' "$OUT" <("$PROGRAM" --checksum=sha256 \
		"$MODELS/small.gguf")
	folder_is index out
	run --checksum -o out "$MODELS/small.gguf"
	fails "'out' already exists; use --force to overwrite it"
	run --checksum -o new - < <(head -c -1 "$MODELS/long.gguf")
	fails_with "'standard input' is incomplete; "
	folder_is index out
}

test_checksums_and_output_must_not_mix() {
	run --checksum -f -o /dev/stdout "$MODELS/small.gguf"
	fails "'/dev/stdout' and 'standard output' are the same file"
	run --checksum -o out --index /dev/stdout "$MODELS/small.gguf"
	fails "'/dev/stdout' and 'standard output' are the same file"
	folder_is
}

test_checksums_to_a_full_disk() {
	[ -w /dev/full ] || skip 'there is no /dev/full'
	run_into /dev/full --checksum "$MODELS/small.gguf"
	fails "cannot write 'standard output': No space left on device"
	"$PROGRAM" --checksum "$MODELS/small.gguf" >manifest
	sed -i 2d manifest
	run_into /dev/full --check manifest "$MODELS/small.gguf"
	fails "cannot write 'standard output': No space left on device"
}

test_checksums_of_nothing() {
	run --checksum "$MODELS/none.gguf"
	stdout_is ''
	succeeds
	run --checksum=sha256 "$MODELS/empty.gguf"
	stdout_is "SHA256 (empty.f32) = $(sha256sum </dev/null | cut -c-64)"
	succeeds
	need b3sum
	run --checksum --untagged -o out "$MODELS/empty.gguf"
	stdout_is "$(b3sum </dev/null | cut -c-64)  empty.f32"
	succeeds
}

test_checksums_of_any_name() {
	run --checksum=xxh3 "$MODELS/names.gguf"
	succeeds
	cp "$OUT" manifest
	[ "$(wc -l <manifest)" = 18 ] || fail "$(cat manifest)"
	python3 -c 'assert input().isprintable()' < <(tr -d "\n" <manifest) ||
		fail "$(cat -v manifest)"
	grep -qF 'XXH3 (line%0Afeed.i8) = ' manifest || fail "$(cat manifest)"
	run --check manifest "$MODELS/names.gguf"
	succeeds
	PYTHONPATH=$HERE python3 -c "
import gguf_file
gguf_file.write('model', [('x' * 5000, 'i8', (1,), b'x')])" || fail
	run --checksum model
	succeeds
	grep -qE '^BLAKE3 \(x{254}%/x{254}%/.*x\.i8\) = ' "$OUT" ||
		fail "$(<"$OUT")"
	cp "$OUT" long
	run --check long -q model
	succeeds
	run --check long -q "$MODELS/small.gguf"
	grep -qE '^x{254}%/x{254}%/.*x\.i8: FAILED, no tensor$' "$OUT" ||
		fail "$(<"$OUT")"
	status_is 1
	run --check manifest -q model
	grep -qE '^x{254}%/x{254}%/.*x\.i8: FAILED, no line$' "$OUT" ||
		fail "$(<"$OUT")"
	status_is 1
	run -o folder/ model
	fails_with "tensor 'xxxx"
}

test_checksum_of_more_than_4_gib() {
	need b3sum
	run --checksum --untagged -T hole "$MODELS/sparse.gguf"
	stdout_is "$(head -c $((4 << 30 | 5)) /dev/zero | b3sum |
		cut -c-64)  hole.i8"
	succeeds
}

# Blocks without a header; their tensor has the name of the file.
test_checksum_of_blocks_without_a_header() {
	python3 "$HERE/blocks.py" . "$GOLDEN/q4_k.gguf" || fail
	for input in - q4_k.blocks; do
		run --input-type q4_k $input --checksum=sha256 <q4_k.blocks
		succeeds
		cp "$OUT" manifest
		[ "$(sed 's/.* = //' manifest)" = \
			"$(sha256sum <"$GOLDEN/q4_k.f32" | cut -c-64)" ] ||
			fail "$(cat manifest)"
		run --input-type q4_k $input --check manifest -q <q4_k.blocks
		stdout_is ''
		succeeds
	done
	run --input-type q4_0 q4_k.blocks --check manifest -q
	stderr_is 'gguf-dequant: 1 of 1 checksums differ'
	status_is 1
}

test_checksum_says_what_was_hashed() {
	run -v -j 1 --checksum "$MODELS/small.gguf"
	grep -q ': 144 bytes read, 432 hashed in ' "$ERR" ||
		fail "$(cat "$ERR")"
}

test_checksum_usage() {
	local stdout='cannot both write to standard output'
	run --checksum=md5 m
	fails_usage "'--checksum' takes blake3, sha256, xxh3 or xxh64, not \
'md5'"
	run --checksum -o - m
	fails_usage "'--output -' and '--checksum' $stdout"
	run --checksum -o out --index - m
	fails_usage "'--checksum' and '--index -' $stdout"
	run --check m -c m
	fails_usage "'--output -' and '--check' $stdout"
	run --checksum --list m
	fails_usage "'--list' cannot be combined with '--checksum'"
	run --check m --json m
	fails_usage "'--json' cannot be combined with '--check'"
	run --check m -t f16 m
	fails_usage "'--type' has no effect with '--check'"
	run --check m --checksum m
	fails_usage "'--checksum' cannot be combined with '--check'; \
'--checksum=ALGO' says which algorithm its lines have"
	run --untagged m
	fails_usage "'--untagged' has no effect without '--checksum'"
	run --check - -
	fails_usage "'--check -' and FILE '-' cannot both read standard input"
	run --check a --check b m
	fails_usage "'--check' takes one path, not both 'a' and 'b'"
}

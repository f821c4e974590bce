# Blocks without a header, and --expect.
# shellcheck shell=bash

golden_blocks() {
	python3 "$HERE/blocks.py" . "$GOLDEN"/*.{gguf,blocks} || fail
}

# differs LINES SUMMARY: --expect found differences and printed these lines.
differs() {
	stdout_is "$1"
	stderr_is "gguf-dequant: $2"
	status_is 1
}

test_blocks_of_every_format() {
	local blocks name shape n=0
	golden_blocks
	for blocks in *.blocks; do
		name=${blocks%.blocks}
		shape=()
		[ ! -s "$name.shape" ] || shape=(--shape "$(<"$name.shape")")
		run --input-type "$name" "${shape[@]}" "$blocks" \
			--expect "$name.values"
		stdout_is ''
		succeeds
		run --input-type "${name^^}" "${shape[@]}" \
			--expect "$name.flipped" - < <(cat "$blocks")
		differs "$(sed 's/^[^:]*/stdin/' "$name.report")" \
			"1 of 1 tensors differ from '$name.flipped'"
		n=$((n + 1))
	done
	[ $n = "$(printf '%s\n' "$GOLDEN"/*.f32 | wc -l)" ] || fail "$n formats"
}

test_blocks_in_every_type() {
	local type
	golden_blocks
	for type in f32 f16 bf16 native; do
		run -t $type "$GOLDEN/q6_k.gguf" -o expected
		run -t $type --input-type q6_k q6_k.blocks -o file
		converts
		same "$type" file expected
		run -t $type --input-type q6_k --shape 256,6,8 - -o pipe \
			< <(cat q6_k.blocks)
		converts
		same "$type by a pipe" pipe expected
		"$PROGRAM" -t $type --input-type q6_k - -c < <(cat q6_k.blocks) |
			cat >pipe
		same "$type by a pipe, spooled" pipe expected
		rm -f expected file pipe
	done
}

test_blocks_of_integers() {
	printf '\1\2\3\4\5\6\7\10' >ints.bin
	for type in i8 I16 i32 I64; do
		run --input-type $type ints.bin -fo out
		succeeds
		same $type out ints.bin
	done
	printf '\1\2\3\4\5\6\7\7' >other
	run --input-type i32 ints.bin --expect other
	differs 'ints: 1 of 2 values differ, by up to 16777216; first [1]: '\
'134678021, expected 117900805' "1 of 1 tensors differ from 'other'"
}

test_list_of_blocks() {
	head -c 576 /dev/zero >$'a\e.q4_k'
	run --input-type q4_k $'a\e.q4_k'
	stdout_is 'a\x1b.q4_k
Headerless blocks, 1 tensors; a shape'\''s fastest dimension is first

TYPE     SHAPE  WEIGHTS        SIZE  NAME
Q4_K     1024      1024       576 B  a\x1b

TYPE     TENSORS  WEIGHTS        SIZE  BITS/WEIGHT
Q4_K           1     1024       576 B        4.500
all            1     1024       576 B        4.500

Output as f32: 4096 bytes (4.0 KiB)
As a GGUF file: 4160 bytes (4.1 KiB)'
	succeeds
	head -c 75 /dev/zero | run -l --input-type mxfp6_e2m3 --shape 32,3 -
	grep -qx 'MXFP6_E2M3  32 x 3       96        75 B  stdin' "$OUT" ||
		fail "$(cat "$OUT")"
	run --json --input-type q4_k --shape 512,2 -t f16 $'a\e.q4_k'
	succeeds
	jq -c '.files, .metadata, .tensors' "$OUT" >got
	same 'the JSON' got - <<'END'
[{"name":"a\\x1b.q4_k","gguf_version":0,"alignment":1,"data_offset":0,"tensors":1}]
{}
[{"name":"a\u001b","type":"Q4_K","shape":[512,2],"weights":1024,"file":0,"offset":0,"bytes":576,"output_type":"f16","output_bytes":2048}]
END
	run -o out --index index --input-type q4_k --shape 512,2 $'a\e.q4_k'
	succeeds
	[ "$(jq -c '.tensors' index)" = '[{"name":"a\u001b","type":"f32",'\
'"shape":[512,2],"offset":0,"bytes":4096}]' ] || fail "$(jq -c . index)"
}

test_blocks_of_a_wrong_size() {
	head -c 300 /dev/zero >b.bin
	run --input-type q4_k b.bin -o out
	fails "'b.bin' has 300 bytes, but Q4_K comes in blocks of 144"
	run --input-type q4_k - -o out < <(cat b.bin)
	fails "'standard input' has 300 bytes, but Q4_K comes in blocks of 144"
	run --input-type q4_k --shape 512 b.bin -o out
	fails "'b.bin' has 300 bytes, but should have 288"
	run --input-type q4_k --shape 256,3 b.bin -o out
	fails "'b.bin' has 300 bytes, but should have 432"
	run --input-type q4_k --shape 512 - -o out < <(cat b.bin)
	fails "'standard input' has trailing data after 288 bytes, for \
tensor 'stdin'"
	run --input-type q4_k --shape 256,3 - -o out < <(cat b.bin)
	fails "'standard input' has 300 bytes, but should have 432, for tensor \
'stdin'"
	run --input-type q4_k --shape 128,4 b.bin -o out
	fails "'b.bin': dims[0] 128: Q4_K has blocks of 256 weights, and a \
row must be whole blocks"
	run --input-type f32 --shape 4294967296,4294967296 b.bin -o out
	fails "'b.bin': dims[1] 4294967296: a tensor has at most 9223372036854775807 weights"
	run --input-type f32 /dev/null -o out
	fails "'/dev/null' is empty"
	run --input-type f32 - -o out < <(:)
	fails "'standard input' is empty"
	folder_is b.bin
	run --input-type f32 --shape 0 /dev/null -o out
	succeeds
	same 'nothing' out /dev/null
}

test_blocks_are_spooled_only_without_a_shape() {
	export TMPDIR=$PWD/none
	run --input-type i8 - -o out < <(echo abc)
	fails "cannot make a temporary file in '$PWD/none': No such file or \
directory"
	run --input-type i8 --shape 4 - -o out < <(echo abc)
	succeeds
	TMPDIR=$PWD run --input-type i8 - -fo out < <(echo abc)
	succeeds
	folder_is out
}

test_usage_of_blocks() {
	run --input-type q4_2 b
	fails_usage "'--input-type' takes the type of a tensor, such as q4_k \
or f16, not 'q4_2'"
	run --shape 32 b
	fails_usage "'--shape' has no effect without '--input-type'"
	run --input-type q4_0 --shape 32x2 b
	fails_usage "'--shape' takes up to 8 dimensions as in 4096,32, not \
'32x2'"
	run --ulp 1 b
	fails_usage "'--ulp' has no effect without '--expect'"
	run --expect e --rtol -1 b
	fails_usage "'--rtol' takes a number such as 0.01 or 1e-6, not '-1'"
	run --expect e --ulp 1e3 b
	fails_usage "'--ulp' takes a number less than 2^64, not '1e3'"
	run --expect e --json b
	fails_usage "'--json' cannot be combined with '--expect'"
	run --expect - -
	fails_usage "'--expect -' and FILE '-' cannot both read standard input"
}

# expect_small VALUES OPTION...: compares the small model with VALUES.
expect_small() {
	run "$MODELS/small.gguf" --expect "$@"
}

# Each observer sees the same pass; the report leaves standard output to others.
# If values differ, nothing is written.
test_expect_beside_other_outputs() {
	run "$MODELS/small.gguf" --checksum
	cp "$OUT" sums
	expect_small "$MODELS/small.f32" --checksum -o out.npz
	succeeds
	cmp "$OUT" sums || fail "$(cat "$OUT")" "$(cat sums)"
	run "$MODELS/small.gguf" -o other.npz
	cmp out.npz other.npz || fail 'not what it is without --expect'
	expect_small "$MODELS/small.f32" --check sums -q -o out
	succeeds
	cmp out "$MODELS/small.f32" || fail 'other values'
	rm ./*

	head -c 64 /dev/zero >wrong
	tail -c +65 "$MODELS/small.f32" >>wrong
	expect_small wrong --checksum -o out
	status_is 1
	stdout_is ''
	folder_is wrong
	grep -q 'values differ' "$ERR" || fail "$(cat "$ERR")"
	expect_small wrong -o out
	status_is 1
	stderr_is "gguf-dequant: 1 of 4 tensors differ from 'wrong'"
	grep -q 'values differ' "$OUT" || fail "$(cat "$OUT")"
	folder_is wrong
}

test_expect_of_a_model() {
	expect_small "$MODELS/small.f32"
	stdout_is ''
	succeeds
	run "$MODELS/small.gguf" --expect - < <(cat "$MODELS/small.f32")
	stdout_is ''
	succeeds
	# A model from a pipe, out of order; expected values from a file and a
	# pipe.
	run - --expect "$MODELS/small.f32" < <(cat "$MODELS/shuffled.gguf")
	succeeds
	mkfifo fifo
	cat "$MODELS/small.f32" >fifo &
	run - --expect fifo < <(cat "$MODELS/shuffled.gguf")
	succeeds
	tail -c +385 "$MODELS/small.f32" | head -c 28 >blk.0
	run "$MODELS/small.gguf" -T 'blk.*' -x '*.ids' --expect blk.0
	succeeds
}

# In the second tensor, 0.1 is one float larger and -0 is 0. In the fourth, the
# smallest and the largest integer are swapped.
test_expect_differences() {
	local small=$MODELS/small.f32 attn ids='blk.1.ids: 2 of 5 values differ, '\
'by up to 4294967295; first [3]: 2147483647, expected -2147483648'
	{
		head -c 384 "$small"
		printf '\316\314\314\75\0\0\0\0'
		tail -c +393 "$small" | head -c 32
		tail -c 4 "$small"
		tail -c 8 "$small" | head -c 4
	} >other
	attn='blk.0.attn_q.weight: 2 of 4 values differ, by up to 1 ulp and '\
'7.45058e-09; first [0]: 0.100000001 (3dcccccd), expected 0.100000009 '\
'(3dccccce)'
	for threads in 1 2 7; do
		expect_small other -j$threads
		differs "$attn
$ids" "2 of 4 tensors differ from 'other'"
	done
	run "$MODELS/small.gguf" --expect - < <(cat other)
	differs "$attn
$ids" "2 of 4 tensors differ from 'standard input'"
	for tolerance in --ulp=1 --rtol=1e-7 --atol=7.5e-9; do
		expect_small other $tolerance
		differs "$ids" "1 of 4 tensors differ from 'other'"
	done
	head -c 412 other >floats
	for tolerance in --ulp=0 --rtol=1e-8 --atol=7.4e-9; do
		expect_small floats $tolerance -x '*ids'
		differs "${attn/2 of/1 of}" "1 of 3 tensors differ from 'floats'"
	done
	expect_small floats --ulp=1 -x '*ids'
	stdout_is ''
	succeeds
	expect_small other -q
	differs '' "2 of 4 tensors differ from 'other'"
	expect_small "$small" -v
	stdout_is ''
	status_is 0
	grep -q ': 144 bytes read, 432 compared in ' "$ERR" ||
		fail "$(cat "$ERR")"
	folder_is floats other
}

test_expect_other_types() {
	run "$MODELS/small.gguf" -t f16 -T '*_q*' -o half
	printf '\x66\x2e\0\x80\0\x7c\0\0' >expected
	same 'half' half expected
	printf '\x67\x2e\0\0\xff\x7b\1\0' >other
	run "$MODELS/small.gguf" -t f16 -T '*_q*' --expect other
	differs 'blk.0.attn_q.weight: 4 of 4 values differ, 1 of them NaN or '\
'Inf, by up to 1 ulp and 6.10352e-05; first [0]: 0.099976 (2e66), expected '\
'0.10004 (2e67)' "1 of 1 tensors differ from 'other'"
	run "$MODELS/small.gguf" -t f16 -T '*_q*' --expect other --ulp 1
	differs 'blk.0.attn_q.weight: 1 of 4 values differ, 1 of them NaN or '\
'Inf; first [2]: inf (7c00), expected 65504 (7bff)' \
		"1 of 1 tensors differ from 'other'"
	run "$MODELS/small.gguf" -t bf16 -T '*_q*' -o brain
	run "$MODELS/small.gguf" -t bf16 -T '*_q*' --expect brain
	succeeds
	run "$MODELS/small.gguf" -t native -T 'token*' -o blocks
	run "$MODELS/small.gguf" -t native -T 'token*' --expect blocks
	succeeds
	head -c 101 blocks | cat - <(printf x) >other
	run "$MODELS/small.gguf" -t native -T 'token*' --expect other
	differs 'token_embd.weight: 1 of 102 bytes differ; first [101]: 19, '\
'expected 78' "1 of 1 tensors differ from 'other'"
}

test_expect_a_wrong_size() {
	head -c 431 "$MODELS/small.f32" >short
	cat "$MODELS/small.f32" <(printf x) >long
	expect_small short
	fails "'short' has 431 bytes, but should have 432"
	expect_small long
	fails "'long' has 433 bytes, but should have 432"
	run "$MODELS/small.gguf" --expect - < <(cat short)
	fails "'standard input' has 431 bytes, but should have 432"
	run "$MODELS/small.gguf" --expect - < <(cat long)
	fails "'standard input' has trailing data after 432 bytes"
	expect_small none
	fails "cannot open 'none': No such file or directory"
	expect_small .
	fails "'.' is a directory"
	folder_is long short
}

test_expect_with_a_full_disk() {
	[ -w /dev/full ] || skip 'there is no /dev/full'
	head -c 432 /dev/zero >zeros
	run_into /dev/full "$MODELS/small.gguf" --expect zeros
	fails "cannot write 'standard output': No space left on device"
}

test_blocks_of_more_than_4_gib() {
	truncate -s $(((1 << 32) + 12)) blocks values
	printf x | dd of=values bs=1 seek=$(((1 << 32) + 9)) conv=notrunc \
		status=none
	run --input-type i8 blocks --expect values
	differs 'blocks: 1 of 4294967308 values differ, by up to 120; first '\
'[4294967305]: 0, expected 120' "1 of 1 tensors differ from 'values'"
	run --input-type f16 --shape 2,1073741827 blocks --expect values
	fails "'values' has 4294967308 bytes, but should have 8589934616"
}

# Measured halfway through 32 MiB of blocks.
test_expect_takes_little_memory() {
	local kib pid
	skip_if_sanitized 'a sanitizer uses memory'
	truncate -s 64M values
	mkfifo blocks
	"$PROGRAM" -j4 --memory 4M --input-type f16 --shape 16777216 blocks \
		--expect values &
	pid=$!
	{
		head -c 16M /dev/zero
		anonymous_memory $pid >kib
		head -c 16M /dev/zero
	} >blocks
	wait $pid || fail "status $?"
	kib=$(<kib)
	((100 < kib && kib <= 3072)) || fail "$kib KiB"
}

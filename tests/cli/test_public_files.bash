# Files that people have although llama.cpp's own programs don't write them:
# see public() in models.py.
# shellcheck shell=bash

# shapes FILE: "NAME [SHAPE]" for each tensor, as safetensors and NumPy have it.
shapes() {
	python3 - "$1" <<-'end'
	import json, struct, sys, zipfile
	with open(sys.argv[1], "rb") as file:
	    start = file.read(8)
	    if start[:2] != b"PK":
	        head = json.loads(file.read(struct.unpack("<Q", start)[0]))
	        head.pop("__metadata__", None)
	        for name in head:
	            print(name, head[name]["shape"])
	        sys.exit()
	with zipfile.ZipFile(sys.argv[1]) as archive:
	    for name in archive.namelist():
	        data = archive.read(name)
	        size, = struct.unpack_from("<H", data, 8)
	        header = eval(data[10:10 + size])
	        print(name.removesuffix(".npy"), list(header["shape"]))
	end
}

test_more_than_four_dimensions() {
	local expected='five [3, 1, 2, 1, 2]
six [2, 1, 2, 1, 1, 32]
eight [3, 2, 1, 1, 1, 1, 1, 1]
ok.weight [4]'
	run -l "$MODELS/dimensions.gguf"
	succeeds
	grep -q '^I8  *1 x 1 x 1 x 1 x 1 x 1 x 2 x 3  ' "$OUT" ||
		fail "$(cat "$OUT")"
	for kind in safetensors npz; do
		run -o out.$kind "$MODELS/dimensions.gguf"
		succeeds
		same "$kind" <(shapes out.$kind | sort) <(sort <<<"$expected")
	done
	run -o out "$MODELS/dimensions.gguf"
	succeeds
	run -t native -o copy.gguf "$MODELS/dimensions.gguf"
	stderr_is "gguf-dequant: llama.cpp cannot load the output: tensor \
'five' has 5 dimensions, and its limit is 4"
	status_is 0
	run -q -t native -fo copy.gguf "$MODELS/dimensions.gguf"
	succeeds
	run --json copy.gguf
	[ "$(jq -c '[.tensors[].shape]' "$OUT")" = '[[2,1,2,1,3],'\
'[32,1,1,2,1,2],[1,1,1,1,1,1,2,3],[4]]' ] || fail "$(cat "$OUT")"
	run -o again copy.gguf
	succeeds
	same 'of the copy' again out
	run --input-type i8 --shape 1,1,1,1,1,1,2,3 - -o blocks.npz <<<abcde
	succeeds
	same 'blocks' <(shapes blocks.npz) <(echo 'stdin [3, 2, 1, 1, 1, 1, 1, 1]')
}

test_original_shapes() {
	local expected='conv.weight [4, 2, 2, 2]
ok.weight [4]
video.weight [4, 3, 1, 2, 4]'
	run -l "$MODELS/flattened.gguf"
	succeeds
	grep -Eq '^F16 +2 x 2 x 2 x 4 +32 +64 B  conv.weight$' "$OUT" ||
		fail "$(cat "$OUT")"
	run --json "$MODELS/flattened.gguf"
	[ "$(jq -c '[.tensors[] | [.shape, .stored_shape]]' "$OUT")" = \
		'[[[2,2,2,4],[16,2]],[[4,2,1,3,4],[32,3]],[[4],null]]' ] ||
		fail "$(cat "$OUT")"
	for kind in safetensors npz; do
		run -o out.$kind --index index "$MODELS/flattened.gguf"
		succeeds
		same "$kind" <(shapes out.$kind | sort) - <<<"$expected"
		[ "$(jq -c '[.tensors[].shape]' index)" = \
			'[[2,2,2,4],[4,2,1,3,4],[4]]' ] || fail "$(cat index)"
		rm index
	done
	# GGUF keeps the rows, and the metadata that say what they were.
	run -o out.gguf "$MODELS/flattened.gguf"
	succeeds
	run --json out.gguf
	[ "$(jq -c '[.tensors[] | [.shape, .stored_shape]]' "$OUT")" = \
		'[[[2,2,2,4],[16,2]],[[4,2,1,3,4],[32,3]],[[4],null]]' ] ||
		fail "$(cat "$OUT")"
	run "$MODELS/misshapen.gguf"
	fails "'$MODELS/misshapen.gguf': the shape in key \
'comfy.gguf.orig_shape.ok.weight' does not have the 4 weights of its tensor"
}

test_small_alignments() {
	for n in 1 2 4; do
		run -t native -o out$n "$MODELS/align$n.gguf"
		succeeds
		same "$n" out$n <(printf 'abc\0\0\200\77\0\0\0@\0\0@@\0\0\200@'\
'\0\74\0\100\0\102\0\0\240@\0\0\300@')
		run -t native -o copy.gguf "$MODELS/align$n.gguf"
		succeeds
		run -t native -o copy$n copy.gguf
		succeeds
		same "copy with $n" copy$n out$n
		rm copy.gguf
	done
}

test_unsupported_types() {
	local file=$MODELS/foreign.gguf
	cp "$file" m.gguf
	run m.gguf
	stdout_is 'm.gguf
GGUF version 3, 4 tensors; a shape'"'s"' fastest dimension is first

TYPE                            SHAPE   WEIGHTS        SIZE  NAME
150 (Q8_K128, ik_llama.cpp)     256         256      ~128 B  blk.0.w
F32                             4             4        16 B  ok.weight
43                              64 x 2      128       ~64 B  blk.1.w
31 (Q4_0_4_4, retired by ggml)  32           32       ~32 B  blk.2.w

TYPE                            TENSORS  WEIGHTS        SIZE  BITS/WEIGHT
F32                                   1        4        16 B       32.000
unsupported                           3      416       224 B        4.308
all                                   4      420       240 B        4.571

Output as f32: 16 bytes (16 B)
Tensors of unsupported types must be excluded with -x; their size (~) is that up to the next tensor'
	succeeds
	run --json m.gguf
	succeeds
	[ "$(jq -c '.tensors[] | select(.supported == false) |
		[.type, .type_id, .program, .bytes, .output_type]' "$OUT")" = \
		'["Q8_K128",150,"ik_llama.cpp",128,null]
[null,43,null,64,null]
["Q4_0_4_4",31,"retired by ggml",32,null]' ] || fail "$(cat "$OUT")"
	for options in '-o out' '-o out.gguf -t native' -c --checksum; do
		# shellcheck disable=SC2086 # several arguments
		run $options m.gguf
		fails "'m.gguf': tensor 'blk.0.w' has type 150 (Q8_K128, \
ik_llama.cpp), which is not supported; exclude it with -x"
	done
	run -o out -T blk.1.w m.gguf
	fails "'m.gguf': tensor 'blk.1.w' has type 43, which is not \
supported; exclude it with -x"
	run -o out -x blk.0.w -x blk.1.w m.gguf
	fails "'m.gguf': tensor 'blk.2.w' has type 31 (Q4_0_4_4, retired by \
ggml), which is not supported; re-quantize it to Q4_0, or exclude it with -x"
	folder_is m.gguf
	run -o out -x 'blk.*' m.gguf
	succeeds
	same 'excluded' out <(printf '\0\0\200\77\0\0\0@\0\0@@\0\0\200@')
	run -fo out -T ok.weight - < <(cat m.gguf)
	succeeds
	run -l - < <(cat m.gguf)
	grep -q '^31 .* ?  blk.2.w$' "$OUT" || fail "$(cat "$OUT")"
}

test_types_of_prism() {
	run -o out "$MODELS/prism.gguf"
	fails "'$MODELS/prism.gguf': tensor 'blk.0.w' has type 42 (Q2_0_G128, \
retired by PrismML), which is not supported; download the model's Q2_0_g64 \
file, or exclude it with -x"
	run -o out -x 'blk*' "$MODELS/prism.gguf"
	succeeds
	run "$MODELS/prism-not.gguf"
	fails "'$MODELS/prism-not.gguf': tensors 'blk.0.w' and 'ok.weight' \
overlap: 288 bytes at offset 128, and 16 at offset 352"
}

test_shards_as_operands() {
	local expected=$MODELS/expected order
	local all=("$MODELS"/sha256-{a,b,c})
	cat <(printf '\0\0\200\77\0\0\0@\0\0@@\0\0\200@') \
		<(head -c $((96 * 4 + 16)) "$MODELS/small.f32") >"$expected"
	for order in '0 1 2' '2 1 0' '1 2 0'; do
		# shellcheck disable=SC2086 # three words
		set -- $order
		run -fo out -x late.w "${all[$1]}" "${all[$2]}" "${all[$3]}"
		succeeds
		same "$order" out "$expected"
	done
	run -fo out -x late.w "${all[0]}" - "${all[2]}" < <(cat "${all[1]}")
	succeeds
	same 'one from a pipe' out "$expected"
	run --json "${all[@]}"
	succeeds
	[ "$(jq -c '[.tensors[] | [.file, .name]]' "$OUT")" = \
		'[[0,"ok.weight"],[1,"token_embd.weight"],'\
'[2,"blk.0.attn_q.weight"],[2,"late.w"]]' ] || fail "$(cat "$OUT")"
	rm out
	run -o out "${all[@]}"
	fails "'$MODELS/sha256-b': tensor 'late.w' has type 150 (Q8_K128, \
ik_llama.cpp), which is not supported; exclude it with -x"
	run -o out "${all[1]}"
	fails "'$MODELS/sha256-b' is shard 3 of 3, but its name does not end \
in '-00003-of-00003.gguf'; pass all shards"
	run -o out "${all[1]}" "${all[2]}"
	fails "shard 2 of 3 is missing: '$MODELS/sha256-b' is one of 3 \
shards, but only 2 were given"
	run -o out "${all[@]}" "${all[1]}"
	fails "'$MODELS/sha256-b' and '$MODELS/sha256-b' are both shard 3 of 3"
	run -o out "${all[0]}" "$MODELS/small.gguf"
	fails "'$MODELS/small.gguf' is not a shard of a split model: it has no \
integer 'split.no'"
	run -o "${all[0]}" -fx late.w "${all[@]}"
	status_is 2
	folder_is
}

test_incomplete_files() {
	local size cut
	size=$(stat -c %s "$MODELS/align4.gguf")
	head -c $((size - 1)) "$MODELS/align4.gguf" >cut.gguf
	run -o out cut.gguf
	fails "'cut.gguf' is incomplete: its tensors end at offset $size, but \
the file ends at $((size - 1)), so 1 byte is missing; download it again"
	run -o out - < <(cat cut.gguf)
	fails "'standard input' is incomplete; download it again: its tensors \
end at offset $size, but it ends at $((size - 1)), so 1 byte is missing, for \
tensor 'last'"
	head -c 40 cut.gguf >header.gguf
	for input in header.gguf -; do
		run $input < <(cat header.gguf)
		grep -q ' is incomplete: .*; download it again$' \
			"$ERR" || fail "$(cat "$ERR")"
	done
	cp "$MODELS"/split-0000?-of-00003.gguf .
	cut=split-00003-of-00003.gguf
	truncate -s -20 $cut
	run split-00001-of-00003.gguf
	fails_with "'$cut' is incomplete: its tensors end at offset "
	# Reserved on disk, and not yet written.
	head -c 30 "$MODELS/small.gguf" >zeros.gguf
	truncate -s 100000 zeros.gguf
	run zeros.gguf
	fails "'zeros.gguf' is incomplete: key 2 of 20: there are only zeros at \
offset 57; download it again"
}

test_names_in_capitals() {
	local no
	for no in 1 2 3; do
		cp "$MODELS/split-0000$no-of-00003.gguf" \
			"M-0000$no-of-00003.GGUF"
	done
	run -o OUT.GGUF M-00002-of-00003.GGUF
	succeeds
	run -fo out.gguf "$MODELS/split-00001-of-00003.gguf"
	succeeds
	same 'the kind is that of .gguf' OUT.GGUF out.gguf
}

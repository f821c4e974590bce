# The output kinds, opened with their usual libraries.
# shellcheck shell=bash

# Needs a Python with gguf, numpy and safetensors.
library_python() {
	VENV=$ROOT/build/venv/bin/python
	[ -x "$VENV" ] || skip "there is no build/venv: scripts/setup test"
}

# opens KIND TYPE MODEL [OPTION...]: writes the model as KIND and opens it;
# checks that pipes give the same bytes, also if the model comes from a pipe.
opens() {
	local kind=$1 type=$2 model=$3 path=out.$1 shards
	shift 3
	shards=("${model%-00001-of-*}"*.gguf)
	[ "$model" != "${model%-00001-of-*}" ] || shards=("$model")
	[ "$kind" != dir ] || path=out/
	"$PROGRAM" -t "$type" "$@" -fo raw --index index "$model" || fail
	# What llama.cpp needs in F32: see test_gguf_keeps_f32.
	[ "$kind" != gguf ] ||
		"$PROGRAM" "$@" -fo raw.f32 --index index.f32 "$model" || fail
	run -t "$type" "$@" -o "$path" "$model"
	succeeds
	"$VENV" "$HERE/check_output.py" "${CHECK-$kind}" "$path" raw index \
		"$type" "${shards[@]}" >log 2>&1 ||
		fail "$kind $type $model" "$(<log)"
	if [ "$kind" != dir ]; then
		"$PROGRAM" -t "$type" "$@" -F "$kind" -c "$model" | cat >piped
		cmp "$path" piped || fail "$kind $type: file, pipe"
		if [ ${#shards[@]} = 1 ]; then
			# shellcheck disable=SC2002 # a pipe on purpose
			cat "$model" | "$PROGRAM" -t "$type" "$@" -F "$kind" \
				-c - | cat >piped
			cmp "$path" piped || fail "$kind $type: pipe, pipe"
		fi
		rm piped
	fi
	rm -fr "$path" raw* index* log
	folder_is
}

test_gguf_output() {
	local type
	library_python
	for type in f32 f16 bf16 native; do
		opens gguf $type "$MODELS/small.gguf"
		CHECK=plain-gguf opens gguf $type "$MODELS/corners.gguf"
		# The package fails on a BF16 without dimensions.
		opens gguf $type "$MODELS/corners.gguf" -x scalar
		opens gguf $type "$MODELS/shuffled.gguf"
		opens gguf $type "$ROOT/tests/models/tiny-llama.gguf"
	done
	opens gguf f16 "$MODELS/split-00001-of-00003.gguf"
	opens gguf native \
		"$ROOT/tests/models/tiny-llama-split-00001-of-00003.gguf"
	opens gguf f32 "$MODELS/none.gguf"
	opens gguf f32 "$MODELS/empty.gguf"
	opens gguf native "$MODELS/empty.gguf"
	opens gguf f32 "$MODELS/small.gguf" -T 'blk.*' -x '*norm*'
	CHECK=plain-gguf opens gguf f32 "$MODELS/names.gguf"
	opens gguf f32 "$MODELS/long_name.gguf"
}

test_gguf_output_in_llama_cpp() {
	local type model=$ROOT/tests/models/tiny-llama
	library_python
	for type in f32 f16 bf16 native; do
		run -t $type -o $type.gguf "$model.gguf"
		succeeds
	done
	run -t f16 -o split.gguf "$model-split-00001-of-00003.gguf"
	succeeds
	run -o none.gguf "$MODELS/none.gguf"
	succeeds
	"$VENV" "$HERE/llama_cpp.py" ./*.gguf >got 2>errors ||
		fail "$(<errors)"
	same 'tensors, keys' got <(cat <<-'end'
	./bf16.gguf 21 51
	./f16.gguf 21 51
	./f32.gguf 21 51
	./native.gguf 21 51
	./none.gguf 0 0
	./split.gguf 12 51
	end
	)
}

# llama.cpp runs what is written, and says what it says with the model.
test_llama_cpp_runs_gguf_output() {
	local type model=$ROOT/tests/models/tiny-llama.gguf
	library_python
	for type in f32 f16 bf16 native; do
		run -t $type -o $type.gguf "$model"
		succeeds
	done
	run -t bf16 -t 'type:Q*=f16' -t '*attn_q*=native' -o mixed.gguf "$model"
	succeeds
	"$VENV" "$HERE/llama_cpp_run.py" "$model" ./*.gguf >got 2>errors ||
		fail "$(<errors)"
	[ "$(cut -d ' ' -f 2- got | sort -u | wc -l)" = 1 ] || fail "$(<got)"
	! grep -q ' aborts$' got || fail "$(<got)" "$(tail errors)"
}

# Name, dimensions, and the types in the model and in files of F16 and BF16.
kept_tensors() {
	cat <<-'end'
	token_embd.weight 32,2 q8_0 f16 bf16
	blk.0.attn_norm.weight 32 f32 f32 f32
	blk.0.attn_q_norm.weight 32,2 f16 f32 f32
	blk.0.attn_q.bias 2 f16 f32 f32
	blk.0.ffn_gate_inp.weight 32,2 bf16 f32 f32
	blk.0.ffn_gate.weight 32,2 bf16 f16 bf16
	blk.0.ffn_up.weight 32,2 f16 f16 bf16
	blk.0.ffn_down.weight 32,2 f32 f32 f32
	blk.0.ffn_up.lora_a 32,2 q8_0 f16 bf16
	blk.0.ssm_a 1,4 f32 f32 f32
	blk.0.ssm_in.weight 32,2 q8_0 f16 bf16
	blk.0.ssm_conv1d.weight 4,8 f16 f16 f16
	blk.0.ssm_out.weight 32,1 q8_0 f32 f32
	blk.0.shortconv.conv.weight 3,4 bf16 f32 f32
	blk.0.shortconv.in_proj.weight 32,2 q8_0 f16 bf16
	rope_freqs.weight 16 f32 f32 f32
	position_embd.weight 32,2 q8_0 f32 f32
	token_types.weight 32,2 f16 f32 f32
	v.patch_embd.weight 2,2,3,4 f16 f16 f16
	blk.0.time_mix_w1.weight 32,2 q8_0 f32 f32
	blk.0.ids.weight 2,2 i32 i32 i32
	end
}

test_gguf_keeps_f32() {
	local type column=4
	kept_tensors >kept
	PYTHONPATH=$HERE python3 - <<-'end' || fail
	import gguf_file
	import math
	tensors = []
	for line in open("kept"):
	    name, dims, kind, *_ = line.split()
	    dims = tuple(map(int, dims.split(",")))
	    _, weights, size = gguf_file.TYPES[gguf_file.IDS[kind]]
	    tensors.append((name, kind, dims,
	                    bytes(math.prod(dims) // weights * size)))
	arch = [("general.architecture", "string", "llama")]
	gguf_file.write("model", tensors, arch)
	gguf_file.write("other", tensors)
	end
	for type in f16 bf16; do
		run -v -t $type -o $type.gguf model
		[ "$(head -1 "$ERR")" = "gguf-dequant: 12 of 21 tensors stay \
F32: 1-D (4), norm (1), router (1), F32 in the model (1), not a .weight (1), \
convolution (1), position (1), token type (1), time mixer (1)" ] || fail "$(<"$ERR")"
		PYTHONPATH=$HERE python3 -c "
import gguf_file
for name, kind, *_ in gguf_file.read('$type.gguf')[1]:
    print(name, kind)" >got
		same $type got <(cut -d ' ' -f 1,$column kept)
		column=5
		# A model that is not llama.cpp's, and other kinds of output.
		run -v -t $type -o other-$type.gguf other
		! grep -q 'stay F32' "$ERR" || fail "$(<"$ERR")"
		run -v -t $type -o $type.raw model
		! grep -q 'stay F32' "$ERR" || fail "$(<"$ERR")"
	done
	run -v -o f32.gguf model
	! grep -q 'stay F32' "$ERR" || fail "$(<"$ERR")"
	# What was chosen stays.
	run -v -t f16 -t 'type:f32=f16' -t '*.bias=bf16' -o chosen.gguf model
	grep -q ' 7 of 21 tensors stay F32' "$ERR" || fail "$(<"$ERR")"
	# The lines of such a run say the types.
	"$PROGRAM" --checksum -t bf16 -fo bf16.gguf model >sums || fail
	run -q --check sums -o again.gguf model
	succeeds
	cmp bf16.gguf again.gguf || fail
}

test_gguf_native_is_the_model() {
	run -t native -o out.gguf "$MODELS/small.gguf"
	succeeds
	same 'the model' out.gguf "$MODELS/small.gguf"
}

# Blocks without a header have no alignment and, for some types, no GGUF id.
test_gguf_of_raw_blocks() {
	library_python
	head -c 75 /dev/zero >model
	run --input-type mxfp6_e2m3 -t f16 -o out.gguf model
	succeeds
	"$VENV" - <<-'end' || fail
	import gguf
	reader = gguf.GGUFReader("out.gguf")
	tensor, = reader.tensors
	assert (tensor.name, tensor.tensor_type.name) == ("model", "F16")
	assert reader.data_offset % 32 == 0 and tensor.data.shape == (96,)
	end
	run --input-type mxfp6_e2m3 -t native -fo out.gguf model
	fails "tensor 'model' would be written as MXFP6_E2M3, which GGUF does \
not support; use '--type f32', 'f16' or 'bf16', or '--format raw'"
}

test_safetensors_output() {
	local type
	library_python
	for type in f32 f16 bf16; do
		opens safetensors $type "$MODELS/small.gguf"
		opens safetensors $type "$MODELS/corners.gguf"
		opens safetensors $type "$ROOT/tests/models/tiny-llama.gguf"
	done
	opens safetensors native "$MODELS/corners.gguf"
	opens safetensors native "$MODELS/shuffled.gguf" -x 'token*'
	opens safetensors bf16 "$MODELS/split-00001-of-00003.gguf"
	opens safetensors f32 "$MODELS/none.gguf"
	opens safetensors f32 "$MODELS/empty.gguf"
	opens safetensors f32 "$MODELS/names.gguf" -x 'c* *' -x 'in*'
	opens safetensors f32 "$MODELS/long_name.gguf"
}

# The header: its length, the model's metadata, and the start of the data.
test_safetensors_header() {
	run -o out.safetensors "$MODELS/corners.gguf"
	succeeds
	python3 - <<-'end' || fail
	import json
	with open("out.safetensors", "rb") as file:
	    length = int.from_bytes(file.read(8), "little")
	    text = file.read(length).decode("ascii")
	assert length % 8 == 0 and text[0] == "{"
	header = json.loads(text)
	assert header.pop("__metadata__") == {
	    "format": "pt", "general.name": "invalid \\xff"}
	size = {"F32": 4, "F64": 8, "I8": 1, "I16": 2, "I64": 8}
	last = 0
	for name, tensor in sorted(header.items(), key=lambda item:
	                           item[1]["data_offsets"]):
	    begin, next_last = tensor["data_offsets"]
	    assert begin == last and begin % size[tensor["dtype"]] == 0, name
	    last = next_last
	end
}

test_safetensors_refuses() {
	run -t native -o out.safetensors "$MODELS/small.gguf"
	fails "tensor 'token_embd.weight' would be written as Q8_0, which \
safetensors does not support; use '--type f32', 'f16' or 'bf16', or \
'--format gguf'"
	run -F safetensors -c -T 'invalid*' "$MODELS/names.gguf"
	fails "tensor 'invalid \\xff\\xc0' has a name that is not UTF-8, which \
safetensors requires; use another '--format', or exclude it with '--exclude'"
	PYTHONPATH=$HERE python3 -c "
import gguf_file
gguf_file.write('model', [('__metadata__', 'i8', (1,), b'x')])"
	run -o out.safetensors model
	fails "safetensors reserves the name '__metadata__'; exclude that \
tensor with '--exclude'"
	folder_is model
}

test_npz_output() {
	local type
	library_python
	for type in f32 f16; do
		opens npz $type "$MODELS/small.gguf"
		opens npz $type "$MODELS/corners.gguf"
		opens npz $type "$MODELS/shuffled.gguf"
		opens npz $type "$ROOT/tests/models/tiny-llama.gguf"
	done
	opens npz native "$MODELS/corners.gguf"
	opens npz f16 "$MODELS/split-00001-of-00003.gguf"
	opens npz f32 "$MODELS/none.gguf"
	opens npz f32 "$MODELS/empty.gguf"
	opens npz f32 "$MODELS/names.gguf" -x '[cin]* *'
	opens npz f32 "$MODELS/long_name.gguf"
}

# Names that an extractor would take for another folder, or NumPy for another
# member's: each is written so that it is neither.
test_npz_names() {
	PYTHONPATH=$HERE python3 - <<-'END' || exit
		import gguf_file
		names = ["x", "x.npy", "x.npy.npy", "a/b/c", "/abs", "../up", "a/..",
		         "a/./b", ".", "..", "...", ".hidden", "C:\\w", "dir/", "A",
		         "a", "100%", "%2E", "npy", ".npy"]
		gguf_file.write("model", [
		    (name, "i8", (1,), bytes([i])) for i, name in enumerate(names)])
	END
	run model -o out.npz
	succeeds
	library_python
	"$VENV" - >values <<-'END' || fail "$(cat values)"
		import numpy
		with numpy.load("out.npz") as arrays:
		    for name in arrays.files:
		        print(arrays[name][0], name)
	END
	text_is 'the names' values '0 x
1 x%2Enpy
2 x.npy%2Enpy
3 a/b/c
4 %2Fabs
5 %2E./up
6 a/%2E.
7 a/%2E/b
8 %2E
9 %2E.
10 ...
11 .hidden
12 C:%5Cw
13 dir%2F
14 A
15 a
16 100%25
17 %252E
18 npy
19 %2Enpy'
}

test_npz_refuses() {
	run -t bf16 -o out.npz "$MODELS/small.gguf"
	fails "tensor 'token_embd.weight' would be written as BF16, which npz \
does not support; use '--type f32' or 'f16', or '--format safetensors'"
	run -t native -o out.npz "$MODELS/small.gguf"
	fails "tensor 'token_embd.weight' would be written as Q8_0, which npz \
does not support; use '--type f32' or 'f16', or '--format safetensors'"
	run -F npz -c -T 'null*' "$MODELS/names.gguf"
	fails "tensor 'null \\x00 byte' has a name with a NUL or more than \
65531 bytes, which zip does not support; use '--format safetensors', or \
exclude it with '--exclude'"
	folder_is
}

# More members than the end record of a zip file can count.
test_npz_of_many_members() {
	library_python
	PYTHONPATH=$HERE python3 -c "
import gguf_file
gguf_file.write('model', [('t%d' % i, 'i8', (1,), bytes([i % 128]))
                          for i in range(65600)])" || fail
	run -o out.npz model
	succeeds
	"$VENV" - <<-'end' || fail
	import numpy as np
	arrays = np.load("out.npz")
	assert len(arrays.files) == 65600
	assert arrays["t65599"].tolist() == [65599 % 128]
	end
}

# More than 4 GiB, mostly a hole, since the disk may have less space. For two
# kinds the header is enough, with a hole after it.
test_large_outputs() {
	library_python
	"$PROGRAM" -F npz -c "$MODELS/sparse.gguf" |
		dd of=out.npz bs=1M iflag=fullblock conv=sparse status=none
	for kind in gguf safetensors; do
		"$PROGRAM" -F $kind -c "$MODELS/sparse.gguf" |
			head -c 512 >out.$kind
	done
	truncate -s $(((1 << 32) + 192)) out.gguf
	truncate -s $(((1 << 32) + 5 + 8 + 8 + $(od -An -t u8 -N 8 \
		out.safetensors))) out.safetensors
	"$VENV" - <<-'end' || fail
	import gguf
	import numpy as np
	import safetensors
	import zipfile
	import zlib
	n = 2**32 + 5
	hole, after = gguf.GGUFReader("out.gguf").tensors
	assert len(hole.data) == n and after.data_offset == 2**32 + 160
	with safetensors.safe_open("out.safetensors", "np") as file:
	    assert file.get_slice("hole").get_shape() == [n]
	    assert file.get_tensor("after").tolist() == [1, 2]
	assert np.load("out.npz")["after"].tolist() == [1, 2]
	with zipfile.ZipFile("out.npz") as file:
	    member = file.getinfo("hole.npy")
	    crc = zlib.crc32(file.open(member).read(128))
	for _ in range(2**12):
	    crc = zlib.crc32(bytes(2**20), crc)
	assert member.CRC == zlib.crc32(bytes(5), crc)
	assert member.file_size == n + 128
	end
}

test_dir_output() {
	local type
	library_python
	for type in f32 f16 bf16 native; do
		opens dir $type "$MODELS/small.gguf"
		opens dir $type "$MODELS/corners.gguf"
	done
	opens dir f32 "$MODELS/shuffled.gguf"
	opens dir f16 "$MODELS/split-00001-of-00003.gguf"
	opens dir f32 "$MODELS/none.gguf"
	opens dir native "$MODELS/names.gguf"
	"$PROGRAM" -F dir -o out - < <(cat "$MODELS/shuffled.gguf") || fail
	run -fo out "$MODELS/small.gguf"
	fails "'out' is a directory"
	cat out/token_embd.weight.f32 out/blk.0.attn_q.weight.f32 \
		out/blk.0.attn_norm.weight.f32 out/blk.1.ids.i32 >joined
	same 'the tensors' joined "$MODELS/small.f32"
}

test_dir_that_is_there() {
	local use='use --force to write to it and replace files of the same'
	mkdir out
	run -o out/ "$MODELS/small.gguf"
	succeeds
	[ "$(find out | wc -l)" = 5 ] || fail "$(find out)"
	echo mine >out/mine
	echo old >out/blk.1.ids.i32
	run -o out/ "$MODELS/small.gguf"
	fails "folder 'out' is not empty; $use names"
	same 'the old file' out/blk.1.ids.i32 <(echo old)
	run -f -o out/ "$MODELS/small.gguf"
	succeeds
	same 'the new file' out/blk.1.ids.i32 \
		<(tail -c 20 "$MODELS/small.f32")
	same 'another file' out/mine <(echo mine)
	[ "$(find out | wc -l)" = 6 ] || fail "$(find out)"
	folder_is out
}

# The name of the first tensor takes a folder of its own. The second file cannot
# be moved, so the first one and its folder go, too.
test_dir_that_cannot_be_filled() {
	nm -D "$PROGRAM" | grep -qE '__(a|t)san' &&
		skip 'a sanitizer allocates memory'
	PYTHONPATH=$HERE python3 -c "
import gguf_file
gguf_file.write('model', [('x' * 300, 'i8', (1,), b'x'),
                          ('y', 'i8', (1,), b'y')])" || exit
	mkdir out
	status=0
	LD_PRELOAD=$FAILING_CALL FAIL_CALL=name:2 "$PROGRAM" -o out/ model \
		>"$OUT" 2>"$ERR" || status=$?
	fails "cannot create 'out/y.i8': Input/output error"
	folder_is model out
	rmdir out || fail 'it is not empty'
}

test_dir_that_cannot_be() {
	echo file >file
	run -o file/ "$MODELS/small.gguf"
	fails "cannot create 'file': Not a directory"
	run -F dir -o none/out "$MODELS/small.gguf"
	fails "cannot create 'none/out': No such file or directory"
	run -F dir -o '' "$MODELS/small.gguf"
	fails "the output path is empty"
	ln -s nothing link
	run -o link/ "$MODELS/small.gguf"
	fails "cannot create 'link': No such file or directory"
	run -o out/ "$MODELS/long_name.gguf"
	fails_with "tensor 'yyy"
	mkdir -p old/blk.1.ids.i32
	run -fo old/ "$MODELS/small.gguf"
	fails "'old/blk.1.ids.i32' is a directory"
	rmdir old/blk.1.ids.i32
	cp "$MODELS/small.gguf" old/blk.1.ids.i32
	run -fo old/ old/blk.1.ids.i32
	fails "'old/blk.1.ids.i32' is the input, which is never overwritten"
	same 'the input' old/blk.1.ids.i32 "$MODELS/small.gguf"
	rm old/blk.1.ids.i32
	run -F dir -c "$MODELS/small.gguf"
	fails_usage "'--format dir' writes many files: it cannot go to \
standard output"
	[ -z "$(ls -A old)" ] || fail "$(ls -A old)"
	folder_is file link old
}

# A symbolic link in the folder is not followed.
test_dir_with_links() {
	local long
	long=$(printf 'x%.0s' {1..254})%
	mkdir there out
	echo theirs >there/file
	ln -s ../there/file out/scalar.f32
	run -fo out/ -x '' -x 'x*' "$MODELS/corners.gguf"
	succeeds
	[ ! -L out/scalar.f32 ] || fail 'the link is still there'
	same 'the file behind the link' there/file <(echo theirs)
	ln -s ../there "out/$long"
	run -fo out/ -T 'x*' "$MODELS/corners.gguf"
	fails "cannot write 'out/$long/${long:0:46}.f32': Not a directory"
	[ "$(ls there)" = file ] || fail "$(ls there)"
}

test_index_of_other_formats() {
	local kind
	for kind in raw gguf safetensors npz; do
		run -F $kind -o out --index index "$MODELS/corners.gguf"
		succeeds
		python3 - <<-'end' || fail $kind
		import json
		with open("out", "rb") as file:
		    data = file.read()
		with open("index") as file:
		    index = {t["name"]: t for t in json.load(file)["tensors"]}
		tensor = index["bytes"]
		start = tensor["offset"]
		assert data[start:start + tensor["bytes"]] == b"abc", tensor
		assert len(index) == 12 and "file" not in tensor
		end
		rm out index
	done
	run -F dir -o out --index index "$MODELS/corners.gguf"
	succeeds
	jq -c '.tensors[] | [.file, .offset]' index | sed -n '6,7p' >got
	same 'files' got <(cat <<-'end'
	["a%2Fb%2F..%2Fc.f32",0]
	["%2E..i64",0]
	end
	)
}

# One pass writes and hashes; the lines are in table order.
test_checksums_beside_formats() {
	local kind
	"$PROGRAM" --checksum=sha256 "$MODELS/corners.gguf" >sums || fail
	for kind in raw gguf safetensors npz dir; do
		run --checksum=sha256 -F $kind -o out "$MODELS/corners.gguf"
		stderr_is ''
		same "with $kind" "$OUT" sums
		"$PROGRAM" -F $kind -o alone "$MODELS/corners.gguf" || fail
		diff -r out alone || fail "$kind differs"
		[ $kind = dir ] || rm out alone
	done
	(cd out && sha256sum --strict --quiet -c ../sums) >log 2>&1 ||
		fail "$(<log)"
}

test_format_by_option_and_suffix() {
	run -F raw -o out.gguf "$MODELS/small.gguf"
	succeeds
	same 'raw' out.gguf "$MODELS/small.f32"
	run -F GGUF -o raw "$MODELS/small.gguf"
	succeeds
	run -fo out.gguf "$MODELS/small.gguf"
	succeeds
	same 'gguf' out.gguf raw
	run -F raw -o new/ "$MODELS/small.gguf"
	fails "'new/' is a directory"
}

# The disk is full at each of the first writes in turn.
test_full_disk_at_each_write() {
	local kind n
	for kind in raw gguf safetensors npz dir; do
		for n in {1..64}; do
			run_full "$n" -F $kind -o out --index index \
				"$MODELS/corners.gguf"
			[ "$status" != 0 ] || break
			fails_with 'cannot write '
			grep -q ': No space left on device$' "$ERR" ||
				fail "$(<"$ERR")"
			folder_is
		done
		[ "$n" -gt 2 ] || fail "$kind: $n writes"
		rm -r out index || fail "$kind: more than 64 writes"
	done
	for n in {1..20}; do
		run_full "$n" -o out.npz "$MODELS/long.gguf"
		[ "$status" != 0 ] || break
		fails "cannot write 'out.npz': No space left on device"
		folder_is
	done
	[ "$n" -gt 16 ] || fail "$n writes"
}

# run_full N ARG...: like run, but the Nth write to a regular file fails.
run_full() {
	status=0
	LD_PRELOAD=$FULL_DISK FAIL_WRITE=$1 \
		ASAN_OPTIONS=verify_asan_link_order=0 \
		"$PROGRAM" "${@:2}" >"$OUT" 2>"$ERR" || status=$?
}

# llama.cpp reads what is converted, and a message says what is not.
test_gguf_output_of_ik_llama_cpp() {
	run -t f16 -o f16.gguf "$GOLDEN/iq4_ks.gguf"
	converts
	run -o again -t f16 f16.gguf
	converts
	run -o expected -t f16 "$GOLDEN/iq4_ks.gguf"
	converts
	same 'through GGUF' again expected
	run -t native -o native.gguf "$GOLDEN/iq4_ks.gguf"
	stderr_is "gguf-dequant: llama.cpp cannot load the output: tensor \
'random' is still IQ4_KS, which it does not have; convert it with -t"
	status_is 0
	run -fo again native.gguf
	converts
	same 'native' again "$GOLDEN/iq4_ks.f32"
}

# Rows that are converted as a whole must fit into memory; blocks need not.
test_rows_that_are_too_long() {
	truncate -s $((4 + (1 << 22) * 136 / 256)) rows
	run --input-type iq4_ks rows --memory 4M -j1 -o out
	sed -i 's/buffer has [0-9]*/buffer has less/' "$ERR"
	fails "'rows': tensor 'rows' has rows of 4194304 weights in IQ4_KS, \
which are converted as a whole: 16777216 bytes, but a buffer has less; \
raise --memory"
	folder_is rows
	run --input-type iq4_ks rows --memory 256M -o out
	converts
	[ "$(stat -c %s out)" = $((1 << 24)) ] || fail 'size'
	truncate -s $((4 + ((1 << 24) + 256) * 136 / 256)) rows
	run --input-type iq4_ks rows --checksum
	fails "'rows': tensor 'rows' has rows of 16777472 weights in IQ4_KS, \
which are converted as a whole: 67109888 bytes, but BLAKE3 takes at most \
67108864; use another checksum"
	truncate -s $(((1 << 22) / 4 + 32)) blocks
	run --input-type i2_s blocks --memory 4M -j1 -fo out
	converts
	[ "$(stat -c %s out)" = $((1 << 24)) ] || fail 'size'
}

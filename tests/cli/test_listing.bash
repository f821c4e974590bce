# --list and --json.
# shellcheck shell=bash

test_list() {
	cp "$MODELS/small.gguf" .
	run --list small.gguf
	stdout_is 'small.gguf: llama, Small ▁ "test"
GGUF version 3, 4 tensors; a shape'"'s"' fastest dimension is first

TYPE     SHAPE   WEIGHTS        SIZE  NAME
Q8_0     32 x 3       96       102 B  token_embd.weight
F32      2 x 2         4        16 B  blk.0.attn_q.weight
F16      3             3         6 B  blk.0.attn_norm.weight
I32      5             5        20 B  blk.1.ids

TYPE     TENSORS  WEIGHTS        SIZE  BITS/WEIGHT
F32            1        4        16 B       32.000
F16            1        3         6 B       16.000
Q8_0           1       96       102 B        8.500
I32            1        5        20 B       32.000
all            4      108       144 B       10.667

Output as f32: 432 bytes (432 B)
As a GGUF file: 1472 bytes (1.4 KiB)'
	succeeds
	cp "$OUT" list
	run small.gguf
	same 'the default' "$OUT" list
	run -T '*norm*' -t f16 small.gguf
	stdout_is 'small.gguf: llama, Small ▁ "test"
GGUF version 3, 1 of 4 tensors; a shape'"'s"' fastest dimension is first

TYPE     SHAPE  WEIGHTS        SIZE  NAME
F16      3            3         6 B  blk.0.attn_norm.weight

TYPE     TENSORS  WEIGHTS        SIZE  BITS/WEIGHT
F16            1        3         6 B       16.000
all            1        3         6 B       16.000

Output as f16: 6 bytes (6 B)
As a GGUF file: 864 bytes (864 B)'
}

test_list_of_a_pipe() {
	run --list - < <(cat "$MODELS/shuffled.gguf")
	succeeds
	"$PROGRAM" --list "$MODELS/shuffled.gguf" |
		sed '1s/.*shuffled.gguf:/standard input:/' >expected
	same 'the list' "$OUT" expected
}

test_no_control_byte_reaches_a_terminal() {
	run --list "$MODELS/names.gguf"
	succeeds
	sed -n '5,22s/^.\{37\}//p' "$OUT" >names
	same 'names' names <(cat <<-'end'
	escape \x1b[31m red
	null \x00 byte
	line\nfeed
	return\r
	tab\t
	bell\x07
	delete \x7f
	c1 \xc2\x9b
	invalid \xff\xc0
	cut \xe2\x96
	right to left \xe2\x80\xae override
	zero \xe2\x80\x8b width
	byte order \xef\xbb\xbf
	quote ' " \\
	wide 漢字
	accent é
	▁

	end
	)
	run --json "$MODELS/names.gguf"
	succeeds
	LC_ALL=C grep -q '[^ -~]' "$OUT" && fail 'not all printable ASCII'
	python3 -c '
import json, sys
sys.path.insert(0, sys.argv[1])
import models
got = [t["name"] for t in json.load(sys.stdin)["tensors"]]
assert got == models.NAMES, got' "$HERE" <"$OUT" || fail 'the names differ'
}

test_messages_have_no_control_bytes() {
	for name in escape null line; do
		run -T "$name*" -T none -o $'out\e\n' "$MODELS/names.gguf"
		fails "no tensor name matches 'none'"
	done
}

test_json_by_python() {
	run --json "$MODELS/small.gguf" -t f16
	succeeds
	python3 - "$HERE" "$OUT" "$MODELS/small.gguf" <<-'end' ||
	import json, math, struct, sys
	sys.path.insert(0, sys.argv[1])
	import gguf_file, models

	with open(sys.argv[2], encoding="ascii") as file:
	    got = json.load(file)

	def same(kind, value, expected):
	    if isinstance(kind, list):
	        return (len(value) == len(expected) and
	                all(map(same, [kind[0]] * len(value), value, expected)))
	    if kind in ("f32", "f64"):
	        value = float(value.replace("Infinity", "inf")
	                      if isinstance(value, str) else value)
	        code = "<f" if kind == "f32" else "<d"
	        return struct.pack(code, value) == struct.pack(code, expected)
	    return type(value) is type(expected) and value == expected

	assert list(got["metadata"]) == [key for key, _, _ in models.METADATA]
	for key, kind, expected in models.METADATA:
	    entry = got["metadata"][key]
	    if isinstance(kind, list):
	        items = kind[0]
	        assert entry["type"] == "array", entry
	        assert entry["items"] == ("array" if isinstance(items, list)
	                                  else items), entry
	    else:
	        assert entry["type"] == kind, entry
	    assert same(kind, entry["value"], expected), (key, entry, expected)

	_, tensors = gguf_file.read(sys.argv[3])
	assert len(got["tensors"]) == len(tensors)
	with open(sys.argv[3], "rb") as file:
	    for row, tensor in zip(got["tensors"], tensors):
	        name, type_name, shape, data = tensor
	        file.seek(row["offset"])
	        assert file.read(row["bytes"]) == data, row
	        assert row["name"] == name and row["type"].lower() == type_name
	        assert row["shape"] == list(shape)
	        assert row["weights"] == math.prod(shape)
	assert got["output"]["bytes"] == sum(
	    row["output_bytes"] for row in got["tensors"])
	assert got["all"]["bytes"] == sum(
	    entry["bytes"] for entry in got["types"].values())
	end
		fail "$(cat "$OUT")"
}

# Without writing it. An alignment of 64 KiB makes a small model large.
test_list_tells_the_size_of_a_gguf_file() {
	local model type bytes
	PYTHONPATH=$HERE python3 -c "
import gguf_file
gguf_file.write('padded', [(str(i), 'i8', (1,), b'x') for i in range(9)],
                [('general.architecture', 'string', 'a'),
                 ('general.alignment', 'u32', 65536)], alignment=65536)" || exit
	for model in padded "$MODELS"/{small,shuffled,none,split-00001-of-00003}.gguf \
		"$HERE/../models/tiny-llama.gguf"; do
		for type in f32 f16 native; do
			run -t $type --json "$model"
			bytes=$(jq .output.gguf_bytes "$OUT")
			run -q -t $type -o out.gguf -f "$model"
			[ "$bytes" = "$(stat -c %s out.gguf)" ] ||
				fail "$model: $bytes"
			run -t $type -l "$model"
			grep -q "^As a GGUF file: $bytes bytes (" "$OUT" ||
				fail "$(<"$OUT")"
		done
	done
	run -l padded
	grep -qx 'As a GGUF file: 655360 bytes (640.0 KiB)' "$OUT" ||
		fail "$(<"$OUT")"
	# GGUF has no such type.
	run -t native --input-type mxfp6_e2m3 --json "$GOLDEN/mxfp6_e2m3.blocks"
	[ "$(jq .output.gguf_bytes "$OUT")" = null ] || fail "$(<"$OUT")"
}

test_json_by_jq() {
	local model
	for model in small shuffled names none many split-00001-of-00003; do
		run --json "$MODELS/$model.gguf"
		succeeds
		[ "$(jq -s length "$OUT")" = 1 ] || fail "$model"
	done
}

test_list_of_many_tensors() {
	run "$MODELS/many.gguf"
	succeeds
	[ "$(wc -l <"$OUT")" = 1011 ] || fail "$(wc -l <"$OUT") lines"
	[ "$(grep -c '^F32 .* blk' "$OUT")" = 1000 ] || fail 'not all of them'
}

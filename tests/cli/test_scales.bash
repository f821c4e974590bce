# NVFP4 tensors with scales in tensors of their own.
# shellcheck shell=bash

# write_nvfp4 FILE: a model of every kind of scales; and in FILE.json, by name,
# the values of the weights as JSON, with their scales.
write_nvfp4() {
	PYTHONPATH=$HERE python3 - "$1" <<-'end'
	import gguf_file
	import json
	import random
	import struct
	import sys
	rng = random.Random(1)
	def f32(*values): return struct.pack("<%df" % len(values), *values)
	def rounded(x): return struct.unpack("<f", struct.pack("<f", x))[0]
	E2M1 = [0, .5, 1, 1.5, 2, 3, 4, 6, 0, -.5, -1, -1.5, -2, -3, -4, -6]
	def ue4m3(x):
	    return 2.0**-9 * (x & 7) if x < 8 else \
	        2.0 ** ((x >> 3) - 7) * (1 + (x & 7) / 8)
	def nvfp4(n_blocks):
	    data, values = b"", []
	    for _ in range(n_blocks):
	        d = [rng.randrange(127) for _ in range(4)]
	        q = [rng.randrange(256) for _ in range(32)]
	        data += bytes(d + q)
	        for i in range(64):
	            j = i % 16
	            nibble = q[i // 16 * 8 + j % 8] >> (4 if j >= 8 else 0) & 15
	            values.append(ue4m3(d[i // 16]) * E2M1[nibble])
	    return data, values
	expected, tensors = {}, []
	def add(name, shape, scale_name, scales):
	    n = 1
	    for dim in shape:
	        n *= dim
	    data, values = nvfp4(n // 64)
	    each = n // len(scales) if scales else n
	    expected[name] = [rounded(v * (scales[i // each] if scales else 1))
	                      for i, v in enumerate(values)]
	    tensors.append((name, "nvfp4", shape, data))
	    if scales:
	        tensors.append((scale_name, "f32", (len(scales),), f32(*scales)))
	third = rounded(1 / 3)
	add("gate.weight", (64, 50), "gate.scale", [third])
	add("up.weight", (64, 2), "up.weight.scale", [-0.1 and rounded(-0.1)])
	add("exps.weight", (64, 3, 4), "exps.scale", [0.5, third, 2.0, 0.0])
	add("plain.weight", (64, 1), None, None)
	tensors += [("gate.input_scale", "f32", (1,), f32(9)),
	            ("other.scale", "f32", (1,), f32(7))]
	gguf_file.write(sys.argv[1], tensors)
	with open(sys.argv[1] + ".json", "w") as file:
	    json.dump(expected, file)
	end
}

NOTE='gguf-dequant: 3 NVFP4 tensors are not multiplied by the scales beside '\
"them: use '--apply-scales'"

test_scales_are_mentioned() {
	write_nvfp4 model || fail
	run -o plain model
	stderr_is "$NOTE"
	status_is 0
	run --checksum -x 'up*' -x 'exps*' -x '*.scale' model
	stderr_is "gguf-dequant: 1 NVFP4 tensor is not multiplied by the scales \
beside it: use '--apply-scales'"
	for options in '-t native' '-T plain.weight' '-x *.weight'; do
		set -f
		# shellcheck disable=SC2086 # words on purpose
		run $options -fo out model
		set +f
		succeeds
	done
	run -l model
	succeeds
	run -fo out "$GOLDEN/mxfp4.gguf"
	succeeds
	run -fo out "$GOLDEN/nvfp4.gguf"
	succeeds
}

test_apply_scales() {
	local type gpu
	write_nvfp4 model || fail
	run --apply-scales -o out --index index model
	succeeds
	python3 - <<-'end' || fail
	import json
	import struct
	with open("model.json") as file:
	    expected = json.load(file)
	with open("out", "rb") as file:
	    data = file.read()
	with open("index") as file:
	    tensors = json.load(file)["tensors"]
	assert [t["name"] for t in tensors] == [
	    "gate.weight", "up.weight", "exps.weight", "plain.weight",
	    "gate.input_scale", "other.scale"], tensors
	for t in tensors[:4]:
	    got = struct.unpack_from("<%df" % (t["bytes"] // 4), data,
	                             t["offset"])
	    assert list(got) == expected[t["name"]], t["name"]
	end
	# By --expect the values of F32 stand for those of the other types.
	for type in f16 bf16; do
		run --apply-scales -t $type -fo $type model
		succeeds
		run -t $type --expect $type --input-type f32 out
		succeeds
	done
	for type in f32 f16 bf16; do
		run --apply-scales -t $type -fo file -j1 model
		"$PROGRAM" --apply-scales -t $type -c - < <(cat model) |
			cat >pipe
		cmp file pipe || fail "$type"
		for gpu in hip cuda; do
			gpu $gpu --apply-scales -t $type -d gpu --verify \
				-fo on_gpu model
			succeeds
			cmp file on_gpu || fail "$gpu $type"
			"$PROGRAM" --apply-scales -t $type --checksum model \
				>sums || fail
			gpu $gpu --apply-scales -t $type -d gpu --checksum model
			same "$gpu $type" "$OUT" sums
		done
	done
	# Without the weights to multiply, and as they are stored, scales stay.
	run --apply-scales -T 'gate*' -t native -fo native model
	run -T 'gate*' -t native -fo expected model
	cmp native expected || fail
	run --apply-scales -T 'gate.weight' --checksum model
	status_is 0
}

test_scales_that_cannot_be() {
	PYTHONPATH=$HERE python3 -c "
import gguf_file, struct
block = b'8888' + bytes(range(32))
w = ('x.weight', 'nvfp4', (64, 1, 2), block * 2)
for name, values in ('three', [1, 2, 3]), ('inf', [float('inf')]), \
    ('large', [1e30]), ('none', []):
    gguf_file.write(name, [w, ('x.scale', 'f32', (len(values),),
                               struct.pack('<%df' % len(values), *values))])
"
	run --apply-scales -o out three
	fails "tensor 'x.scale' has 3 values, not 1 or 2: it cannot scale \
'x.weight'; do without '--apply-scales', or leave both out with '--exclude'"
	run --apply-scales -o out none
	fails "tensor 'x.scale' has 0 values, not 1 or 2: it cannot scale \
'x.weight'; do without '--apply-scales', or leave both out with '--exclude'"
	run --apply-scales -o out inf
	fails "tensor 'x.scale' is not finite: it cannot scale 'x.weight'; do \
without '--apply-scales', or leave both out with '--exclude'"
	run --apply-scales -t f16 -o out large
	[[ $(<"$ERR") == 'gguf-dequant: 88 weights are beyond the range of F16'* ]] ||
		fail "$(<"$ERR")"
}

# Weights that F16 cannot hold.
# shellcheck shell=bash

# A model with such weights in every kind of tensor, and with Inf and NaN.
write_overflow() {
	PYTHONPATH=$HERE python3 - "$1" <<-'end'
	import gguf_file
	import struct
	import sys
	n = 1000
	small = [0.5] * n
	def f32(*values): return struct.pack("<%df" % len(values), *values)
	def bf16(*values): return b"".join(f32(v)[2:] for v in values)
	large = small[:300] + [65504, -65519, 65520, -7e4] + small[304:]
	q8_0 = struct.pack("<e32b", 32768, 1, -2, 127, *[0] * 29)
	gguf_file.write(sys.argv[1], [
	    ("fits", "f32", (n,), f32(*small[:-1], 65519)),
	    ("f32", "f32", (n,), f32(*large)),
	    ("inf", "f32", (n,), f32(*small[2:], float("inf"), float("nan"))),
	    ("bf16", "bf16", (4,), bf16(1, 65536, -3e38, 65280)),
	    ("q8_0", "q8_0", (64,), q8_0 + q8_0),
	    ("f64", "f64", (3,), struct.pack("<3d", 1e300, 1e-300, 65520)),
	    ("f16", "f16", (2,), struct.pack("<2e", float("inf"), 65504)),
	    ("i32", "i32", (1,), struct.pack("<i", 2**30))])
	end
}

OVERFLOW='gguf-dequant: 10 weights are beyond the range of F16 and became '\
'infinite, in 4 tensors; the first is weight 302 of '\''f32'\'', 65520; '\
"'--type bf16' and f32 hold them"

test_overflow() {
	local how
	write_overflow model || fail
	for how in '-o out -f' '--checksum' '-o out -f -j1' '-F npz -o out -f' \
		'--checksum=sha256 -j1' '--checksum --memory 4M' '-q -o out -f'; do
		# shellcheck disable=SC2086 # words on purpose
		run -t f16 $how model
		stderr_is "$OVERFLOW"
		status_is 0
		# shellcheck disable=SC2086
		run -t f16 $how - < <(cat model)
		stderr_is "$OVERFLOW"
	done
	for how in f32 bf16 native; do
		run -t $how -o out -f model
		succeeds
	done
	run -t f16 -x f32 -x bf16 -x q8_0 -x f64 -o out -f model
	succeeds
	run -t f16 -T bf16 -t bf16=f32 -T f64 -o out -f model
	stderr_is "gguf-dequant: 2 weights are beyond the range of F16 and \
became infinite, in 1 tensor; the first is weight 0 of 'f64', 1e+300; \
'--type bf16' and f32 hold them"
	run --check <("$PROGRAM" --checksum -t f16 model 2>log) -q model
	stderr_is "$OVERFLOW"
	status_is 0
}

# On GPUs, also if the values stay there; and with all instruction sets.
test_overflow_everywhere() {
	local where
	write_overflow model || fail
	for where in hip rocm5 cuda; do
		gpu $where -t f16 -d gpu --checksum model
		stderr_is "$OVERFLOW"
		gpu $where -t f16 -d gpu -o out -f --verify model
		stderr_is "$OVERFLOW"
	done
	for where in baseline avx2 avx512; do
		GGUF_DEQUANT_ISA=$where run -t f16 --checksum model
		grep -q 'this CPU' "$ERR" || stderr_is "$OVERFLOW"
	done
}

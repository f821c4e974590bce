# GPUs, simulated by the fake runtimes of tests/gpu; fake_runtime.c describes
# FAKE_GPU_…. They end the program with status 86 if it misuses them or leaks
# something.
# shellcheck shell=bash

GPU=$(dirname "$PROGRAM")/tests/gpu
GPU_MODEL=$HERE/../models/tiny-llama.gguf

# gpu KINDS ARG...: like run, on a machine with GPUs of these kinds: hip or
# rocm5, and cuda. The program has code for gfx1100 and CUDA.
gpu() {
	local amd=hip
	case $1 in *rocm5*) amd=rocm5 ;; esac
	rm -f "$LOG".*
	LD_LIBRARY_PATH=$GPU/$amd:$GPU/cuda FAKE_GPU_KINDS=${1/rocm5/hip} \
		FAKE_GPU_LOG=$LOG PROGRAM=$GPU/gguf-dequant run "${@:2}"
}

# logged NAME: prints the value of NAME in the log of the fake runtimes.
LOG=$OUT.gpu
logged() {
	sed -n "s/^$1 //p" "$LOG".*
}

test_gpu_gives_the_bits_of_the_cpu() {
	for type in f32 f16 bf16; do
		run "$GPU_MODEL" -t $type -d cpu -o cpu -f
		succeeds
		for kind in hip rocm5 cuda; do
			gpu $kind "$GPU_MODEL" -t $type -d gpu -o $kind -f
			succeeds
			same "$kind, $type" $kind cpu
			[ "$(logged launches_0)" -gt 10 ] || fail 'no launch'
		done
	done
}

test_gpu_every_format() {
	for file in "$GOLDEN"/*.gguf; do
		run "$file" -d cpu -o cpu -f
		succeeds
		gpu cuda "$file" -d gpu --memory 4M -o gpu -f
		succeeds
		same "$file" gpu cpu
	done
}

# After tensors of odd lengths, values are not aligned.
test_gpu_odd_lengths() {
	for kind in hip cuda; do
		gpu $kind "$MODELS/small.gguf" --verify -o $kind
		succeeds
		run "$MODELS/small.gguf" -d cpu -o cpu -f
		same 'odd lengths' $kind cpu
	done
}

test_gpu_types_of_some_tensors() {
	local rules=(-t bf16 -t 'type:Q*=f16' -t 'blk.*=f32' -t '*_q.*=native')
	run "${rules[@]}" "$GPU_MODEL" -d cpu -o cpu
	for kind in hip cuda; do
		gpu $kind "${rules[@]}" "$GPU_MODEL" --verify -o $kind
		succeeds
		same "$kind" $kind cpu
	done
}

# Rows that move go to the GPU as blocks, values that are transposed as F32.
test_gpu_checkpoint() {
	local kind type name
	local names=(llama-bias gpt-oss gemma3 deepseek-v2)
	hf_case "${names[@]}"
	for name in "${names[@]}"; do
		for type in f32 bf16; do
			run -F hf -t $type "$name/model-q.gguf" -d cpu \
				-o cpu -f
			succeeds
			for kind in hip cuda; do
				gpu $kind -F hf -t $type \
					"$name/model-q.gguf" --verify \
					-o $kind -f
				succeeds
				same "$name, $type, $kind" \
					$kind/model.safetensors \
					cpu/model.safetensors
			done
		done
	done
}

test_verify_of_a_native_manifest() {
	run -t native --checksum "$GPU_MODEL"
	cp "$OUT" manifest
	gpu hip --verify --check manifest "$GPU_MODEL"
	fails "'--verify' has nothing to compare: every tensor is copied as \
stored"
}

# BLAKE3 on the GPU, with the values left there or copied back; XXH3 on the CPU.
test_gpu_checksums() {
	for model in "$GPU_MODEL" "$MODELS/small.gguf"; do
		for checksum in blake3 xxh3; do
			run "$model" -d cpu --checksum=$checksum -o values -f
			succeeds
			cp "$OUT" cpu
			for kind in hip cuda; do
				gpu $kind "$model" -d gpu --checksum=$checksum
				same "$kind, $checksum" "$OUT" cpu
				succeeds
				gpu $kind "$model" -d gpu --checksum=$checksum \
					-o $kind -f
				same "$kind, $checksum, -o" "$OUT" cpu
				same "$kind" $kind values
				gpu $kind "$model" --verify --check cpu -q
				stdout_is ''
				succeeds
			done
		done
	done
}

test_gpu_from_a_pipe_to_a_pipe() {
	gpu hip -d gpu - -c < <(cat "$GPU_MODEL")
	status_is 0
	cp "$OUT" gpu.out
	run -d cpu "$GPU_MODEL" -c
	same 'standard output' gpu.out "$OUT"
}

test_gpu_several() {
	run "$GPU_MODEL" -o cpu
	# Slow GPUs, so that all slots are needed, one after the other.
	export FAKE_GPU_DEVICES=3 FAKE_GPU_SLOW=50000
	gpu hip "$GPU_MODEL" -d gpu:2,0 --memory 4M -v -o hip
	status_is 0
	same 'two of three GPUs' hip cpu
	if [ "$(logged launches_0)" = 0 ] || [ "$(logged launches_1)" != 0 ] ||
		[ "$(logged launches_2)" = 0 ]; then
		fail "$(cat "$LOG".*)"
	fi
	case $(<"$ERR") in
	"gguf-dequant: device gpu:2 'Fake Radeon 2\x1b' (gfx1100 wave32, HIP \
6.4.43482, code for gfx1100), device gpu:0 'Fake Radeon 0\x1b' (gfx1100 \
wave32, HIP 6.4.43482, code for gfx1100), "*" threads: "*) ;;
	*) fail "$(cat "$ERR")" ;;
	esac
	gpu hip+cuda "$GPU_MODEL" -d gpu:5,1 --memory 4M -o both
	succeeds
	same 'an AMD and an NVIDIA GPU' both cpu
}

test_gpu_memory_is_bounded() {
	gpu cuda "$GPU_MODEL" -d gpu --memory 4M -c
	status_is 0
	[ "$(logged peak_host)" -le $((2 << 20)) ] || fail "$(cat "$LOG".*)"
	[ "$(logged peak_gpu)" -le $((2 << 20)) ] || fail "$(cat "$LOG".*)"
}

# There, memory cannot be registered: the driver must allocate it.
test_gpu_with_confidential_computing() {
	run "$GPU_MODEL" -d cpu -o cpu
	FAKE_GPU_CONFIDENTIAL=1 gpu cuda "$GPU_MODEL" -d gpu -o out
	succeeds
	same 'confidential' out cpu
	rm out cpu
	export FAKE_GPU_CONFIDENTIAL=1
	fail_each cuda -o out
}

test_gpu_list() {
	gpu hip+cuda --devices
	stdout_is "device gpu:0 'Fake Radeon 0\\x1b': 1.0 GiB, gfx1100 wave32, \
HIP 6.4.43482, code for gfx1100, $GPU/hip/libamdhip64.so.7
device gpu:1 'Fake GeForce 0\\x1b': 1.0 GiB, sm_90, CUDA 13.0, code for sm_86, \
$GPU/cuda/libcuda.so.1"
	succeeds
	FAKE_GPU_PTX=1 FAKE_GPU_ARCH=gfx803 gpu hip+cuda --devices
	stdout_is "device gpu:0 'Fake Radeon 0\\x1b' has architecture \
gfx803, but this program has code only for gfx1100 gfx12-generic cuda
device gpu:1 'Fake GeForce 0\\x1b': 1.0 GiB, sm_90, CUDA 13.0, code for sm_90 \
compiled from PTX, $GPU/cuda/libcuda.so.1"
	succeeds
	FAKE_GPU_DEVICES=0 gpu hip --devices
	stdout_is "no HIP GPU: libamdhip64.so.7: hipGetDeviceCount: no \
capable device is detected (error 100)
no CUDA GPU: libcuda.so.1: cuInit: no capable device is detected (error 100)"
	succeeds
}

# Calls 4 to 7 look at the first of two GPUs, the next ones at the second.
test_gpu_that_is_broken() {
	local kind n
	export FAKE_GPU_DEVICES=2
	run "$GPU_MODEL" -d cpu -o cpu
	for kind in hip cuda; do
		for n in 4 5 6 7; do
			FAKE_GPU_FAIL=$n gpu $kind "$GPU_MODEL" -d gpu -fo out
			succeeds
			same "$kind, call $n" out cpu
			[ "$(logged launches_0)" = 0 ] || fail 'launches on gpu:0'
			FAKE_GPU_FAIL=$n gpu $kind "$GPU_MODEL" -d gpu:1 -fo out
			succeeds
			FAKE_GPU_FAIL=$n gpu $kind "$GPU_MODEL" -d gpu:0 -fo out
			fails_with "device gpu:0"
			FAKE_GPU_FAIL=$n gpu $kind --devices
			grep -qE "^device gpu:0.*unspecified launch failure \
\(error 719\)$" "$OUT" || fail "$(<"$OUT")"
			grep -qE "^device gpu:1 'Fake .*: 1\.0 GiB, " "$OUT" ||
				fail "$(<"$OUT")"
		done
	done
}

test_gpu_that_is_absent() {
	gpu hip "$GPU_MODEL" -d gpu:1 -o out
	fails 'gpu:1 does not exist; the last one is gpu:0'
	gpu none "$GPU_MODEL" -d gpu -o out
	fails "no usable GPU: libamdhip64.so.7: hipInit: no capable \
device is detected (error 100); libcuda.so.1: cuInit: no capable device is \
detected (error 100)"
	folder_is
	gpu none "$GPU_MODEL" -o out
	succeeds
}

# By default a GPU is used only if the CPU would be the bottleneck, as described
# in the manual. Here the GPU fails, which shows whether it was used.
test_gpu_that_pays() {
	export FAKE_GPU_FAIL=19
	GGUF_DEQUANT_ISA=baseline gpu cuda -j 1 "$MODELS/hole.gguf" -t bf16 \
		--checksum -o out
	fails_with "device gpu:0 'Fake GeForce 0\\x1b': cuMemAlloc of "
	folder_is
	GGUF_DEQUANT_ISA=baseline gpu cuda "$GPU_MODEL" -j 1 -o out
	succeeds
	[ ! -e "$LOG.cuda" ] || fail 'the GPU was asked'
	# If no GPU works, the CPU is used.
	FAKE_GPU_FAIL=8 GGUF_DEQUANT_ISA=baseline gpu cuda -j 1 --checksum \
		"$MODELS/hole.gguf" -t bf16 -o >(head -c 100 >begin)
	status_is $((128 + $(kill -l PIPE)))
	[ "$(wc -c <begin)" = 100 ] || fail 'no values'
}

# Whoever interrupts the program need not wait for the driver to start.
test_gpu_that_hangs_at_the_start() {
	status=0
	LD_LIBRARY_PATH=$GPU/hip FAKE_GPU_START=60000000 env \
		--default-signal=INT timeout -s INT -k 10 0.5 \
		"$GPU/gguf-dequant" "$GPU_MODEL" -d gpu -o out || status=$?
	status_is 124 # 137 if it had to be killed
	folder_is
}

test_gpu_library_that_is_broken() {
	: >libcuda.so.1
	LD_LIBRARY_PATH=.:$GPU/hip FAKE_GPU_KINDS=none \
		run "$GPU_MODEL" -d gpu -o out
	fails "no usable GPU: libamdhip64.so.7: hipInit: no capable \
device is detected (error 100); ./libcuda.so.1: file too short"
	mkdir $'bad\e[31m'
	mv libcuda.so.1 bad*
	LD_LIBRARY_PATH=$(echo bad*):$GPU/hip FAKE_GPU_KINDS=none \
		run "$GPU_MODEL" -d gpu -o out
	fails "no usable GPU: libamdhip64.so.7: hipInit: no capable \
device is detected (error 100); bad\\x1b[31m/libcuda.so.1: file too short"
}

test_gpu_without_code() {
	FAKE_GPU_ARCH=gfx803 gpu hip "$GPU_MODEL" -d gpu -o out
	fails "device gpu:0 'Fake Radeon 0\\x1b' has architecture gfx803, but \
this program has code only for gfx1100 gfx12-generic cuda"
	FAKE_GPU_ARCH=gfx1103 gpu hip "$GPU_MODEL" -d gpu -o out
	fails "device gpu:0 'Fake Radeon 0\\x1b' has architecture gfx1103, but \
this program has code only for gfx1100 gfx12-generic cuda; \
HSA_OVERRIDE_GFX_VERSION=11.0.0 may let it be used as gfx1100"
	FAKE_GPU_ARCH=gfx803 gpu hip+cuda "$GPU_MODEL" -d gpu -v -o out
	grep -qF 'GeForce' "$ERR" || fail 'the GPU that has code is not taken'
}

# The code of its family, which older runtimes do not take.
test_gpu_generic_code() {
	run "$GPU_MODEL" -d cpu -o cpu
	FAKE_GPU_ARCH=gfx1201 gpu hip "$GPU_MODEL" -d gpu -v -o out
	same 'generic code' out cpu
	grep -q 'gfx1201 wave32, .*code for gfx12-generic' "$ERR" ||
		fail "$(cat "$ERR")"
	FAKE_GPU_ARCH=gfx1201 gpu rocm5 "$GPU_MODEL" -d gpu -o out -f
	fails "device gpu:0 'Fake Radeon 0\\x1b' has architecture gfx1201, but \
this program has code only for gfx1100 gfx12-generic cuda; gfx12-generic needs HIP 6.3 or later, and this is HIP 5.2.21153"
	folder_is cpu out
}

# Ten slots want 90 MiB; fewer or smaller ones do, down to one of 4 KiB.
test_gpu_with_little_memory() {
	local memory
	run "$GPU_MODEL" -d cpu -o cpu
	for memory in 32M 8M 2M 8K; do
		FAKE_GPU_MEMORY=$(numfmt --from=iec $memory) \
			gpu cuda "$GPU_MODEL" -d gpu -o out -f
		succeeds
		same "$memory" out cpu
	done
}

test_gpu_out_of_memory() {
	FAKE_GPU_MEMORY=4096 gpu cuda "$GPU_MODEL" -d gpu -o out
	fails_with "device gpu:0 'Fake GeForce 0\\x1b': cuMemAlloc of "
	grep -q 'bytes: out of memory (error 2)$' "$ERR" || fail "$(cat "$ERR")"
	folder_is
}

# A failure to release something changes no data. An allocation may fail if
# another worker has a slot: then that one does the work.
survived='hipMalloc|hipHostMalloc|cuMemAlloc_v2|cuMemHostAlloc'\
'|cuMemHostRegister_v2'
releases='hipFree|hipHostFree|hipStreamDestroy|hipModuleUnload|cuMemFree_v2'\
'|cuMemFreeHost|cuMemHostUnregister|cuStreamDestroy_v2|cuModuleUnload|cuDevicePrimaryCtxRelease_v2'

# fail_each KIND OPTION...: makes the first call fail, then the second, and so on
# until no call is left. Expects status 2, one line that says why, and no output;
# or else that of the CPU.
# shellcheck disable=SC2154 # run sets status
fail_each() {
	local n failed name
	local options=("${@:2}" "$GPU_MODEL" -T 'blk.*.attn_*' -T '*norm*'
		-t f16 --memory 4M -j 2)
	run -d cpu "${options[@]}"
	[ ! -e out ] || mv out cpu
	cp "$OUT" cpu.out
	for ((n = 1; ; n++)); do
		FAKE_GPU_FAIL=$n gpu "$1" -d gpu "${options[@]}"
		failed=$(logged failed)
		if [ "$status" = 0 ]; then
			same "call $n, $failed" "$OUT" cpu.out
			[ ! -e out ] || diff -r out cpu >&2 ||
				fail "call $n, $failed"
			rm -rf out
			[[ $failed =~ ^($releases|$survived)$ ]] ||
				[[ $failed =~ ^(cuCtxSetCurrent|hipSetDevice)$ ]] ||
				break
			continue
		fi
		status_is 2
		stdout_is ''
		[ ! -e out ] || fail "call $n, $failed: there is output"
		name=${failed%_v2} name=${name%R0600}
		# If several fail, the first in the plan is reported.
		[ -z "${FAKE_GPU_LOST-}" ] || name=
		grep -Eq "^gguf-dequant: .*$name.*: unspecified launch \
failure \(error 719\)" "$ERR" || fail "call $n, $failed" "$(cat "$ERR")"
		[ "$(wc -l <"$ERR")" = 1 ] || fail "$(cat "$ERR")"
	done
	[ -z "$failed" ] || fail "call $n, $failed, should have failed"
	[ "$n" -gt 30 ] || fail "only $n calls"
	rm -rf cpu cpu.out
	folder_is
}

test_gpu_every_call_may_fail() {
	fail_each hip -o out
	fail_each cuda -o out
	fail_each hip -o out/
	fail_each cuda --checksum
}

# The same with all later calls failing, as when a GPU falls off the bus.
test_gpu_may_be_lost() {
	export FAKE_GPU_LOST=1
	fail_each hip -o out
	fail_each cuda -o out/
	fail_each hip --checksum
}

test_gpu_verify() {
	for kind in hip cuda; do
		for type in f32 f16 bf16; do
			gpu $kind "$GPU_MODEL" --verify -t $type
			succeeds
		done
	done
	folder_is
	gpu hip "$GPU_MODEL" --verify -o out
	succeeds
	run "$GPU_MODEL" -d cpu -o cpu
	same 'the output' out cpu
}

# One flipped bit in the last byte of the first value, for each type: one line
# per tensor on standard output, or on standard error if values or checksums go
# there; and nothing is written.
test_gpu_verify_finds_a_bit() {
	local value='-?[0-9.e-]+ \([0-9a-f]{8}\)'
	local line="values differ, by up to [0-9]+ ulp and [0-9.e-]+; \
first \[31\]: $value, expected $value"
	FAKE_GPU_FLIP=dq_q8_0_f32 gpu hip "$GPU_MODEL" --verify -o out
	status_is 1
	stderr_is "gguf-dequant: 2 of 21 tensors differ from the CPU's values"
	grep -Ecx "(token_embd|blk\.0\.attn_v)\.weight: 1 of [0-9]+ $line" \
		"$OUT" | grep -qx 2 || fail "$(cat "$OUT")" "$line"
	folder_is
	cp "$OUT" report

	FAKE_GPU_FLIP=dq_q8_0_f32 gpu hip "$GPU_MODEL" --verify --checksum
	status_is 1
	stdout_is ''
	head -n 2 "$ERR" | cmp - report || fail "$(cat "$ERR")" "the report"
}

# Each built-in code object has every kernel.
test_gpu_code_objects() {
	local targets
	targets=$(FAKE_GPU_ARCH=none LD_LIBRARY_PATH=$GPU/hip \
		"$PROGRAM" --devices | sed -n '1s/.*but this program //p')
	case $targets in
	'has code only for gfx'*) targets=${targets#*for} ;;
	*) skip "it $targets" ;;
	esac
	# kernel-resources compares the others with these.
	# shellcheck disable=SC2086 # they are words
	set -- $targets
	for target in "$1" "${@: -2}"; do
		echo "$target"
		for file in "$GOLDEN"/*.gguf; do
			if [ "$target" = cuda ]; then
				LD_LIBRARY_PATH=$GPU/hip:$GPU/cuda \
					FAKE_GPU_KINDS=cuda \
					run "$file" --verify
			else
				FAKE_GPU_ARCH=$target LD_LIBRARY_PATH=$GPU/hip \
					run "$file" --verify
			fi
			succeeds
		done
	done
}

test_gpu_gives_what_is_expected() {
	local blocks name shape
	python3 "$HERE/blocks.py" . "$GOLDEN"/*.{gguf,blocks} || fail
	for blocks in *.blocks; do
		name=${blocks%.blocks}
		shape=()
		[ ! -s "$name.shape" ] || shape=(--shape "$(<"$name.shape")")
		gpu hip -d gpu --verify --input-type "$name" "${shape[@]}" \
			"$blocks" --expect "$name.values"
		stdout_is ''
		succeeds
		gpu cuda -d gpu --input-type "$name" "${shape[@]}" "$blocks" \
			--expect "$name.flipped"
		same "$name" "$OUT" "$name.report"
		status_is 1
	done
}

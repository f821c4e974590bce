# The program on simulated AMD GPUs, through a real HIP runtime; see check-hip.
# AMD_GPU is the simulator, ARCH and RUNTIME are what it has, and LOG is a file
# for what it logs.
# shellcheck shell=bash

# simulated COMMAND...: runs it where AMD_GPU_… says what GPUs there are and
# what happens to them. The simulator's own lines, and what 7.2 always ends
# with, are no part of what the program says. Status 124: it took too long.
simulated() {
	status=0
	timeout 600 "$AMD_GPU" -- "$@" >"$OUT" 2>"$ERR" || status=$?
	sed -i '/^amd-gpu: /d; /^Warning: Resource leak detected by Shared/d
		/^HSA exception: MemoryRegion::BlockAllocator/d' "$ERR"
}

# gpu ARG...: as run, on the simulated GPUs.
gpu() {
	simulated "$PROGRAM" "$@"
}

# Every kernel with every golden vector, against ggml's values or, rounded, the
# CPU's: as one model, and from files of blocks.
test_every_golden_vector() {
	local file format type n
	PYTHONPATH=$HERE/../cli python3 -c "
import gguf_file, pathlib, sys
gguf_file.write('golden.gguf', [
    (path.stem + '.' + name, *rest) for path in map(pathlib.Path, sys.argv[1:])
    for name, *rest in gguf_file.read(path)[1]])" "$GOLDEN"/*.gguf || fail
	for file in "$GOLDEN"/*.gguf; do
		cat "${file%.gguf}.f32"
	done >golden.f32
	export AMD_GPU_STATS=$LOG
	on_both golden.f32 golden.gguf
	for file in "$GOLDEN"/*.blocks; do
		format=$(basename "$file" .blocks)
		on_both "$GOLDEN/$format.f32" --input-type "$format" "$file"
	done
	# 83 formats as 3 types, of which 3 are copies.
	n=$(sed -n 's/^  gfx.* \(dq_[^ ]*\) .*/\1/p' "$LOG" | sort -u | wc -l)
	[ "$n" = 246 ] || fail "$n kernels ran"
}

# on_both F32 ARG...: as each type, the GPU gives what the CPU does, and as F32
# what is in that file.
on_both() {
	local type f32=$1
	shift
	for type in f32 f16 bf16; do
		run "$@" -d cpu -t $type -c
		mv "$ERR" said # of weights that are infinite as F16
		mv "$OUT" cpu
		[ $type != f32 ] || cmp cpu "$f32" || fail "$* on the CPU"
		gpu "$@" -d gpu -t $type -c
		stderr_is "$(<said)"
		status_is 0
		cmp "$OUT" cpu || fail "$* as $type"
	done
}

test_a_model() {
	local type
	for type in f32 f16 bf16 native; do
		run "$MODEL" -d cpu -t $type -o cpu -f
		succeeds
		gpu "$MODEL" -d gpu -t $type -o gpu -f
		succeeds
		cmp gpu cpu || fail "$type"
		run "$SPLIT" -d cpu -t $type -o cpu -f
		gpu "$SPLIT" -d gpu -t $type -o split -f
		succeeds
		cmp split cpu || fail "split, $type"
	done
}

test_checksums() {
	local checksum
	export AMD_GPU_STATS=$LOG
	for checksum in blake3 sha256; do
		run "$MODEL" -d cpu --checksum=$checksum
		mv "$OUT" cpu
		gpu "$MODEL" -d gpu --checksum=$checksum
		succeeds
		same "$checksum" "$OUT" cpu
		gpu "$MODEL" -d gpu --check cpu -q
		succeeds
	done
	grep -q dq_blake3_groups "$LOG" || fail 'not hashed on the GPU'
}

test_verify_and_expect() {
	gpu "$MODEL" --verify
	succeeds
	python3 "$HERE/../cli/blocks.py" . "$GOLDEN"/q6_k.gguf || fail
	gpu -d gpu --verify --input-type q6_k q6_k.blocks \
		--expect "$GOLDEN/q6_k.f32"
	succeeds
	gpu -d gpu --input-type q6_k q6_k.blocks --expect q6_k.flipped
	same 'the report' "$OUT" q6_k.report
	status_is 1
}

test_a_pipe_and_little_memory() {
	run "$MODEL" -d cpu -c
	mv "$OUT" cpu
	gpu -d gpu - -c < <(cat "$MODEL")
	succeeds
	cmp "$OUT" cpu || fail 'from a pipe to a pipe'
	for memory in 4M 8M; do
		gpu -d gpu "$MODEL" --memory $memory -o gpu -f
		succeeds
		cmp gpu cpu || fail "--memory $memory"
	done
	AMD_GPU_PRIVATE_BAR=1 gpu -d gpu "$MODEL" -o gpu -f
	succeeds
	cmp gpu cpu || fail 'private VRAM'
	AMD_GPU_JITTER=200 gpu -d gpu "$MODEL" --memory 4M -o gpu -f
	succeeds
	cmp gpu cpu || fail 'jitter'
}

test_two_gpus() {
	# shellcheck disable=SC2153 # check-hip exports ARCH
	export AMD_GPU_ARCH=$ARCH,$ARCH AMD_GPU_LOG=$LOG
	run "$MODEL" -d cpu -o cpu
	gpu "$MODEL" -d gpu:0,1 --memory 4M -v -o gpu
	status_is 0
	cmp gpu cpu || fail 'gpu:0,1'
	case $(<"$ERR") in
	"gguf-dequant: device gpu:0 'Simulated AMD GPU' ("*"), device gpu:1 "*) ;;
	*) fail "$(cat "$ERR")" ;;
	esac
	gpu "$MODEL" -d gpu:2 -o none
	fails 'gpu:2 does not exist; the last one is gpu:1'
}

test_devices() {
	local wave=32
	case $ARCH in gfx9*) wave=64 ;; esac
	AMD_GPU_NAME='Radeon 1' gpu --devices
	grep -Eq "^device gpu:0 'Radeon 1': 16.0 GiB, $ARCH \
wave$wave, HIP $RUNTIME\.[0-9]+, code for $ARCH, /.*/libamdhip64\.so" "$OUT" ||
		fail "$(cat "$OUT")"
	succeeds
}

# The example of the C API, linked with the runtime that it is then run with.
test_the_c_api() {
	local libraries cache
	[ -e /usr/include/hip/hip_runtime_api.h ] || skip 'no HIP headers'
	cache=${AMD_GPU_CACHE-${XDG_CACHE_HOME-$HOME/.cache}/amd-gpu}
	libraries=({"$cache/runtimes/$RUNTIME",}/usr/lib/*/libamdhip64.so.?)
	cc -w -I "$ROOT/src/api" -o example "$HERE/example.c" \
		"$API" "${libraries[0]}" -pthread \
		-Wl,--unresolved-symbols=ignore-in-shared-libs || fail
	simulated ./example
	stdout_is '0 1 ... 31'
	succeeds
}

# Since 7 the runtime tells the program; before, it calls abort.
test_a_memory_fault() {
	local output
	export AMD_GPU_FAULT=3
	for output in out out/ out.gguf; do
		gpu "$MODEL" -d gpu -o $output
		case $RUNTIME in
		7.*)
			fails_with "device gpu:0 'Simulated AMD GPU': hip"
			grep -q 'illegal memory access' "$ERR" ||
				fail "$(cat "$ERR")"
			;;
		*)
			grep -q '^Memory access fault by GPU' "$ERR" ||
				fail "$(cat "$ERR")"
			[ "$(tail -n 1 "$ERR")" = "gguf-dequant: aborted, as \
a GPU's runtime does when it gives up" ] || fail "$(cat "$ERR")"
			status_is 2
			;;
		esac
		folder_is
	done
}

test_signals_while_the_gpu_hangs() {
	local name pid output threads tries
	export AMD_GPU_HANG=4
	for name in INT TERM; do
		output=out threads=1
		[ $name = INT ] || output=out/ threads=6
		env --default-signal=$name "$AMD_GPU" -- "$PROGRAM" "$MODEL" \
			-d gpu -j $threads -o $output 2>"$ERR" &
		pid=$!
		for ((tries = 0; tries < 1000; tries++)); do
			! grep -q 'injected hang' "$ERR" || break
			sleep 0.02
		done
		if [ $tries = 1000 ]; then
			kill -KILL $pid
			fail 'it does not hang'
		fi
		kill -$name $pid
		for ((tries = 0; tries < 1000; tries++)); do
			kill -0 $pid 2>/dev/null || break
			sleep 0.02
		done
		[ $tries -lt 1000 ] || kill -KILL $pid
		status=0
		wait $pid || status=$?
		status_is $((128 + $(kill -l $name)))
		folder_is
	done
}

# Each size of VRAM is too small for another allocation, until it suffices. 7.2
# itself crashes if it cannot have its own; even then, nothing is left.
test_out_of_vram() {
	local kib done=0
	run "$MODEL" -d cpu -t f16 -o cpu
	for ((kib = 1024; !done; kib += 1024)); do
		AMD_GPU_VRAM=${kib}K gpu "$MODEL" -t f16 -d gpu -o out
		if [ "$status" = 0 ]; then
			cmp out cpu || fail "with $kib KiB of VRAM"
			done=1
			continue
		fi
		folder_is cpu
		[ $kib -lt 65536 ] || fail "not enough: $kib KiB"
		case $RUNTIME:$status in 7.*:139) continue ;; esac
		status_is 2
		[ "$(grep -c . "$ERR")" = 1 ] || fail "$kib KiB: $(cat "$ERR")"
		grep -q '^gguf-dequant: ' "$ERR" || fail "$kib KiB: $(cat "$ERR")"
	done
	echo "suffices: $kib KiB"
}

# What a plain conversion cannot know, and --verify is for.
test_a_wrong_bit_in_a_copy() {
	local n
	run "$MODEL" -d cpu -o cpu
	for n in 0 1; do
		AMD_GPU_FLIP=$n gpu "$MODEL" -d gpu -o out -f
		succeeds
		cmp -s out cpu && continue
		AMD_GPU_FLIP=$n gpu "$MODEL" --verify -o verified
		status_is 1
		stderr_is "gguf-dequant: 1 of 21 tensors differ from the CPU's values"
		grep -q '^[a-z0-9_.]*: 1 of [0-9]* values differ, ' "$OUT" ||
			fail "$(cat "$OUT")"
		folder_is cpu out
		return
	done
	fail 'no copy was wrong'
}

test_no_access() {
	AMD_GPU_DENY=1 gpu "$MODEL" -d gpu -o out
	fails_with 'no usable GPU: '
	grep -q "; cannot open '/dev/kfd': Permission denied: this user must be \
in the groups render and video" "$ERR" || fail "$(cat "$ERR")"
	folder_is
	AMD_GPU_DENY=1 gpu "$MODEL" -o out
	succeeds
}

test_no_visible_device() {
	HIP_VISIBLE_DEVICES=-1 gpu "$MODEL" -d gpu -o out
	fails_with 'no usable GPU: '
	grep -q "; HIP_VISIBLE_DEVICES is '-1'" "$ERR" || fail "$(cat "$ERR")"
	folder_is
}

test_a_runtime_older_than_the_gpu() {
	local arch help=
	case $RUNTIME in
	5.2)
		arch=gfx1101
		help='; HSA_OVERRIDE_GFX_VERSION=11.0.0 may let it be used as '
		help+=gfx1100
		;;
	5.7) arch=gfx1201 ;;
	*) skip 'it knows all that can be simulated' ;;
	esac
	export AMD_GPU_ARCH=$arch AMD_GPU_OBJECTS=$PWD # no kernel will run
	gpu "$MODEL" -d gpu -o out
	# The runtime has lines of its own, too.
	grep -q "^gguf-dequant: no usable GPU: .*; the driver has a \
$arch, for which the runtime '/.*/libamdhip64\.so\.5' may be too old$help; " \
		"$ERR" ||
		fail "$(cat "$ERR")"
	status_is 2
	folder_is
}

# The code for a family, as a GPU without code of its own gets it. The simulator
# looks for the bytes of what it has translated, and takes only files whose
# header has the GPU's architecture.
test_generic_code() {
	local family=${ARCH%??}-generic type
	case $ARCH in gfx9*) skip "no Clang before 20 has its family" ;; esac
	[ -e "$OBJECTS/$family.co" ] || skip "no code for $family"
	case $RUNTIME in 5.*)
		simulated "$GENERIC" "$MODEL" -d gpu -o out
		fails_with "device gpu:0 'Simulated AMD GPU' has architecture"
		grep -q "; $family needs HIP 6.3 or later, and this is HIP \
$RUNTIME" "$ERR" || fail "$(cat "$ERR")"
		return
		;;
	esac
	cp "$OBJECTS/$family.co" "$ARCH.co"
	dd if="$OBJECTS/$ARCH.co" of="$ARCH.co" bs=1 skip=48 seek=48 count=1 \
		conv=notrunc status=none
	export AMD_GPU_OBJECTS=$PWD
	for type in f32 f16 bf16; do
		run "$MODEL" -d cpu -t $type -o cpu -f
		simulated "$GENERIC" "$MODEL" -d gpu -t $type -v -o gpu -f
		grep -q "code for $family" "$ERR" || fail "$(cat "$ERR")"
		status_is 0
		cmp gpu cpu || fail "$type"
	done
}

# The fake GPUs' program has code for gfx1100, which is not real.
test_no_code() {
	simulated "$FAKE" "$MODEL" -d gpu -o out
	case $ARCH:$RUNTIME in
	gfx1100:* | gfx12*:[67].*)
		fails_with "device gpu:0 'Simulated AMD GPU': hipModuleLoadData: "
		;;
	*)
		fails_with "device gpu:0 'Simulated AMD GPU' has architecture \
$ARCH, but this program has code only for gfx1100 gfx12-generic cuda"
		;;
	esac
	folder_is
}

# Many threads give the bytes of one, for each output and observer. Also run
# under ThreadSanitizer: see check-threads in the Makefile.
# shellcheck shell=bash

THREADS_MODEL=$HERE/../models/tiny-llama.gguf
THREADS="-j8 --memory 4M"

test_threads_every_output() {
	for kind in raw gguf safetensors npz dir; do
		run "$THREADS_MODEL" -t f16 -F $kind -o one -j1
		succeeds
		# shellcheck disable=SC2086 # several options
		run "$THREADS_MODEL" -t f16 -F $kind -o many $THREADS
		succeeds
		diff -r one many || fail "$kind"
		rm -r one many
	done
}

test_threads_shards() {
	for size in 10K 300K 1M; do
		run "$THREADS_MODEL" -F safetensors -o one/ -j1 \
			--max-shard-size $size
		succeeds
		# shellcheck disable=SC2086
		run "$THREADS_MODEL" -F safetensors -o many/ $THREADS \
			--max-shard-size $size --checksum=sha256
		succeeds
		diff -r one many || fail "$size"
		rm -r one many
	done
}

# Any number of files with few descriptors.
test_threads_few_descriptors() {
	local j shards=(-F safetensors --max-shard-size 1K)
	PYTHONPATH=$HERE python3 -c "
import gguf_file
gguf_file.write('model', [
    (f'{i % 7}/{i}', 'q8_0', (32,), b'\0\x3c' + (b'%032d' % i))
    for i in range(2000)])" || exit
	(
		ulimit -n 64
		for j in 1 8 32; do
			run model -o out$j/ -j$j
			succeeds
			run model "${shards[@]}" -o shards$j/ -j$j
			succeeds
		done
	) || exit
	[ "$(find out1 -type f -size 128c | wc -l)" = 2000 ] || fail 'out/'
	[ "$(find shards1 -type f | wc -l)" = 251 ] || fail 'shards/'
	for j in 8 32; do
		diff -r out1 out$j || fail "out/, $j threads"
		diff -r shards1 shards$j || fail "shards/, $j threads"
	done
}

test_threads_pipes() {
	run "$THREADS_MODEL" -t f16 -o one -j1
	for kind in raw npz; do
		# shellcheck disable=SC2086
		"$PROGRAM" - -t f16 -F $kind -o - $THREADS \
			< <(cat "$THREADS_MODEL") | cat >many
		[ "${PIPESTATUS[0]}" = 0 ] || fail "$kind"
		run "$THREADS_MODEL" -t f16 -F $kind -o one -j1 -f
		cmp one many || fail "$kind"
	done
}

test_threads_every_observer() {
	run "$THREADS_MODEL" -o values -j1
	succeeds
	for sum in blake3 sha256 xxh3; do
		run "$THREADS_MODEL" --checksum=$sum -j1
		cp "$OUT" sums
		for input in "$THREADS_MODEL" -; do
			# shellcheck disable=SC2086
			run "$input" --checksum=$sum --expect values -o out -f \
				-F npz $THREADS <"$THREADS_MODEL"
			succeeds
			cmp "$OUT" sums || fail "$sum, $input"
			# shellcheck disable=SC2086
			run "$input" --check sums -q $THREADS <"$THREADS_MODEL"
			succeeds
		done
	done
	mkfifo stream
	cat values >stream &
	# shellcheck disable=SC2086
	run "$THREADS_MODEL" --expect stream $THREADS
	succeeds
	printf x | dd of=values bs=1 seek=99999 conv=notrunc status=none
	# shellcheck disable=SC2086
	run "$THREADS_MODEL" --expect values -o other $THREADS
	status_is 1
	[ ! -e other ] || fail 'it was written'
}

test_threads_gpus() {
	run "$THREADS_MODEL" --checksum -j1
	cp "$OUT" sums
	for kind in hip cuda; do
		# shellcheck disable=SC2086
		gpu $kind "$THREADS_MODEL" -d gpu --check sums --verify -q \
			-F dir -o $kind $THREADS
		succeeds
		# shellcheck disable=SC2086
		gpu $kind "$THREADS_MODEL" -d gpu --check sums -q $THREADS
		succeeds
	done
	diff -r hip cuda || fail 'the folders differ'
}

# threads_leave_nothing STATUS [MESSAGE]: the run failed, its folder is gone.
threads_leave_nothing() {
	status_is "$1"
	[ $# = 1 ] || grep -q "$2" "$ERR" || fail "$(<"$ERR")"
	folder_is
}

# A full disk, a signal in a thread that writes, and a lost GPU.
test_threads_faults() {
	local n call shards=(-F safetensors --max-shard-size 100K)
	# shellcheck disable=SC2086
	for n in 1 2 3 10 30 60; do
		run_full $n "$THREADS_MODEL" -o out/ $THREADS
		threads_leave_nothing 2 'cannot write .*No space left'
		run_full $n "$THREADS_MODEL" "${shards[@]}" -o out/ $THREADS
		threads_leave_nothing 2 'cannot write .*No space left'
	done
	for n in 1 5 20 60; do
		# shellcheck disable=SC2086
		FAIL_SIGNAL=15 run_full $n "$THREADS_MODEL" -o out/ $THREADS
		threads_leave_nothing $((128 + 15))
	done
	for call in 60 100 200 300; do
		# shellcheck disable=SC2086
		FAKE_GPU_FAIL=$call FAKE_GPU_LOST=1 gpu cuda "$THREADS_MODEL" \
			-d gpu -o out/ $THREADS
		threads_leave_nothing 2 'device gpu:0 '
	done
}

# Rows and columns that several threads read parts of, from one copy.
test_threads_checkpoint() {
	local name names=(gpt2 gpt-oss llama-bias falcon-40b)
	hf_case "${names[@]}"
	for name in "${names[@]}"; do
		run -F hf -j1 -o one "$name/model-q.gguf" -f
		succeeds
		run -F hf -j16 --memory 8M -o many "$name/model-q.gguf" -f
		succeeds
		same "$name" many/model.safetensors one/model.safetensors
	done
}

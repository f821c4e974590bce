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

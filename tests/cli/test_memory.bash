# The memory that the program needs.
# shellcheck shell=bash

# The first 500 MB of a tensor of 100 GB, for each type.
peak_is_bounded() {
	python3 -c "
import gguf_file
gguf_file.write('model', [('t', '$1', (4096, $2), None)])" || exit
	for threads in "$(nproc)" 64; do
		for input in model -; do
			peak=$(python3 "$HERE/peak_memory.py" 500000000 \
				"$PROGRAM" -j"$threads" -c "$input" <model) ||
				exit
			[ "$peak" -le 256 ] ||
				fail "$1, $input, $threads threads: $peak MiB"
		done
	done
}

test_memory_for_100_gb_of_blocks() {
	PYTHONPATH=$HERE peak_is_bounded q4_k 43402777
}

test_memory_for_100_gb_of_floats() {
	PYTHONPATH=$HERE peak_is_bounded f16 12207031
}

# Many small tensors, whose hashes and CRCs the observers note, while nobody
# reads the output and so every slot is in use.
test_memory_for_the_notes_of_observers() {
	local kib pid
	skip_if_sanitized 'a sanitizer uses memory'
	PYTHONPATH=$HERE python3 -c "
import gguf_file
gguf_file.write('model', [(str(i), 'q8_0', (256,), bytes(272))
                          for i in range(4000)])" || exit
	mkfifo out
	for kind in raw npz; do
		"$PROGRAM" -j64 --memory 4M --checksum -F $kind -o out model \
			>sums &
		pid=$!
		{
			head -c 1000 >/dev/null
			sleep 0.5
			anonymous_memory $pid >kib
			cat >/dev/null
		} <out
		wait $pid || fail "status $?"
		kib=$(<kib)
		((100 < kib && kib <= 3072)) || fail "$kind: $kib KiB"
	done
}

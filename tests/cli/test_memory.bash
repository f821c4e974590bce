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

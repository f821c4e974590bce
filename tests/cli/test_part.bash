# --part: several processes, or machines, share the work.
# shellcheck shell=bash

PART_MODEL=$HERE/../models/tiny-llama.gguf

# parts N ARG...: all of the N parts, side by side; the standard output of part
# I goes to the file I.
parts() {
	local i pids=()
	for ((i = 1; i <= $1; i++)); do
		"$PROGRAM" --part "$i/$1" "${@:2}" >"$i" 2>"$ERR.$i" &
		pids+=($!)
	done
	for ((i = 1; i <= $1; i++)); do
		wait "${pids[i - 1]}" || fail "$i/$1: $(<"$ERR.$i")"
		text_is "messages of $i/$1" "$ERR.$i" ''
	done
}

# joined N: prints what the parts have printed, and removes it.
joined() {
	local i
	for ((i = 1; i <= $1; i++)); do
		cat "$i"
		rm "$i"
	done
}

test_part_of_folders() {
	local n options
	local PART_MODEL=$PART_MODEL
	hf_case gpt-oss
	for options in '' '-t bf16 --checksum=xxh3' \
		'-F safetensors --max-shard-size 300K' '-F safetensors' \
		'-F hf -t bf16 --max-shard-size 20K'; do
		case $options in *hf*) PART_MODEL=gpt-oss/model-q.gguf ;; esac
		# shellcheck disable=SC2086 # several options
		run "$PART_MODEL" $options -o whole/
		succeeds
		cp "$OUT" sums
		for n in 1 2 3 8 40; do
			# shellcheck disable=SC2086
			parts $n "$PART_MODEL" $options -o out/
			same "$n, $options" <(joined $n) sums
			diff -r whole out || fail "$n, $options"
			rm -r out
		done
		rm -r whole
	done
}

test_part_of_raw_output() {
	local n type
	for type in f32 f16 native; do
		run "$PART_MODEL" -t $type -o whole
		for n in 1 2 7 40; do
			parts $n "$PART_MODEL" -t $type -o -
			same "$n, $type" <(joined $n) whole
		done
		rm whole
	done
	# A pipe, headerless blocks, and rows that only few parts get.
	head -c 1020 "$GOLDEN/q8_0.gguf" >blocks
	run --input-type q8_0 blocks -o whole
	parts 40 --input-type q8_0 blocks -o - -j2
	same 'blocks' <(joined 40) whole
	run - --part 2/2 -o second < <(cat "$PART_MODEL")
	succeeds
	run "$PART_MODEL" --part 1/2 -o first
	succeeds
	run "$PART_MODEL" -o whole -f
	same 'two files' <(cat first second) whole
}

# Rows with headers, or interleaved in groups of 4 to 16: parts begin and end
# between groups, wherever the bytes are cut.
test_part_of_rows() {
	local type
	PYTHONPATH=$HERE python3 <<-'end' || fail
	import gguf_file
	import random
	rng = random.Random(1)
	tensors = []
	for type in gguf_file.TYPES.values():
	    if len(type) > 3:
	        for shape in (type[1], 48), (2 * type[1], 16, 2):
	            data = rng.randbytes(gguf_file.n_bytes(type[0], shape))
	            tensors.append((f"{type[0]}.{len(shape)}", type[0], shape,
	                            data))
	gguf_file.write("rows.gguf", tensors)
	end
	for type in f32 native; do
		run rows.gguf -t $type -o whole
		succeeds
		for n in 2 31; do
			parts $n rows.gguf -t $type -o -
			same "$n, $type" <(joined $n) whole
		done
		rm whole
	done
}

test_part_of_checksums_and_of_verify() {
	run "$PART_MODEL" --checksum
	cp "$OUT" sums
	parts 5 "$PART_MODEL" --checksum
	same 'checksums' <(joined 5) sums
	for n in 1 2 30; do
		gpu hip "$PART_MODEL" --verify --part $n/30
		succeeds
	done
}

# The first one describes the whole.
test_part_with_an_index() {
	for output in whole/ whole.raw; do
		run "$PART_MODEL" -o $output --index index
		succeeds
		parts 3 "$PART_MODEL" -o "${output/whole/out}" -f --index of_1
		same "$output" of_1 index
		rm -r of_1 index out* whole*
	done
}

test_part_in_a_folder_with_others() {
	mkdir out
	echo mine >out/mine
	parts 2 "$PART_MODEL" -o out/
	run "$PART_MODEL" --part 2/2 -o out/
	fails_with "'out/blk."
	grep -q "already exists; use --force to overwrite it" "$ERR" || fail
	run "$PART_MODEL" --part 2/2 -o out/ -f
	succeeds
	rm 1 2
	run "$PART_MODEL" -o whole/
	mv out/mine .
	diff -r out whole || fail
	# What fails leaves what the others wrote.
	rm out/output.weight.f32
	run_full 3 "$PART_MODEL" --part 2/2 -o out/ -f
	fails_with "cannot write 'out/"
	rm whole/output.weight.f32
	diff -r out whole || fail
}

test_part_that_cannot_be() {
	for part in 0/2 3/2 2 /2 2/ 1/0 1/65536 x/2 1/2x -1/2 1//2; do
		run "$PART_MODEL" --part="$part" -o out/
		fails_usage "'--part' takes a part such as 2/8, from 1/1 to \
65535/65535, not '$part'"
	done
	for kind in gguf safetensors npz; do
		run "$PART_MODEL" --part 1/2 -o out -F $kind
		fails_usage "'--part' cannot write one file in the format \
$kind; write a folder, or raw output"
	done
	run "$PART_MODEL" --part 1/2 -o out --checksum
	fails_usage "'--part' of raw output cuts tensors, so that it cannot be \
combined with '--checksum'"
	run "$PART_MODEL" --part 1/2 -o out/ --check x
	fails_usage "'--part' cannot be combined with '--check'"
	run "$PART_MODEL" --part 1/2 -o out/ --expect x
	fails_usage "'--part' cannot be combined with '--expect'"
	run "$PART_MODEL" --part 1/2
	fails_usage "'--part' has no effect without '--output', '--checksum' or \
'--verify'"
	folder_is
}

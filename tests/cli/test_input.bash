# Where the model is read from.
# shellcheck shell=bash

test_standard_input() {
	run -o out - <"$MODELS/small.gguf"
	succeeds
	same 'a file' out "$MODELS/small.f32"
	run -fo out - < <(cat "$MODELS/small.gguf")
	succeeds
	same 'a pipe' out "$MODELS/small.f32"
	{
		head -c 100 >skipped
		run -fo out -
	} < <(cat <(head -c 100 /dev/zero) "$MODELS/small.gguf")
	succeeds
	same 'a pipe that was read from before' out "$MODELS/small.f32"
}

test_standard_input_that_was_read_from_before() {
	head -c 100 /dev/zero | cat - "$MODELS/shuffled.gguf" >file
	{
		dd bs=100 count=1 status=none >skipped
		run -o out -
	} <file
	succeeds
	same 'a file' out "$MODELS/small.f32"
}

# Writes a model and, once the output is there, what follows the tensors.
write_in_two_parts() {
	local tries
	cat "$MODELS/long.gguf"
	for ((tries = 0; tries < 1000; tries++)); do
		[ ! -e out ] || break
		sleep 0.01
	done
	sleep 0.05
	echo 'trailing bytes'
}

# On a busy machine the writer may come later than the program waits for it.
test_the_writer_of_a_pipe_is_not_killed() {
	local tries statuses
	for ((tries = 0; tries < 5; tries++)); do
		rm -f out
		write_in_two_parts 2>writer | "$PROGRAM" -o out -
		statuses=${PIPESTATUS[*]}
		same 'out' out <(head -c 8M /dev/zero)
		[ "$statuses" != '0 0' ] || return 0
	done
	fail "$statuses: $(cat writer)"
}

test_a_fifo() {
	mkfifo fifo
	cat "$MODELS/shuffled.gguf" >fifo &
	run -o out fifo
	succeeds
	same 'out' out "$MODELS/small.f32"
}

test_offsets_out_of_order() {
	for model in small shuffled; do
		"$PROGRAM" -c "$MODELS/$model.gguf" | cat >got
		same "$model: file to pipe" got "$MODELS/small.f32"
		"$PROGRAM" -c - < <(cat "$MODELS/$model.gguf") | cat >got
		same "$model: pipe to pipe" got "$MODELS/small.f32"
		run -f -o got - < <(cat "$MODELS/$model.gguf")
		succeeds
		same "$model: pipe to file" got "$MODELS/small.f32"
	done
	folder_is got
}

# From pipe to pipe, tensors that are out of order go through a file in TMPDIR.
test_spooling_needs_a_folder() {
	TMPDIR=$PWD/none "$PROGRAM" -c - 2>"$ERR" \
		< <(cat "$MODELS/shuffled.gguf") | cat >"$OUT"
	status=${PIPESTATUS[0]}
	fails "cannot make a temporary file in '$PWD/none': No such file or \
directory"
	TMPDIR=$PWD/none "$PROGRAM" -c - < <(cat "$MODELS/small.gguf") |
		cat >got
	same 'in order' got "$MODELS/small.f32"
	TMPDIR=$PWD "$PROGRAM" -c - < <(cat "$MODELS/shuffled.gguf") | cat >got
	same 'out of order' got "$MODELS/small.f32"
	folder_is got
}

test_every_prefix_of_a_file() {
	local end n
	end=$(($(stat -c %s "$MODELS/small.gguf") - 12)) # without the padding
	for ((n = 0; n < end; n += n < 200 || n > end - 5 ? 1 : 13)); do
		run -o out - < <(head -c $n "$MODELS/small.gguf")
		status_is 2
		[ "$(wc -l <"$ERR")" = 1 ] || fail "$n bytes: $(cat "$ERR")"
		folder_is
	done
}

test_a_stream_that_ends_too_early() {
	local name=tests/models/tiny-llama.gguf
	run -o out - < <(head -c 200000 "$ROOT/$name")
	fails_with "'standard input' is incomplete; download it again: its \
tensors end at offset "
	case $(<"$ERR") in
	*", for tensor 'blk.0.attn_output.weight'") ;;
	*) fail "$(cat "$ERR")" ;;
	esac
	folder_is
}

test_what_cannot_be_opened() {
	mkdir folder
	run folder
	fails "'folder' is a directory"
	run none
	fails "cannot open 'none': No such file or directory"
	run $'none\e[m'
	fails "cannot open 'none\\x1b[m': No such file or directory"
	run ''
	fails "cannot open '': No such file or directory"
	ln -s loop loop
	run loop
	fails "cannot open 'loop': Too many levels of symbolic links"
	run /dev/null
	fails "'/dev/null' is empty"
	: >empty
	run empty
	fails "'empty' is empty"
	run - <empty
	fails "'standard input' is empty"
}

# The reason is at the end of a message.
test_a_long_path_leaves_the_reason() {
	local path
	path=$(printf '%05000d' 0)
	run "$path"
	fails_with "cannot open '00000"
	case $(<"$ERR") in
	*"00…00"*"00': File name too long") ;;
	*) fail "$(<"$ERR")" ;;
	esac
}

# Files of /proc have size 0, and those of /sys 4096, whatever they hold.
test_a_file_that_is_not_of_its_size() {
	local path tested=0
	for path in /proc/version /sys/devices/system/cpu/possible; do
		if ! [ -r "$path" ] ||
			[ "$(stat -c %s "$path")" = "$(wc -c <"$path")" ]; then
			continue
		fi
		tested=$((tested + 1))
		run --input-type i8 -fo out "$path"
		succeeds
		same "$path" out "$path"
		run --input-type i8 -fo out - <"$path"
		succeeds
		same 'standard input' out "$path"
		run --input-type i8 --shape 3 -fo out "$path"
		fails "'$path' has trailing data after 3 bytes, for tensor \
'${path##*/}'"
	done
	[ "$tested" != 0 ] || skip 'neither /proc nor /sys has such files'
}

# 2^61 bytes, which no file system takes. One that reserves nothing finds out
# when the pipe ends.
test_a_pipe_that_promises_too_much() {
	PYTHONPATH=$HERE python3 -c "
import gguf_file
try:
    gguf_file.write('model', [('small', 'i8', (1,), b'x'),
                              ('huge', 'i8', (1 << 61,), b'')])
except OSError:
    pass # all but the data is there" || exit
	for output in out.raw out.gguf out.npz out/; do
		run -o $output - < <(cat model)
		grep -qE "cannot write '$output': File too large; it would have \
23058430092136[0-9]{5} bytes, 2305843009213693952 of them for tensor 'huge'|\
'standard input' is incomplete; .* 23058430092136.*, for tensor 'huge'" "$ERR" ||
			fail "$(<"$ERR")"
		status_is 2
		folder_is model
	done
}

test_a_terminal_as_input() {
	on_terminal "$PROGRAM" -o out -
	grep -q "gguf-dequant: 'standard input' is a terminal" screen ||
		fail "$(cat -v screen)"
	[ "$status" = 2 ] || fail "status $status"
	folder_is screen
}

test_split_model() {
	run -o out "$MODELS/split-00001-of-00003.gguf"
	succeeds
	same 'out' out "$MODELS/small.f32"
	run --json "$MODELS/split-00001-of-00003.gguf"
	succeeds
	[ "$(jq -c '[.tensors[].file]' "$OUT")" = '[0,0,1,2]' ] ||
		fail "$(cat "$OUT")"
	run -fo out "$MODELS/split-00003-of-00003.gguf"
	succeeds
	same 'from the last shard' out "$MODELS/small.f32"
	run - <"$MODELS/split-00001-of-00003.gguf"
	fails "'standard input' is shard 1 of 3, but its name does not end in \
'-00001-of-00003.gguf'; pass all shards"
}

test_missing_shard() {
	cp "$MODELS"/split-0000[12]-of-00003.gguf .
	run -o out split-00001-of-00003.gguf
	fails "cannot open 'split-00003-of-00003.gguf': No such file or \
directory"
	cp split-00002-of-00003.gguf split-00003-of-00003.gguf
	run -o out split-00001-of-00003.gguf
	fails "'split-00003-of-00003.gguf' is shard 2 of 3, not shard 3 as \
its name says"
	folder_is split-0000{1,2,3}-of-00003.gguf
}

test_more_than_4_gib() {
	run -o out -T after "$MODELS/sparse.gguf"
	succeeds
	same 'the tensor after 4 GiB' out <(printf '\0\0\200\77\0\0\0@')
	run -l "$MODELS/sparse.gguf"
	grep -Eq '^I8 +4294967301 +4294967301 +4\.0 GiB  hole$' "$OUT" ||
		fail "$(cat "$OUT")"
	run -o /dev/null --index - "$MODELS/sparse.gguf"
	succeeds
	[ "$(jq -c '[.bytes, .tensors[1].offset]' "$OUT")" = \
		'[4294967309,4294967301]' ] || fail "$(cat "$OUT")"
}

test_a_model_without_tensors() {
	for model in none empty; do
		run -o out "$MODELS/$model.gguf"
		succeeds
		same "$model" out /dev/null
		rm out
	done
}

test_threads_do_not_change_the_output() {
	"$PROGRAM" -c -j1 "$GOLDEN/q6_k.gguf" >expected
	for ((n = 2; n <= 8; n++)); do
		# Slots so small that every thread has many of them.
		run -j$n --memory 4M -f -o out "$GOLDEN/q6_k.gguf"
		succeeds
		same "-j$n" out expected
	done
}

test_tables_that_exceed_the_memory() {
	run --memory 4M -j1 -o out "$MODELS/tensors.gguf"
	fails_with "'$MODELS/tensors.gguf': tensor "
	case $(<"$ERR") in
	*' of memory for metadata; raise --memory') ;;
	*) fail "$(cat "$ERR")" ;;
	esac
	run --memory 8M -j1 -o out "$MODELS/tensors.gguf"
	succeeds
}

# Prints the memory of the program in KiB, halfway through 8 MiB of output.
memory_of() {
	local pid
	"$PROGRAM" "$@" -o fifo "$MODELS/long.gguf" &
	pid=$!
	{
		head -c 4M >start
		anonymous_memory $pid
		cat >rest
	} <fifo
	wait $pid
}

test_memory() {
	local kib
	skip_if_sanitized 'a sanitizer uses memory'
	mkfifo fifo
	kib=$(memory_of -j4)
	((100 < kib && kib <= 16384)) || fail "-j4: $kib KiB"
	kib=$(memory_of -j4 --memory 4M)
	((100 < kib && kib <= 4096)) || fail "-j4 --memory 4M: $kib KiB"
}

# Signals, and output to a terminal.
# shellcheck shell=bash

# Prints the beginning of a model, then nothing until the end of the test.
slow() {
	head -c 2M "$MODELS/long.gguf"
	exec sleep 60
}

# wait_for PID N: until the program writes so many files that have no name yet,
# or a temporary one.
wait_for() {
	local tries n
	for ((tries = 0; tries < 3000; tries++)); do
		n=$(readlink "/proc/$1/fd/"* |
			grep -cE ' \(deleted\)$|\.gguf-dequant\.......$')
		[ "$n" -ge "$2" ] && return
		sleep 0.01
	done
	fail "after 30 s the program writes $n files"
}

test_signals_leave_nothing() {
	local name number writer pid output
	for name in INT TERM HUP QUIT ABRT; do
		output=out
		[ $name != TERM ] || output=out/
		mkfifo fifo # a new one, that no writer has open
		number=$(kill -l $name)
		slow >fifo &
		writer=$!
		# A shell script's background jobs ignore SIGINT and SIGQUIT.
		env --default-signal="$name" "$PROGRAM" -d cpu -o $output \
			--index index fifo &
		pid=$!
		wait_for $pid 2
		kill -$name $pid
		status=0
		wait $pid || status=$?
		status_is $((128 + number))
		kill $writer
		folder_is fifo
		rm fifo
	done
}

test_ignored_signals_stay_ignored() {
	local pid
	mkfifo fifo
	(
		trap '' HUP
		exec "$PROGRAM" -o out fifo
	) &
	pid=$!
	{
		head -c 2M "$MODELS/long.gguf"
		wait_for $pid 1
		kill -HUP $pid
		tail -c +$((2 * 1024 * 1024 + 1)) "$MODELS/long.gguf"
	} >fifo
	wait $pid || fail "status $?"
	same 'out' out <(head -c 8M /dev/zero)
}

# Slow enough for a progress line, which appears after half a second.
trickle() {
	local mib
	for ((mib = 0; mib < 9; mib++)); do
		tail -c +$((mib * 1024 * 1024 + 1)) "$MODELS/long.gguf" |
			head -c 1M
		sleep 0.1
	done
}

test_progress_on_a_terminal() {
	mkfifo fifo
	trickle >fifo &
	on_terminal "$PROGRAM" -o out fifo
	[ "$status" = 0 ] || fail "status $status"
	same 'out' out <(head -c 8M /dev/zero)
	grep -q '%' screen || fail "no progress: $(cat -v screen)"
	[ "$(wc -l <screen)" = 0 ] || fail "many lines: $(cat -v screen)"
	for option in --no-progress --quiet; do
		trickle >fifo &
		on_terminal "$PROGRAM" "$option" -f -o out fifo
		same "the screen with $option" screen /dev/null
	done
}

test_progress_leaves_no_trace_in_a_log() {
	run -o out - < <(trickle)
	succeeds
	run --progress -f -o out - < <(trickle)
	status_is 0
	grep -q '%' "$ERR" || fail 'no progress'
}

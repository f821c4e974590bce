# Each call that the program makes fails in its turn, for every kind of output.
# shellcheck shell=bash

# call_fails CALL:N OUTPUT: the program must give the whole output with status 0,
# or an error and nothing.
call_fails() {
	local call=$1 output=$2
	status=0
	LD_PRELOAD=$FAILING_CALL FAIL_CALL=$call "$PROGRAM" -j1 -d cpu \
		-o "$output" "$MODELS/small.gguf" 2>"$ERR" || status=$?
	case $status in
	0)
		diff -r "$output" "../whole/$output" >"$OUT" ||
			fail "$call: $output" "$(<"$OUT")"
		rm -r "$output"
		;;
	2)
		# The name is there, but may not be on the disk.
		if grep -q 'is complete, but' "$ERR"; then
			rm -r "$output"
		fi
		[ -s "$ERR" ] || fail "$call: $output: no message"
		;;
	*) fail "$call: $output: status $status" "$(<"$ERR")" ;;
	esac
	folder_is
}

test_each_call_fails() {
	local output call n passed failed=0
	nm -D "$PROGRAM" | grep -q __asan && skip 'a sanitizer allocates memory'
	mkdir whole work
	for output in out.raw out.gguf out.safetensors out.npz out/; do
		run -o "whole/$output" "$MODELS/small.gguf"
		succeeds
	done
	cd work || exit
	for output in out.raw out.gguf out.safetensors out.npz out/; do
		for call in read write open name sync malloc; do
			passed=0
			# Some failures change nothing; after the last call,
			# none does.
			for ((n = 1; n < 500 && passed < 12; n++)); do
				call_fails $call:$n "$output"
				passed=$((passed + 1))
				[ $status = 0 ] || passed=0 failed=$((failed + 1))
			done
		done
		for call in read write; do
			for ((n = 1; n < 20; n++)); do
				call_fails $call:$n:short "$output"
			done
		done
	done
	[ $failed -gt 100 ] || fail "only $failed calls failed"
}

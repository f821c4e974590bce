# Each call that the program makes fails in its turn: see fail_calls.py.
# shellcheck shell=bash

test_each_call_fails() {
	skip_if_sanitized 'a sanitizer makes calls of its own'
	hf_case llama
	python3 "$HERE/fail_calls.py" "$PROGRAM" "$(realpath "$FAILING_CALL")" \
		"$MODELS" "$PWD" || exit
}

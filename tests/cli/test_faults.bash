# Each call that the program makes fails in its turn: see fail_calls.py.
# shellcheck shell=bash

test_each_call_fails() {
	nm -D "$PROGRAM" | grep -qE '__(a|t)san' &&
		skip 'a sanitizer allocates memory'
	hf_case llama
	python3 "$HERE/fail_calls.py" "$PROGRAM" "$(realpath "$FAILING_CALL")" \
		"$MODELS" "$PWD" || exit
}

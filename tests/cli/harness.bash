# harness.bash - the functions that tests of the program use. Sourced by run.
#
# A test is a function test_NAME. It runs in a subshell, in an empty folder of
# its own, with PROGRAM, MODELS (see models.py) and GOLDEN (tests/golden) set.
# The first expectation that is not met says why and ends the test.
# shellcheck shell=bash

fail() {
	printf '%s\n' "$@"
	exit 1
}

skip() {
	printf '%s\n' "$@"
	exit 77
}

# skip_if_sanitized REASON: skips the test in a build with a sanitizer.
skip_if_sanitized() {
	if nm -D "$PROGRAM" | grep -qE '__(asan|msan|tsan|ubsan)_'; then
		skip "$1"
	fi
}

# run ARG...: runs the program with the caller's standard input. Its output goes
# to files outside the test's folder.
run() {
	status=0
	"$PROGRAM" "$@" >"$OUT" 2>"$ERR" || status=$?
}

# run_into PATH ARG...: the same with standard output appended to PATH.
run_into() {
	local path=$1
	shift
	: >"$OUT"
	status=0
	"$PROGRAM" "$@" >>"$path" 2>"$ERR" || status=$?
}

# same WHAT GOT EXPECTED: the files or pipes GOT and EXPECTED are equal.
same() {
	cat "$2" >"$SAME.got"
	cat "$3" >"$SAME.expected"
	cmp -s "$SAME.got" "$SAME.expected" ||
		fail "$1 (-: expected, +: got)" "$(diff -au "$SAME.expected" \
			"$SAME.got" | tail -n +3 | head -40 | cat -v)"
}

# text_is WHAT FILE TEXT: the file consists of these lines, or is empty.
text_is() {
	local got
	# Without NUL bytes, read stops only at the end of the file.
	if IFS= read -r -d '' got <"$2" || [ "$got" != "${3:+$3$'\n'}" ]; then
		same "$1" "$2" <(printf %s "${3:+$3$'\n'}")
	fi
}

status_is() {
	[ "$status" = "$1" ] || fail "status $status instead of $1" \
		"$(head -5 "$ERR" | cat -v)"
}

stdout_is() {
	text_is 'standard output' "$OUT" "$1"
}

stderr_is() {
	text_is 'standard error' "$ERR" "$1"
}

# folder_is [NAME...]: the test's folder holds exactly these files, including
# hidden ones, in the order of their bytes.
folder_is() {
	local names=(*)
	[ "${names[*]}" = "$*" ] ||
		fail "the folder holds '${names[*]}', not '$*'"
}

# succeeds: status 0, and nothing on standard error.
succeeds() {
	stderr_is ''
	status_is 0
}

# Done, and nothing printed but that weights became infinite as F16.
converts() {
	grep -v 'beyond the range of F16' "$ERR" >"$ERR.others"
	text_is 'standard error' "$ERR.others" ''
	status_is 0
}

# fails MESSAGE: status 2, this message, and nothing on standard output.
fails() {
	stderr_is "gguf-dequant: $1"
	stdout_is ''
	status_is 2
}

# fails_with MESSAGE: the same, but only the start of the message is compared.
fails_with() {
	case $(<"$ERR") in "gguf-dequant: $1"*) ;; *) stderr_is "$1..." ;; esac
	stdout_is ''
	status_is 2
}

# fails_usage MESSAGE: the same as fails, for an invalid command line.
fails_usage() {
	fails "$1
Try 'gguf-dequant --help' for more information."
}

# on_terminal ARG...: runs a command on a new terminal and saves its output to
# the file "screen". Skips the test if there are no pseudo-terminals.
on_terminal() {
	script -qec true /dev/null >"$OUT" 2>&1 || skip "$(<"$OUT")"
	status=0
	script -qec "$(printf '%q ' "$@")" /dev/null >screen || status=$?
}

# hf_case NAME...: unpacks models of tests/hf, each NAME/model-q.gguf.
hf_case() {
	python3 -c '
import sys
import tarfile
with tarfile.open(sys.argv[1]) as tar:
    for name in sys.argv[2:]:
        tar.extract(name + "/model-q.gguf")' "$HERE/../hf/cases.tar.xz" "$@" ||
		fail
}

# anonymous_memory PID: the memory in KiB that a process holds now. Pages of the
# program's own file do not count: the kernel maps as many as it likes, and they
# are page cache.
anonymous_memory() {
	awk '/RssAnon/ { print $2 }' "/proc/$1/status"
}

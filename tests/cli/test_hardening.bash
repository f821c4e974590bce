# How the program was linked and compiled. See HARDENING in the Makefile.
# shellcheck shell=bash

hardened() {
	skip_if_sanitized 'a sanitizer finds what hardening would stop'
	[ -z "${UNHARDENED-}" ] || skip 'built with -O0'
	command -v readelf >/dev/null || skip 'there is no readelf'
}

# has WHAT PATTERN: what a command printed has a line with PATTERN.
has() {
	grep -qE "$2" "$OUT" || fail "no $1" "$(<"$OUT")"
}

test_hardening_of_the_program() {
	hardened
	readelf -W -h -l -d "$PROGRAM" >"$OUT"
	has 'position-independent code' '^ *Type: +DYN '
	has 'RELRO' '^ *GNU_RELRO '
	has 'binding at the start' '\(FLAGS_1\).* NOW'
	has 'stack without code' '^ *GNU_STACK .* RW '
	if grep -E '^ *LOAD .* RWE ' "$OUT"; then
		fail 'memory that is writable and has code'
	fi
	readelf -W --dyn-syms "$PROGRAM" >"$OUT"
	has 'stack protector' ' __stack_chk_fail'
	has 'fortified functions' ' __vsnprintf_chk'
}

# One object without the note is enough for a program without CET. Those of
# Debian 12's glibc have none, so the program has it only elsewhere.
test_hardening_of_each_object() {
	hardened
	[ "$(uname -m)" = x86_64 ] || skip 'not an x86-64'
	readelf -nW "$(dirname "$PROGRAM")/libgguf-dequant.a" >"$OUT"
	[ "$(grep -c '^File: ' "$OUT")" -gt 40 ] || fail "$(<"$OUT")"
	same 'objects without CET' <(awk '
		/^File: / { if (file && !cet) print file; file = $2; cet = 0 }
		/IBT, SHSTK/ { cet = 1 }
		END { if (!cet) print file }' "$OUT") /dev/null
}

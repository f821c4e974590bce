#!/bin/sh
# usage: tests/install/test_install.sh MAKE (from the top, by `make check`)
#
# Tests that the installed program runs, that no program loses CET to the
# library, and that uninstall leaves nothing.
set -eu

make=$1
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

$make install DESTDIR="$root/a b" PREFIX=/usr >/dev/null
"$root/a b/usr/bin/gguf-dequant" --version >/dev/null
if [ -z "${UNHARDENED-}" ] && [ "$(uname -m)" = x86_64 ] &&
	! readelf -n "$root/a b/usr/lib/libgguf-dequant.a" |
		grep -q 'IBT, SHSTK'; then
	echo 'FAILED: libgguf-dequant.a has no CET' >&2
	exit 1
fi
cmp man/gguf-dequant.1 "$root/a b/usr/share/man/man1/gguf-dequant.1"
$make uninstall DESTDIR="$root/a b" PREFIX=/usr >/dev/null
if find "$root" ! -type d | grep .; then
	echo 'FAILED: uninstall left the above' >&2
	exit 1
fi
echo 'install: 1 passed, 0 failed, 0 skipped'

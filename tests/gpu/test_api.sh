#!/bin/sh
# usage: tests/gpu/test_api.sh MAKE FAKES COMPILE... (from the top, by `make
# check`)
#
# Builds the example of the C API against an installed copy, and runs it on the
# fake GPU in FAKES.
set -eu

make=$1
fakes=$2
shift 2
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

skip() {
	echo "api: $1: skipped"
	exit 0
}

command -v pkg-config >/dev/null || skip 'there is no pkg-config'
[ -e /usr/include/hip/hip_runtime_api.h ] || skip "there are no HIP headers"

$make install DESTDIR="$root" PREFIX=/usr >/dev/null
export PKG_CONFIG_PATH="$root/usr/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$root"
[ "$(pkg-config --modversion gguf-dequant)" = \
	"$("$root/usr/bin/gguf-dequant" --version | cut -d' ' -f2)" ]

# example SOURCE LIBRARY COMPILE...: builds it with the flags from pkg-config.
example() {
	source=$1
	library=$2
	shift 2
	# shellcheck disable=SC2046 # they are words
	"$@" -w -o "$root/example" "tests/gpu/$source" -L"$library" \
		$(pkg-config --cflags --libs gguf-dequant) \
		"$fakes/hip/libamdhip64.so.7"
}

# prints EXPECTED: what the program does on the fake GPU.
prints() {
	got=$(FAKE_GPU_SIGNALS=1 LD_LIBRARY_PATH=$fakes/hip "$root/example")
	[ "$got" = "$1" ] || {
		echo "api: FAILED: $source prints '$got'"
		exit 1
	}
}

example example.c "$root/usr/lib" "$@"
# The installed library may lack code for the fake GPU; this one has it.
example example.c "$fakes" "$@"
prints '0 1 ... 31'
example example_rows.c "$fakes" "$@"
prints 'Q8_KV needs gguf_dequant_launch_rows
Q8_KV cannot have 2 rows of 65 weights: its blocks have 32
Q4_0_R8 cannot convert 4 blocks in rows of 2 at once
1 63
2 126'
echo 'api: 2 passed, 0 failed, 0 skipped'

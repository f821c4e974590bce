#!/bin/sh
# usage: test_reproducible.sh MAKE GPU_BUILD FILE... (from the top, by make)
#
# Tests that a build in another folder, with another time zone, locale and
# umask, gives the same FILEs, bit for bit. The GPU code of GPU_BUILD is taken
# from here, since to compile it takes minutes.
set -eu

make=$1 gpu_build=$2
shift 2
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

copy=$root/another/folder
mkdir -p "$copy/build"
tar -c --exclude=./build --exclude=./.git . | tar -x -C "$copy"
cp -rp "$gpu_build" "$copy/build/"
rm "$copy/$gpu_build/images.o"
(
	umask 077
	TZ=Pacific/Kiritimati LC_ALL=C CCACHE_DISABLE=1 \
		$make -s -C "$copy" "$@" >"$root/log" 2>&1
) || {
	cat "$root/log" >&2
	exit 1
}
for file; do
	if ! cmp "$file" "$copy/$file"; then
		echo "FAILED: $file depends on where or when it is built" >&2
		exit 1
	fi
	sha256sum "$file"
done
echo 'reproducible: 1 passed, 0 failed, 0 skipped'

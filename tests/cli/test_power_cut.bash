# What is on the disk if the power fails after the program has succeeded.
# shellcheck shell=bash

# write_outputs FOLDER: each kind of output, new and in place of an old one.
write_outputs() {
	local kind
	for kind in raw gguf safetensors npz; do
		run --input-type f16 blocks -t f32 -F $kind -f -o "$1/new.$kind"
		succeeds
		run --input-type f16 blocks -t f32 -F $kind -f -o "$1/old.$kind"
		succeeds
	done
	run --input-type f16 blocks -o "$1/new/"
	succeeds
	run --input-type f16 blocks -f -o "$1/old/"
	succeeds
}

# A copy of the disk is mounted, which replays its journal as after a crash.
compare_after_cut() {
	cp --sparse=always disk cut
	mount -o loop cut after || fail 'cannot mount the copy'
	diff -r before after >differences || fail "after $1 s:" "$(<differences)"
	umount after
}

test_power_cut() {
	local kind
	[ "$(id -u)" = 0 ] || skip 'only root may mount a disk'
	[ -x /sbin/mkfs.ext4 ] || skip 'there is no mkfs.ext4'
	mkdir before after
	truncate -s 1G disk
	/sbin/mkfs.ext4 -qF disk
	mount -o loop disk before 2>log || skip "$(<log)"
	trap 'umount -q before after' EXIT
	rmdir before/lost+found
	head -c 8M /dev/urandom >blocks
	mkdir before/old
	for kind in raw gguf safetensors npz; do
		head -c 1M /dev/urandom >before/old.$kind
	done
	head -c 1M /dev/urandom >before/old/blocks.f32
	sync -f before
	write_outputs before
	compare_after_cut 0
	# The journal is written every 5 s, data much later.
	sleep 7
	compare_after_cut 7
}

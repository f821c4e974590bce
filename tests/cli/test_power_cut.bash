# What is on the disk if the power fails after the program has succeeded.
# shellcheck shell=bash

# compare_after_cut WHEN: a copy of the disk is mounted, which replays its journal
# as after a crash.
compare_after_cut() {
	cp --sparse=always disk cut
	mount -o loop cut after || fail 'cannot mount the copy'
	diff -r before after >differences || fail "$1:" "$(<differences)"
	umount after
}

# survives ARG...: what the program writes is on the disk when it ends. What is
# written later may write it, too, so each output is looked at by itself.
survives() {
	run -f "$@"
	succeeds
	compare_after_cut "$*"
}

test_power_cut() {
	local kind which
	[ "$(id -u)" = 0 ] || skip 'only root may mount a disk'
	[ -x /sbin/mkfs.ext4 ] || skip 'there is no mkfs.ext4'
	mkdir before after
	truncate -s 1G disk
	/sbin/mkfs.ext4 -qF disk
	mount -o loop disk before 2>log || skip "$(<log)"
	trap 'umount -q before after' EXIT
	rmdir before/lost+found
	hf_case llama
	head -c 8M /dev/urandom >blocks
	mkdir before/old
	for kind in raw gguf safetensors npz; do
		head -c 1M /dev/urandom >before/old.$kind
	done
	head -c 1M /dev/urandom >before/old/token_embd.weight.f32
	sync -f before
	for which in new old; do
		for kind in raw gguf safetensors npz; do
			survives --input-type f16 blocks -t f32 -F $kind \
				-o before/$which.$kind
		done
		# Several threads write the files of a folder.
		survives "$THREADS_MODEL" -j8 -o before/$which/
	done
	survives "$THREADS_MODEL" -j8 -F safetensors --max-shard-size 300K \
		-o before/shards/
	survives llama/model-q.gguf -q -j8 -F hf -o before/checkpoint/
	# The journal is written every 5 s, data much later.
	sleep 7
	compare_after_cut 'after 7 s'
}

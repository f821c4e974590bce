/*
 * launch.h - how the kernels of dequant.hip are launched: the one place that
 * knows, for the kernels themselves, the host and the tests. Plain C.
 */
#ifndef DQ_LAUNCH_H
#define DQ_LAUNCH_H

#include <stdint.h>

/* The kernel of a format and an output type, both in lower case. */
#define DQ_KERNEL_NAME "dq_%s_%s"

/*
 * A kernel's parameters, in this order. Both pointers are the device's and
 * aligned to 16 bytes; what they point to doesn't overlap. The last word of the
 * blocks is readable whole, where they end within one of 4 bytes.
 */
struct dq_parameters {
	const void *blocks;
	void *values;
	uint64_t n_blocks;
};

/*
 * A grid is one-dimensional. A thread stores 16 bytes of values at once, a
 * chunk: one in each of the DQ_PARTS equal parts of a block, so that a block of
 * 256 weights, of which more is shared, has more of them. No shared memory is
 * needed. All numbers are a matter of speed alone, as measured on an H200.
 */
#define DQ_THREADS 128u
#define DQ_PARTS(weights) ((weights) == 256 ? 4u : (weights) == 1 ? 1u : 2u)
#define DQ_CHUNK(value_bytes) (16u / (value_bytes))
/* How many blocks a group of threads converts. */
#define DQ_TILE(weights, value_bytes) \
	(DQ_THREADS * DQ_PARTS(weights) * DQ_CHUNK(value_bytes) / (weights))

/* HIP counts the threads of a grid in 32 bits. A power of two, so that what
 * is left for the next launch is aligned as well. */
#define DQ_MAX_GROUPS (1u << 24)

struct dq_launch {
	unsigned groups;
	uint64_t n_blocks; /* how many they convert: the first of those given */
};

/*
 * The launch for n_blocks > 0 blocks of `weights` weights to values of
 * value_bytes bytes: for all of them, unless they are more than 2^33 weights.
 */
static inline struct dq_launch dq_launch(unsigned weights, unsigned value_bytes,
					 uint64_t n_blocks)
{
	const uint64_t tile = DQ_TILE(weights, value_bytes);
	struct dq_launch launch = { DQ_MAX_GROUPS, DQ_MAX_GROUPS * tile };

	if (n_blocks < launch.n_blocks) {
		launch.groups = (unsigned)((n_blocks - 1) / tile + 1);
		launch.n_blocks = n_blocks;
	}
	return launch;
}

/*
 * The kernels of BLAKE3, dq_blake3_chunks and dq_blake3_groups, take an input
 * in parts that begin at a chunk of 1024 bytes; a value has 32 bytes. The first
 * makes the value of each chunk of n bytes, an even number. The second turns
 * those of n chunks, which it overwrites, into one of each group of chunks that
 * is whole and begins at a multiple of DQ_HASH_GROUP, between those of the
 * chunks before and after. Pointers are as above.
 */
struct dq_hash_parameters {
	const void *from;
	void *values;
	uint64_t n;
	uint64_t first; /* the number of the first chunk */
	uint64_t total; /* chunks of the input: a single one is its root, and of
			   no more than a group none is reduced */
};

#define DQ_HASH_THREADS 64u
#define DQ_HASH_CHUNK 1024u
#define DQ_HASH_LEVEL 4u /* of a group */
#define DQ_HASH_GROUP (1u << DQ_HASH_LEVEL)

/* What dq_blake3_groups makes. */
struct dq_hash_layout {
	uint64_t n_before; /* chunks */
	uint64_t n_groups;
	uint64_t n_values; /* in all */
};

#ifdef DQ_FN
DQ_FN
#else
static inline
#endif
struct dq_hash_layout dq_hash_layout(uint64_t n, uint64_t first, uint64_t total)
{
	struct dq_hash_layout layout = { -first % DQ_HASH_GROUP, 0, n };

	if (total <= DQ_HASH_GROUP || layout.n_before > n)
		layout.n_before = n;
	layout.n_groups = (n - layout.n_before) / DQ_HASH_GROUP;
	layout.n_values = n - layout.n_groups * (DQ_HASH_GROUP - 1);
	return layout;
}

/* The groups of threads for n chunks or values, at most 2^30. */
static inline unsigned dq_hash_groups(uint64_t n)
{
	return (unsigned)((n + DQ_HASH_THREADS - 1) / DQ_HASH_THREADS);
}

#endif

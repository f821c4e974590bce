/*
 * launch.h - how the kernels of dequant.hip are launched. Kernels, host code
 * and tests all take it from here. Plain C.
 */
#ifndef DQ_LAUNCH_H
#define DQ_LAUNCH_H

#include <stdint.h>

/* For kernels and the host. */
#ifdef DQ_FN
#define DQ_LAUNCH_FN DQ_FN
#else
#define DQ_LAUNCH_FN static inline
#endif

/* The kernel of a format and an output type, both in lower case. */
#define DQ_KERNEL_NAME "dq_%s_%s"

/*
 * A kernel's parameters, in this order. Both are device pointers, aligned to 16
 * bytes, to memory that does not overlap. The blocks must be readable up to the
 * next multiple of 4 bytes.
 */
struct dq_parameters {
	const void *blocks;
	void *values;
	uint64_t n_blocks;

	/* Only if blocks are not a run (DQ_ROWS in formats.def): the number of
	 * blocks per row, and what divides by it (see dq_divide). All rows of a
	 * group must be there, and at most DQ_MAX_ROW_BLOCKS blocks. */
	uint32_t row_blocks;
	uint32_t reciprocal;
	uint32_t shift;
};
#define DQ_MAX_ROW_BLOCKS (1u << 27)

/*
 * The grid is one-dimensional, and no shared memory is needed. A thread stores
 * chunks of 16 bytes, one in each of the DQ_PARTS equal parts of a block. A
 * block of 256 weights has more parts, because its weights share more data. All
 * numbers affect only the speed; they were the fastest ones on an H200.
 */
#define DQ_THREADS 128u
#define DQ_PARTS(weights) ((weights) == 256 ? 4u : (weights) == 1 ? 1u : 2u)
#define DQ_CHUNK(value_bytes) (16u / (value_bytes))
/* The number of blocks that a group of threads converts. */
#define DQ_TILE(weights, value_bytes) \
	(DQ_THREADS * DQ_PARTS(weights) * DQ_CHUNK(value_bytes) / (weights))

/* HIP counts the threads of a grid in 32 bits. This is a power of two, so that
 * the rest, for the next launch, is aligned as well. */
#define DQ_MAX_GROUPS (1u << 24)

struct dq_launch {
	unsigned groups;
	uint64_t n_blocks; /* the first ones, which this launch converts */
};

/*
 * The launch for n_blocks > 0 blocks of `weights` weights to values of
 * value_bytes bytes. It converts all of them, up to 2^33 weights.
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
 * The same for a format whose groups have group_blocks blocks, at most
 * DQ_MAX_ROW_BLOCKS: it converts whole groups. A tile has at least 8 blocks.
 */
static inline struct dq_launch dq_launch_rows(unsigned weights,
					      unsigned value_bytes,
					      uint64_t n_blocks,
					      uint64_t group_blocks)
{
	const uint64_t most = DQ_MAX_ROW_BLOCKS / group_blocks * group_blocks;

	return dq_launch(weights, value_bytes,
			 n_blocks < most ? n_blocks : most);
}

/* Sets what dq_divide needs: reciprocal is 2^shift / row_blocks rounded up,
 * between 2^31 and 2^32 (Granlund and Montgomery 1994). */
static inline void dq_set_divisor(struct dq_parameters *p, uint32_t row_blocks)
{
	p->row_blocks = row_blocks;
	p->shift = 31;
	while (row_blocks > (uint64_t)1 << (p->shift - 31))
		p->shift++;
	p->reciprocal = (uint32_t)((((uint64_t)1 << p->shift) - 1) /
				   row_blocks + 1);
}

/* i / row_blocks, for i < 2^31. Hardware has no division of integers. */
DQ_LAUNCH_FN uint32_t dq_divide(uint32_t i, uint32_t reciprocal, uint32_t shift)
{
	return (uint32_t)((uint64_t)i * reciprocal >> shift);
}

/*
 * The BLAKE3 kernels take an input in parts that begin at a chunk of 1024
 * bytes. A chaining value has 32 bytes.
 *
 * dq_blake3_chunks computes the value of each chunk in n bytes, an even number.
 * dq_blake3_groups takes the values of n chunks, which it overwrites. It
 * reduces each whole group of chunks that begins at a multiple of DQ_HASH_GROUP
 * to one value, and copies the values of the chunks before and after these
 * groups. Pointers are as above.
 */
struct dq_hash_parameters {
	const void *from;
	void *values;
	uint64_t n;
	uint64_t first; /* the number of the first chunk */
	uint64_t total; /* chunks of the input: a single one is the root, and
			   up to DQ_HASH_GROUP are not reduced */
};

#define DQ_HASH_THREADS 64u
#define DQ_HASH_CHUNK 1024u
#define DQ_HASH_LEVEL 4u /* of a group */
#define DQ_HASH_GROUP (1u << DQ_HASH_LEVEL)

/* The output of dq_blake3_groups. */
struct dq_hash_layout {
	uint64_t n_before; /* chunks */
	uint64_t n_groups;
	uint64_t n_values; /* in all */
};

DQ_LAUNCH_FN struct dq_hash_layout dq_hash_layout(uint64_t n, uint64_t first,
						  uint64_t total)
{
	struct dq_hash_layout layout = { -first % DQ_HASH_GROUP, 0, n };

	if (total <= DQ_HASH_GROUP || layout.n_before > n)
		layout.n_before = n;
	layout.n_groups = (n - layout.n_before) / DQ_HASH_GROUP;
	layout.n_values = n - layout.n_groups * (DQ_HASH_GROUP - 1);
	return layout;
}

/* The number of thread groups for n chunks or values, at most 2^30. */
static inline unsigned dq_hash_groups(uint64_t n)
{
	return (unsigned)((n + DQ_HASH_THREADS - 1) / DQ_HASH_THREADS);
}

#endif

/* blake3.h - BLAKE3 of an input in parts, which any thread can hash. */
#ifndef HASH_BLAKE3_H
#define HASH_BLAKE3_H

#include <stddef.h>
#include <stdint.h>

#define BLAKE3_DIGEST_BYTES 32
#define BLAKE3_CHUNK_BYTES 1024
#define BLAKE3_WORDS 8 /* of a chaining value */

/* The functions for one instruction set: see blake3_lanes.h. For the present
 * CPU use cpu_rows_select(…)->blake3. */
struct blake3_lanes;

/*
 * The chaining values of the largest subtrees within a part of the input, in
 * order. A part consists of whole chunks, except for the input's last chunk. It
 * has at most BLAKE3_PART_BYTES, which is 2^16 chunks in fewer than 2 · 16
 * subtrees. It contains no pointers.
 */
#define BLAKE3_PART_BYTES ((size_t)64 << 20)
#define BLAKE3_PART_VALUES 32
struct blake3_part {
	size_t n_chunks;
	uint32_t values[BLAKE3_PART_VALUES][BLAKE3_WORDS];
};

/*
 * Hashes n > 0 bytes at `offset`, a multiple of BLAKE3_CHUNK_BYTES, of an input
 * of `total` bytes. n is such a multiple, too, or extends to the input's end.
 * Pure: any thread may call it, in any order. `bytes` need no alignment.
 */
void blake3_part_hash(struct blake3_part *part,
		      const struct blake3_lanes *lanes, const void *bytes,
		      size_t n, uint64_t offset, uint64_t total);

/*
 * The same from the values of the chunks, in order, which are overwritten. Each
 * whole and aligned group of 2^group_level chunks is given by a single value,
 * unless the input has no more chunks than a group. The only chunk of an input
 * is given as the root. Returns how many values were used.
 */
size_t blake3_part_join(struct blake3_part *part,
			const struct blake3_lanes *lanes,
			uint32_t (*values)[BLAKE3_WORDS], unsigned group_level,
			size_t n, uint64_t offset, uint64_t total);

/* Joins the parts of one input. They are added in order until they cover it; an
 * empty input has no parts. Nothing needs to be released. */
struct blake3_tree {
	uint64_t total;    /* chunks of the input */
	uint64_t n_chunks; /* added so far */
	unsigned n_values; /* of subtrees that wait for their neighbour */
	uint32_t values[64][BLAKE3_WORDS];
};

/* For an input of `total` bytes. */
void blake3_tree_init(struct blake3_tree *tree, uint64_t total);
void blake3_tree_add(struct blake3_tree *tree, const struct blake3_part *part);
void blake3_tree_finish(struct blake3_tree *tree,
			uint8_t digest[BLAKE3_DIGEST_BYTES]);

#endif

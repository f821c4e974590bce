/* blake3.h - BLAKE3 of an input by parts, which any thread can hash. */
#ifndef HASH_BLAKE3_H
#define HASH_BLAKE3_H

#include <stddef.h>
#include <stdint.h>

#define BLAKE3_DIGEST_BYTES 32
#define BLAKE3_CHUNK_BYTES 1024
#define BLAKE3_WORDS 8 /* of a chaining value */

/* What hashes on one instruction set: see blake3_lanes.h. That of the CPU at
 * hand is cpu_rows_select(…)->blake3. */
struct blake3_lanes;

/*
 * The chaining values of the largest subtrees that lie within a part of the
 * input, in order. A part is whole chunks, but for the input's last one. It has
 * at most BLAKE3_PART_BYTES: 2^16 chunks, which fall into fewer than 2 · 16
 * subtrees. Nothing in it points anywhere.
 */
#define BLAKE3_PART_BYTES ((size_t)64 << 20)
#define BLAKE3_PART_VALUES 32
struct blake3_part {
	size_t n_chunks;
	uint32_t values[BLAKE3_PART_VALUES][BLAKE3_WORDS];
};

/*
 * Hashes n > 0 bytes at `offset`, a multiple of BLAKE3_CHUNK_BYTES, of an input
 * of `total` bytes; n is such a multiple too, or reaches the input's end. Pure:
 * any thread, any order. `bytes` need no alignment.
 */
void blake3_part_hash(struct blake3_part *part,
		      const struct blake3_lanes *lanes, const void *bytes,
		      size_t n, uint64_t offset, uint64_t total);

/*
 * The same from the values of its chunks, in order, which are overwritten; of
 * each group of 2^group_level chunks that is whole and aligned only its one
 * value, unless the input has no more chunks than a group. The only chunk of an
 * input comes as its root. Returns how many values there were.
 */
size_t blake3_part_join(struct blake3_part *part,
			const struct blake3_lanes *lanes,
			uint32_t (*values)[BLAKE3_WORDS], unsigned group_level,
			size_t n, uint64_t offset, uint64_t total);

/* Joins the parts of one input, which are added in order from its start until
 * they cover it; an input of no bytes has none. Nothing to release. */
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

#include "hash/blake3.h"

#include <string.h>

#include "hash/blake3_lanes.h"
#include "kernels/blake3.h"

DQ_ASSERT(BLAKE3_CHUNK_BYTES == BLAKE3_CHUNK, "a chunk");

/* Chunks whose values are reduced together, in the L1 cache: enough to make the
 * levels with fewer nodes than lanes a small part. */
#define SPAN_LEVEL 8
#define SPAN ((size_t)1 << SPAN_LEVEL)

/*
 * The level of the largest subtree that begins at `chunk`, a multiple of its
 * 2^level chunks, and lies within the next n. The whole input does not count,
 * since its root is hashed separately, unless it is a single chunk.
 */
static unsigned level_at(uint64_t chunk, uint64_t n, uint64_t total)
{
	const unsigned fits = 63 - (unsigned)__builtin_clzll(n);
	const unsigned aligned = chunk ? (unsigned)__builtin_ctzll(chunk) : 63;
	const unsigned level = fits < aligned ? fits : aligned;

	return level && total == (uint64_t)1 << level ? level - 1 : level;
}

static uint64_t count_chunks(uint64_t bytes)
{
	return bytes / BLAKE3_CHUNK + (bytes % BLAKE3_CHUNK != 0);
}

/* Hashes a chunk of n bytes; flags: BLAKE3_ROOT or 0. */
static void hash_chunk(const uint8_t *bytes, size_t n, uint64_t counter,
		       uint32_t flags, uint32_t value[BLAKE3_WORDS])
{
	const unsigned n_blocks =
		n ? (unsigned)((n - 1) / BLAKE3_BLOCK) + 1 : 1;

	blake3_start(value);
	for (unsigned i = 0; i < n_blocks; i++) {
		const size_t left = n - i * BLAKE3_BLOCK;
		const size_t len = left < BLAKE3_BLOCK ? left : BLAKE3_BLOCK;
		uint32_t m[16] = { 0 };

		memcpy(m, bytes + i * BLAKE3_BLOCK, len);
		blake3_compress(value, m, counter, (uint32_t)len,
				blake3_block_flags(i, n_blocks, flags));
	}
}

/* Reduces n values, a power of two, to that of their subtree, in the first. */
static void reduce(const struct blake3_lanes *lanes,
		   uint32_t (*values)[BLAKE3_WORDS], size_t n)
{
	while (n /= 2)
		lanes->parents((const uint32_t (*)[BLAKE3_WORDS])values, n,
			       values);
}

/* A part in the making, of the chunks from `first` to `end`. */
struct making {
	struct blake3_part *part;
	const struct blake3_lanes *lanes;
	const uint8_t *bytes;
	size_t n_bytes;
	uint64_t first, end, total; /* chunks */
	size_t n_values;
};

static struct making make(struct blake3_part *part,
			  const struct blake3_lanes *lanes, size_t n,
			  uint64_t offset, uint64_t total)
{
	const uint64_t first = offset / BLAKE3_CHUNK;

	part->n_chunks = (size_t)count_chunks(n);
	return (struct making){
		.part = part,
		.lanes = lanes,
		.n_bytes = n,
		.first = first,
		.end = first + part->n_chunks,
		.total = count_chunks(total),
	};
}

static uint32_t *next_value(struct making *making)
{
	return making->part->values[making->n_values++];
}

/* Adds the subtrees of n chunks from values as described at blake3_part_join.
 * Returns how many values were used. */
static size_t add_subtrees(struct making *making,
			   uint32_t (*values)[BLAKE3_WORDS], uint64_t chunk,
			   uint64_t n, unsigned group_level)
{
	size_t n_values = 0;

	while (n) {
		const unsigned level = level_at(chunk, n, making->total);
		const size_t count = (size_t)1 << (level < group_level ? level :
						   level - group_level);

		reduce(making->lanes, values + n_values, count);
		memcpy(next_value(making), values[n_values],
		       sizeof(values[0]));
		n_values += count;
		chunk += (uint64_t)1 << level;
		n -= (uint64_t)1 << level;
	}
	return n_values;
}

/* Computes the values of n chunks from number `chunk` on. */
static void hash_chunks(const struct making *making, uint64_t chunk, size_t n,
			uint32_t (*values)[BLAKE3_WORDS])
{
	const size_t at = (size_t)(chunk - making->first) * BLAKE3_CHUNK;
	const size_t left = (making->n_bytes - at) / BLAKE3_CHUNK;
	const size_t whole = left < n ? left : n;
	const size_t end = at + whole * BLAKE3_CHUNK;

	making->lanes->chunks(making->bytes + at, whole, chunk, values);
	if (whole < n)
		hash_chunk(making->bytes + end, making->n_bytes - end,
			   chunk + whole, 0, values[whole]);
}

/* Computes the value of a subtree of at least one span. A part has at most 2^16
 * chunks, so a subtree has at most SPAN spans. `values` has room for those of a
 * span; together with it `spans` would be too much for one stack frame. */
static __attribute__((noinline)) void
hash_subtree(const struct making *making, uint64_t chunk, unsigned level,
	     uint32_t (*values)[BLAKE3_WORDS], uint32_t value[BLAKE3_WORDS])
{
	const size_t n = (size_t)1 << (level - SPAN_LEVEL);
	uint32_t spans[SPAN][BLAKE3_WORDS];

	for (size_t i = 0; i < n; i++) {
		hash_chunks(making, chunk + i * SPAN, SPAN, values);
		reduce(making->lanes, values, SPAN);
		memcpy(spans[i], values[0], sizeof(spans[i]));
	}
	reduce(making->lanes, spans, n);
	memcpy(value, spans[0], sizeof(spans[0]));
}

void blake3_part_hash(struct blake3_part *part,
		      const struct blake3_lanes *lanes, const void *bytes,
		      size_t n, uint64_t offset, uint64_t total)
{
	struct making making = make(part, lanes, n, offset, total);
	uint32_t values[SPAN][BLAKE3_WORDS];
	uint64_t chunk = making.first;

	making.bytes = bytes;
	if (making.total == 1) {
		hash_chunk(bytes, n, 0, BLAKE3_ROOT, part->values[0]);
		return;
	}
	while (chunk < making.end) {
		const uint64_t left = making.end - chunk;
		const uint64_t in_span = SPAN - chunk % SPAN;
		const unsigned level = level_at(chunk, left, making.total);
		const uint64_t few = in_span < left ? in_span : left;

		if (level >= SPAN_LEVEL) {
			hash_subtree(&making, chunk, level, values,
				     next_value(&making));
			chunk += (uint64_t)1 << level;
		} else {
			hash_chunks(&making, chunk, (size_t)few, values);
			add_subtrees(&making, values, chunk, few, 63);
			chunk += few;
		}
	}
}

size_t blake3_part_join(struct blake3_part *part,
			const struct blake3_lanes *lanes,
			uint32_t (*values)[BLAKE3_WORDS], unsigned group_level,
			size_t n, uint64_t offset, uint64_t total)
{
	struct making making = make(part, lanes, n, offset, total);

	return add_subtrees(&making, values, making.first, part->n_chunks,
			    group_level);
}

void blake3_tree_init(struct blake3_tree *tree, uint64_t total)
{
	*tree = (struct blake3_tree){ .total = count_chunks(total) };
}

/* Joins the last two values; flags: BLAKE3_ROOT or 0. */
static void join_last(struct blake3_tree *tree, uint32_t flags)
{
	uint32_t children[2 * BLAKE3_WORDS];

	tree->n_values -= 2;
	memcpy(children, tree->values[tree->n_values], sizeof(children));
	blake3_parent(children, flags, tree->values[tree->n_values++]);
}

void blake3_tree_add(struct blake3_tree *tree, const struct blake3_part *part)
{
	const uint64_t end = tree->n_chunks + part->n_chunks;

	for (size_t i = 0; tree->n_chunks < end; i++) {
		const unsigned level = level_at(tree->n_chunks,
						end - tree->n_chunks,
						tree->total);

		memcpy(tree->values[tree->n_values++], part->values[i],
		       sizeof(part->values[i]));
		tree->n_chunks += (uint64_t)1 << level;
		/* One value stays per bit set in n_chunks, except that the
		 * root waits. */
		while (tree->n_values > 1 && tree->n_chunks < tree->total &&
		       tree->n_values >
		       (unsigned)__builtin_popcountll(tree->n_chunks))
			join_last(tree, 0);
	}
}

void blake3_tree_finish(struct blake3_tree *tree,
			uint8_t digest[BLAKE3_DIGEST_BYTES])
{
	if (!tree->total)
		hash_chunk((const uint8_t *)"", 0, 0, BLAKE3_ROOT,
			   tree->values[tree->n_values++]);
	while (tree->n_values > 2)
		join_last(tree, 0);
	if (tree->n_values == 2)
		join_last(tree, BLAKE3_ROOT);
	memcpy(digest, tree->values[0], BLAKE3_DIGEST_BYTES);
}

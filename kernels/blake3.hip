/*
 * blake3.hip - BLAKE3 of values that are on the GPU. It is part of dequant.hip
 * and launched as described in launch.h. dq_blake3_chunks computes the value of
 * each chunk, and dq_blake3_groups from these the value of each group of 16
 * chunks. In both, a thread compresses about 16 blocks.
 */
#include "blake3.h"
#include "launch.h"

DQ_ASSERT(DQ_HASH_CHUNK == BLAKE3_CHUNK, "a chunk");

/* A chaining value, as it is stored. */
struct hash_value {
	struct dq_chunk half[2];
};

DQ_FN void store_value(struct hash_value *p, const uint32_t h[8])
{
	struct hash_value value;

	for (unsigned i = 0; i < 8; i++)
		value.half[i / 4].w[i % 4] = h[i];
	*p = value;
}

/* Loads the 64 bytes at p. */
DQ_FN void load_block(const struct dq_chunk *p, uint32_t m[16])
{
	for (unsigned i = 0; i < 4; i++) {
		const struct dq_chunk c = p[i];

		for (unsigned j = 0; j < 4; j++)
			m[4 * i + j] = c.w[j];
	}
}

/* Loads the n bytes at p, an even number below 64, followed by zeros. */
DQ_FN void load_last_block(const struct dq_chunk *p, uint32_t n, uint32_t m[16])
{
	const uint8_t *const bytes = (const uint8_t *)p;

	for (unsigned i = 0; i < 16; i++) {
		m[i] = 0;
		if (4 * i < n)
			m[i] = dq_load_u16(bytes + 4 * i);
		if (4 * i + 2 < n)
			m[i] |= (uint32_t)dq_load_u16(bytes + 4 * i + 2) << 16;
	}
}

/* Each thread hashes one chunk. */
DQ_KERNEL(DQ_HASH_THREADS) void dq_blake3_chunks(
	const void *DQ_RESTRICT bytes, void *DQ_RESTRICT values, uint64_t n,
	uint64_t first, uint64_t total)
{
	const uint64_t chunk = (uint64_t)DQ_GROUP * DQ_HASH_THREADS + DQ_THREAD;
	const struct dq_chunk *p = (const struct dq_chunk *)DQ_ALIGNED(bytes) +
				   chunk * (BLAKE3_CHUNK / sizeof(*p));
	const uint64_t left = n - chunk * BLAKE3_CHUNK;
	const unsigned len = left < BLAKE3_CHUNK ? (unsigned)left :
						   BLAKE3_CHUNK;
	const unsigned n_blocks = (len + BLAKE3_BLOCK - 1) / BLAKE3_BLOCK;
	uint32_t h[8], m[16];

	if (chunk * BLAKE3_CHUNK >= n)
		return;
	blake3_start(h);
	for (unsigned i = 0; i < n_blocks; i++, p += 4) {
		const unsigned in_block = len - i * BLAKE3_BLOCK;

		if (in_block < BLAKE3_BLOCK)
			load_last_block(p, in_block, m);
		else
			load_block(p, m);
		blake3_compress(h, m, first + chunk,
				in_block < BLAKE3_BLOCK ? in_block :
							  BLAKE3_BLOCK,
				blake3_block_flags(i, n_blocks, total == 1 ?
						   BLAKE3_ROOT : 0));
	}
	store_value((struct hash_value *)values + chunk, h);
}

/* Each thread reduces one group in place, or copies the value of one chunk. */
DQ_KERNEL(DQ_HASH_THREADS) void dq_blake3_groups(
	void *DQ_RESTRICT chunks, void *DQ_RESTRICT values, uint64_t n,
	uint64_t first, uint64_t total)
{
	const uint64_t i = (uint64_t)DQ_GROUP * DQ_HASH_THREADS + DQ_THREAD;
	const struct dq_hash_layout layout = dq_hash_layout(n, first, total);
	const int before = i < layout.n_before;
	const int in_group = !before && i - layout.n_before < layout.n_groups;
	const uint64_t at = before ? i :
		in_group ? layout.n_before +
			   (i - layout.n_before) * DQ_HASH_GROUP :
		i + layout.n_groups * (DQ_HASH_GROUP - 1);
	struct hash_value *const p = (struct hash_value *)DQ_ALIGNED(chunks) +
				     at;
	uint32_t h[8], m[16];

	if (i >= layout.n_values)
		return;
	for (unsigned k = in_group ? DQ_HASH_GROUP / 2 : 0; k; k /= 2)
		for (unsigned j = 0; j < k; j++) {
			load_block(p[2 * j].half, m);
			blake3_parent(m, 0, h);
			store_value(p + j, h);
		}
	((struct hash_value *)values)[i] = *p;
}

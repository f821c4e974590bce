/*
 * dequant.hip - the GPU driver: one kernel per format and output type, named
 * dq_<format>_<type> and launched as described in launch.h. It moves bytes; the
 * formats decode them. blake3.hip hashes the values.
 *
 * A thread computes chunks of values and stores each at once, bypassing the
 * caches. Neighbouring threads compute neighbouring chunks: stores coalesce,
 * and parts of a block that several threads need come from the cache.
 *
 * The tests also compile this file as C, to run it on the host under sanitizers
 * (see dq.h).
 */
#include "blake3.hip"
#include "formats.h"
#include "launch.h"
#include "types.h"

/* A group has at least one block, and a block at least one thread. */
#define DQ_QUANT(NAME, name, id, weights, bytes, span)                    \
	DQ_ASSERT(DQ_TILE(weights, 4) > 0 &&                              \
			  (weights) / DQ_CHUNK(2) / DQ_PARTS(weights) > 0, \
		  #name);
#define DQ_ROWS(NAME, name, id, weights, bytes, span, header, rows) \
	DQ_QUANT(NAME, name, id, weights, bytes, span)
#include "formats.def"

/* The pair of 16-bit values of a and b, with `nan` in place of each NaN. */
DQ_FN uint32_t canonical_pair(uint32_t pair, float a, float b, uint32_t nan)
{
	if (a != a)
		pair = (pair & 0xffff0000) | nan;
	if (b != b)
		pair = (pair & 0xffff) | nan << 16;
	return pair;
}

/* Packs the values y[] into a chunk; `finite` means that none is NaN. */
DQ_FN struct dq_chunk pack_f32(const float *y, int finite)
{
	struct dq_chunk c;

	(void)finite; /* a branch costs more than it saves */
	for (unsigned i = 0; i < 4; i++)
		c.w[i] = dq_bits(dq_canonical(y[i]));
	return c;
}

#define PACK(type, nan)                                                       \
	DQ_FN struct dq_chunk pack_##type(const float *y, int finite)         \
	{                                                                     \
		struct dq_chunk c;                                            \
									      \
		for (unsigned i = 0; i < 4; i++)                              \
			c.w[i] = dq_pack_##type(y[2 * i], y[2 * i + 1]);      \
		if (!finite)                                                  \
			for (unsigned i = 0; i < 4; i++)                      \
				c.w[i] = canonical_pair(c.w[i], y[2 * i],     \
							y[2 * i + 1], nan);   \
		return c;                                                     \
	}
PACK(f16, DQ_NAN_F16)
PACK(bf16, DQ_NAN_BF16)

/* Stores one value, for a chunk that is not whole. y is canonical. */
DQ_FN void put_f32(void *values, unsigned i, float y)
{
	((uint32_t *)values)[i] = dq_bits(y);
}

DQ_FN void put_f16(void *values, unsigned i, float y)
{
	((uint16_t *)values)[i] = dq_to_f16(y);
}

DQ_FN void put_bf16(void *values, unsigned i, float y)
{
	((uint16_t *)values)[i] = dq_to_bf16(y);
}

/* All loads come first, so that none is repeated after a store. */
#define QUANT_KERNEL(NAME, type, bytes, nan, file_type, name, weights)        \
	DQ_KERNEL(DQ_THREADS) void dq_##name##_##type(                        \
		const void *DQ_RESTRICT blocks, void *DQ_RESTRICT values,     \
		uint64_t n_blocks)                                            \
	{                                                                     \
		const unsigned parts = DQ_PARTS(weights);                     \
		const unsigned chunks = (weights) / DQ_CHUNK(bytes);          \
		const unsigned threads = chunks / parts; /* of a block */     \
		const unsigned in_tile = DQ_THREAD / threads;                 \
		const unsigned in_part = DQ_THREAD % threads;                 \
		const uint64_t first = (uint64_t)DQ_GROUP *                   \
				       DQ_TILE(weights, bytes);               \
		const struct dq_##name *b =                                   \
			(const struct dq_##name *)DQ_ALIGNED(blocks) +        \
			first + in_tile;                                      \
		struct dq_chunk *out = (struct dq_chunk *)values +            \
				       first * chunks + in_tile * chunks +    \
				       in_part;                               \
		float y[DQ_PARTS(weights)][DQ_CHUNK(bytes)];                  \
		int finite;                                                   \
									      \
		if (in_tile >= n_blocks - first)                              \
			return;                                               \
		finite = name##_is_finite(b);                                 \
		for (unsigned i = 0; i < parts; i++)                          \
			name##_decode(b, i * ((weights) / parts) +            \
					      in_part * DQ_CHUNK(bytes),      \
				      DQ_CHUNK(bytes), y[i]);                 \
		for (unsigned i = 0; i < parts; i++)                          \
			dq_store(out + i * threads,                           \
				 pack_##type(y[i], finite));                  \
	}

/*
 * The same if blocks are not a run. Tiles are in the order of storage, so that
 * one has the blocks of all rows of a group, which lie beside one another.
 */
#define ROWS_KERNEL(NAME, type, bytes, nan, file_type, name, weights,         \
		    block_bytes, header, rows)                                \
	DQ_KERNEL(DQ_THREADS) void dq_##name##_##type(                        \
		const void *DQ_RESTRICT blocks, void *DQ_RESTRICT values,     \
		uint64_t n_blocks, uint32_t row_blocks, uint32_t reciprocal,  \
		uint32_t shift)                                               \
	{                                                                     \
		const unsigned parts = DQ_PARTS(weights);                     \
		const unsigned chunks = (weights) / DQ_CHUNK(bytes);          \
		const unsigned threads = chunks / parts; /* of a block */     \
		const unsigned in_part = DQ_THREAD % threads;                 \
		const unsigned group_rows = DQ_GROUP_ROWS(rows);              \
		const uint32_t block = DQ_GROUP * DQ_TILE(weights, bytes) +   \
				       DQ_THREAD / threads;                   \
		const unsigned r = block % group_rows;                        \
		const uint32_t group = dq_divide(block / group_rows,          \
						 reciprocal, shift);          \
		const uint32_t column = block / group_rows -                  \
					group * row_blocks;                   \
		const uint64_t to =                                           \
			((uint64_t)group * group_rows + r) * row_blocks +     \
			column;                                               \
		struct dq_chunk *out = (struct dq_chunk *)values +            \
				       to * chunks + in_part;                 \
		float y[DQ_PARTS(weights)][DQ_CHUNK(bytes)];                  \
		struct dq_row_place row;                                      \
		const struct dq_##name *b;                                    \
		int finite;                                                   \
									      \
		if (block >= n_blocks)                                        \
			return;                                               \
		row = dq_find_row(DQ_ALIGNED(blocks), group, r, row_blocks,   \
				  block_bytes, header, rows);                 \
		b = (const struct dq_##name *)row.blocks + column;            \
		finite = name##_is_finite(b, row.at);                         \
		for (unsigned i = 0; i < parts; i++)                          \
			name##_decode(b, row.at, i * ((weights) / parts) +    \
				      in_part * DQ_CHUNK(bytes),              \
				      DQ_CHUNK(bytes), y[i]);                 \
		for (unsigned i = 0; i < parts; i++)                          \
			dq_store(out + i * threads,                           \
				 pack_##type(y[i], finite));                  \
	}

/* A thread converts one chunk, which may be partial at the end. */
#define FLOAT_KERNEL(NAME, type, bytes, nan, file_type, name)                 \
	DQ_KERNEL(DQ_THREADS) void dq_##name##_##type(                        \
		const void *DQ_RESTRICT numbers, void *DQ_RESTRICT values,    \
		uint64_t n)                                                   \
	{                                                                     \
		const uint64_t chunk =                                        \
			(uint64_t)DQ_GROUP * DQ_THREADS + DQ_THREAD;          \
		const uint64_t first = chunk * DQ_CHUNK(bytes);               \
		const struct dq_##name *w =                                   \
			(const struct dq_##name *)DQ_ALIGNED(numbers) + first; \
		struct dq_chunk *out = (struct dq_chunk *)values + chunk;     \
		float y[DQ_CHUNK(bytes)];                                     \
									      \
		if (first + DQ_CHUNK(bytes) <= n) {                           \
			name##_load(w, DQ_CHUNK(bytes), y);                   \
			dq_store(out, pack_##type(y, 0));                     \
			return;                                               \
		}                                                             \
		for (unsigned i = 0; first + i < n; i++)                      \
			put_##type(out, i, name##_decode(w + i));             \
	}

/* Loads k numbers in whole words; k · bytes must be a multiple of 4. */
#define FLOAT_LOAD(name, bytes)                                               \
	DQ_FN void name##_load(const struct dq_##name *w, unsigned k,         \
			       float *y)                                      \
	{                                                                     \
		union {                                                       \
			uint32_t words[2 * (bytes)];                          \
			struct dq_##name numbers[8];                          \
		} in;                                                         \
									      \
		for (unsigned i = 0; i < k * (bytes) / 4; i++)                \
			in.words[i] = ((const uint32_t *)w)[i];               \
		for (unsigned i = 0; i < k; i++)                              \
			y[i] = name##_decode(in.numbers + i);                 \
	}

#define DQ_QUANT(NAME, name, id, weights, bytes, span) \
	DQ_OUTPUT_TYPES(QUANT_KERNEL, name, weights)
#define DQ_ROWS(NAME, name, id, weights, bytes, span, header, rows) \
	DQ_OUTPUT_TYPES(ROWS_KERNEL, name, weights, bytes, header, rows)
#define DQ_FLOAT(NAME, name, id, bytes) \
	FLOAT_LOAD(name, bytes)         \
	DQ_OUTPUT_TYPES(FLOAT_KERNEL, name)
#include "formats.def"

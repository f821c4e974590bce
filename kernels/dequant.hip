/*
 * dequant.hip - the GPU driver: a kernel for each format and output type,
 * dq_<format>_<type>, launched as launch.h says. It moves bytes; the formats
 * decode. What hashes the values is in blake3.hip.
 *
 * A thread makes chunks of values, each stored at once, past the caches.
 * Neighbours make neighbouring chunks: stores coalesce, and what several threads
 * need of a block comes from the cache.
 *
 * Also compiled as C, to be run on the host under sanitizers (see dq.h).
 */
#include "blake3.hip"
#include "formats.h"
#include "launch.h"

/* A group has at least one block, and a block at least one thread. */
#define DQ_QUANT(NAME, name, id, weights, bytes, span)                    \
	DQ_ASSERT(DQ_TILE(weights, 4) > 0 &&                              \
			  (weights) / DQ_CHUNK(2) / DQ_PARTS(weights) > 0, \
		  #name);
#include "formats.def"

/* A pair of 16-bit values of a and b, with `nan` for each of them that is NaN. */
DQ_FN uint32_t canonical_pair(uint32_t pair, float a, float b, uint32_t nan)
{
	if (a != a)
		pair = (pair & 0xffff0000) | nan;
	if (b != b)
		pair = (pair & 0xffff) | nan << 16;
	return pair;
}

/* The chunk of the values y[]; `finite`: there is no NaN among them. */
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
PACK(f16, 0x7e00)
PACK(bf16, 0x7fc0)

/* One value, where numbers end inside a chunk. y is canonical. */
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

/* All loads come first: none is repeated after a store. */
#define QUANT_KERNEL(name, weights, type, bytes)                              \
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

/* A thread makes a chunk, or what is left of one. */
#define FLOAT_KERNEL(name, type, bytes)                                       \
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

/* The words that hold k numbers, k · bytes a multiple of 4, are loaded whole. */
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
	QUANT_KERNEL(name, weights, f32, 4)            \
	QUANT_KERNEL(name, weights, f16, 2)            \
	QUANT_KERNEL(name, weights, bf16, 2)
#define DQ_FLOAT(NAME, name, id, bytes) \
	FLOAT_LOAD(name, bytes)         \
	FLOAT_KERNEL(name, f32, 4)      \
	FLOAT_KERNEL(name, f16, 2)      \
	FLOAT_KERNEL(name, bf16, 2)
#include "formats.def"

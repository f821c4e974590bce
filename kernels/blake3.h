/*
 * blake3.h - the BLAKE3 compression function, for the CPU and the GPU.
 *
 * Defined in "BLAKE3: one function, fast everywhere", section 2
 * (github.com/BLAKE3-team/BLAKE3-specs). The input is split into chunks of 1024
 * bytes. Each chunk is hashed on its own, block by block, 64 bytes at a time.
 * The chunks' chaining values, of 8 words, are the leaves of a binary tree.
 * Each left subtree holds the largest power of two of chunks that leaves at
 * least one for the right. A parent hashes its two children's values as one
 * block. The root is marked by a flag.
 */
#ifndef DQ_BLAKE3_H
#define DQ_BLAKE3_H

#include "dq.h"

#define BLAKE3_BLOCK 64u
#define BLAKE3_CHUNK 1024u

/* The domain flags that plain hashing uses. */
#define BLAKE3_CHUNK_START 1u
#define BLAKE3_CHUNK_END 2u
#define BLAKE3_PARENT 4u
#define BLAKE3_ROOT 8u

/* As in SHA-256: the fractions of the square roots of the first eight
 * primes. */
#define BLAKE3_IV                                                             \
	{ 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,                     \
	  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 }

#define BLAKE3_G(rotate, v, a, b, c, d, x, y)                                 \
	v[a] = v[a] + v[b] + (x);                                             \
	v[d] = rotate(v[d] ^ v[a], 16);                                       \
	v[c] = v[c] + v[d];                                                   \
	v[b] = rotate(v[b] ^ v[c], 12);                                       \
	v[a] = v[a] + v[b] + (y);                                             \
	v[d] = rotate(v[d] ^ v[a], 8);                                        \
	v[c] = v[c] + v[d];                                                   \
	v[b] = rotate(v[b] ^ v[c], 7);

/* Columns, then diagonals; the message words in the given order. */
#define BLAKE3_ROUND(rotate, v, m, i0, i1, i2, i3, i4, i5, i6, i7, i8, i9,    \
		     i10, i11, i12, i13, i14, i15)                            \
	BLAKE3_G(rotate, v, 0, 4, 8, 12, m[i0], m[i1])                        \
	BLAKE3_G(rotate, v, 1, 5, 9, 13, m[i2], m[i3])                        \
	BLAKE3_G(rotate, v, 2, 6, 10, 14, m[i4], m[i5])                       \
	BLAKE3_G(rotate, v, 3, 7, 11, 15, m[i6], m[i7])                       \
	BLAKE3_G(rotate, v, 0, 5, 10, 15, m[i8], m[i9])                       \
	BLAKE3_G(rotate, v, 1, 6, 11, 12, m[i10], m[i11])                     \
	BLAKE3_G(rotate, v, 2, 7, 8, 13, m[i12], m[i13])                      \
	BLAKE3_G(rotate, v, 3, 4, 9, 14, m[i14], m[i15])

/*
 * Defines name(v, m), the seven rounds on the state v[16] and the block m[16].
 * `word` is a uint32_t, or a vector of them to process several blocks at once;
 * rotate(x, n) rotates each to the right. Each round permutes the order of the
 * message words of the previous one by 2 6 3 10 7 0 4 13 1 11 12 5 9 14 15 8.
 * The indices are literals, so that all of v stays in registers.
 */
#define BLAKE3_DEFINE_ROUNDS(name, word, rotate)                              \
	DQ_FN void name(word v[16], const word m[16])                         \
	{                                                                     \
		BLAKE3_ROUND(rotate, v, m, 0, 1, 2, 3, 4, 5, 6, 7,            \
			     8, 9, 10, 11, 12, 13, 14, 15)                    \
		BLAKE3_ROUND(rotate, v, m, 2, 6, 3, 10, 7, 0, 4, 13,          \
			     1, 11, 12, 5, 9, 14, 15, 8)                      \
		BLAKE3_ROUND(rotate, v, m, 3, 4, 10, 12, 13, 2, 7, 14,        \
			     6, 5, 9, 0, 11, 15, 8, 1)                        \
		BLAKE3_ROUND(rotate, v, m, 10, 7, 12, 9, 14, 3, 13, 15,       \
			     4, 0, 11, 2, 5, 8, 1, 6)                         \
		BLAKE3_ROUND(rotate, v, m, 12, 13, 9, 11, 15, 10, 14, 8,      \
			     7, 2, 5, 3, 0, 1, 6, 4)                          \
		BLAKE3_ROUND(rotate, v, m, 9, 14, 11, 5, 8, 12, 15, 1,        \
			     13, 3, 0, 10, 2, 6, 4, 7)                        \
		BLAKE3_ROUND(rotate, v, m, 11, 15, 5, 0, 1, 9, 8, 6,          \
			     14, 10, 2, 12, 3, 4, 7, 13)                      \
	}

DQ_FN uint32_t blake3_rotate(uint32_t x, unsigned n)
{
	return x >> n | x << (32 - n);
}

BLAKE3_DEFINE_ROUNDS(blake3_rounds, uint32_t, blake3_rotate)

DQ_FN void blake3_start(uint32_t h[8])
{
	const uint32_t iv[8] = BLAKE3_IV;

	for (unsigned i = 0; i < 8; i++)
		h[i] = iv[i];
}

/* Updates the chaining value h[8] with the block m[16] of chunk `counter`: n
 * bytes, followed by zeros. */
DQ_FN void blake3_compress(uint32_t h[8], const uint32_t m[16],
			   uint64_t counter, uint32_t n, uint32_t flags)
{
	const uint32_t iv[8] = BLAKE3_IV;
	uint32_t v[16];

	for (unsigned i = 0; i < 8; i++)
		v[i] = h[i];
	for (unsigned i = 0; i < 4; i++)
		v[8 + i] = iv[i];
	v[12] = (uint32_t)counter;
	v[13] = (uint32_t)(counter >> 32);
	v[14] = n;
	v[15] = flags;
	blake3_rounds(v, m);
	for (unsigned i = 0; i < 8; i++)
		h[i] = v[i] ^ v[i + 8];
}

/* The flags of block i of a chunk of n_blocks. The last block also gets `last`:
 * BLAKE3_ROOT if the chunk is the whole input, otherwise 0. */
DQ_FN uint32_t blake3_block_flags(unsigned i, unsigned n_blocks, uint32_t last)
{
	return (i == 0 ? BLAKE3_CHUNK_START : 0) |
	       (i + 1 == n_blocks ? BLAKE3_CHUNK_END | last : 0);
}

/* Sets h to the value of the parent of two children; flags: BLAKE3_ROOT or
 * 0. */
DQ_FN void blake3_parent(const uint32_t children[16], uint32_t flags,
			 uint32_t h[8])
{
	blake3_start(h);
	blake3_compress(h, children, 0, BLAKE3_BLOCK, BLAKE3_PARENT | flags);
}

#endif

/*
 * blake3_reference.h - BLAKE3 as in its specification: recursive, one block at
 * a time. It shares no code with kernels/blake3.h.
 */
#ifndef BLAKE3_REFERENCE_H
#define BLAKE3_REFERENCE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t reference_load(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static inline void reference_quarter(uint32_t *s, int a, int b, int c, int d,
				     uint32_t x, uint32_t y)
{
	const int turns[2][2] = { { 16, 12 }, { 8, 7 } };
	const uint32_t add[2] = { x, y };

	for (int i = 0; i < 2; i++) {
		s[a] += s[b] + add[i];
		s[d] ^= s[a];
		s[d] = s[d] >> turns[i][0] | s[d] << (32 - turns[i][0]);
		s[c] += s[d];
		s[b] ^= s[c];
		s[b] = s[b] >> turns[i][1] | s[b] << (32 - turns[i][1]);
	}
}

static const uint32_t reference_iv[8] = {
	0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
	0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19,
};

static inline void reference_compress(uint32_t h[8], const uint8_t block[64],
				      uint64_t t, uint32_t len, uint32_t flags)
{
	static const int order[16] = { 2, 6, 3, 10, 7, 0, 4, 13,
				       1, 11, 12, 5, 9, 14, 15, 8 };
	uint32_t s[16], m[16], next[16];

	for (int i = 0; i < 16; i++)
		m[i] = reference_load(block + 4 * i);
	memcpy(s, h, 32);
	memcpy(s + 8, reference_iv, 16);
	s[12] = (uint32_t)t;
	s[13] = (uint32_t)(t >> 32);
	s[14] = len;
	s[15] = flags;
	for (int round = 0; round < 7; round++) {
		for (int i = 0; i < 4; i++)
			reference_quarter(s, i, 4 + i, 8 + i, 12 + i,
					  m[2 * i], m[2 * i + 1]);
		for (int i = 0; i < 4; i++)
			reference_quarter(s, i, 4 + (i + 1) % 4,
					  8 + (i + 2) % 4, 12 + (i + 3) % 4,
					  m[8 + 2 * i], m[9 + 2 * i]);
		for (int i = 0; i < 16; i++)
			next[i] = m[order[i]];
		memcpy(m, next, sizeof(m));
	}
	for (int i = 0; i < 8; i++)
		h[i] = s[i] ^ s[i + 8];
}

/* The value of n bytes from chunk number t on: as a subtree or, if root is 8,
 * as the whole input. */
static inline void reference_node(const uint8_t *bytes, size_t n, uint64_t t,
				  uint32_t root, uint32_t h[8])
{
	uint8_t block[64];
	size_t left = 1024;

	memcpy(h, reference_iv, 32);
	if (n > 1024) {
		uint32_t children[16];

		while (2 * left < n)
			left *= 2;
		reference_node(bytes, left, t, 0, children);
		reference_node(bytes + left, n - left, t + left / 1024, 0,
			       children + 8);
		memcpy(block, children, 64); /* little-endian */
		reference_compress(h, block, 0, 64, 4 | root);
		return;
	}
	for (size_t i = 0; i == 0 || i < n; i += 64) {
		const size_t len = n - i < 64 ? n - i : 64;

		memset(block, 0, 64);
		memcpy(block, bytes + i, len);
		reference_compress(h, block, t, (uint32_t)len,
				   (i == 0 ? 1 : 0) |
				   (n - i <= 64 ? 2 | root : 0));
	}
}

/*
 * The values of n bytes from chunk number `first` on, in an input of `total`
 * chunks: one for each whole group of chunks at a multiple of `group`, unless
 * it may be the root, and one for each other chunk. Returns their number.
 */
static inline size_t reference_values(const uint8_t *bytes, size_t n,
				      uint64_t first, uint64_t total,
				      size_t group, uint32_t (*values)[8])
{
	size_t n_values = 0;

	for (size_t at = 0, len; at < n; at += len) {
		const uint64_t chunk = first + at / 1024;

		len = total > group && chunk % group == 0 &&
		      at + (group - 1) * 1024 < n ? group * 1024 : 1024;
		reference_node(bytes + at, len < n - at ? len : n - at, chunk,
			       total == 1 ? 8 : 0, values[n_values++]);
	}
	return n_values;
}

#endif

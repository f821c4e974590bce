/*
 * Q3_K: 256 weights in 110 bytes, a super-block of 16 sub-blocks of 16.
 *
 *   | hmask: 32 | qs: 64 | scales: 12 | d: f16 |   w = (d · (s − 32)) · (q − 4)
 *
 * A run of 32 bytes of qs holds the low two bits of 128 weights: of weights j,
 * j + 32, j + 64 and j + 96 in byte j, lowest first. Bit k of hmask[j] is bit 2
 * of weight 32 k + j. scales packs sixteen 6-bit scales s:
 *
 *   byte    0..7                   8..11
 *           low nibble: s 0..7     bits 4–5 of s k, k + 4, k + 8 and k + 12 in
 *           high nibble: s 8..15   byte 8 + k, lowest first
 *
 * Exact: 11 + 6 + 3 bits ≤ 24.
 */
#ifndef DQ_Q3_K_H
#define DQ_Q3_K_H

#include "../dq_bytes.h"

struct dq_q3_k {
	uint8_t hmask[32];
	uint8_t qs[64];
	uint8_t scales[12];
	uint8_t d[2];
};

DQ_FN unsigned q3_k_scale(const struct dq_q3_k *b)
{
	return dq_f16_magnitude(b->d);
}

DQ_FN void q3_k_decode(const struct dq_q3_k *b, unsigned first, unsigned n,
		       float *DQ_RESTRICT y)
{
	const unsigned sub = first / 16;
	const unsigned shift = first / 32 % 4 * 2;
	const unsigned bit = first / 32;
	const uint8_t *qs = b->qs + first / 128 * 32 + first % 32;
	const uint8_t *hmask = b->hmask + first % 32;
	const int s = (b->scales[sub % 8] >> sub / 8 * 4 & 15) |
		      (b->scales[8 + sub % 4] >> sub / 4 * 2 & 3) << 4;
	const float scale = dq_load_f16(b->d) * (float)(s - 32);
	struct dq_bytes q, high;

	dq_fields(&q, n, qs, shift, 3);
	dq_fields(&high, n, hmask, bit, 1);
	dq_add(&q, n, &high, 4);
	dq_scale(&q, n, scale, 4, y);
}

#endif

/*
 * IQ5_K: 256 weights in 176 bytes, 16 sub-blocks of 16.
 *
 *   | d: f16 | extra: u16 | scales_h: 4 | scales_l: 8 | qs: 128 | qh: 32 |
 *
 *   extra    a bit e for each sub-block
 *   scales   6 bits s for each sub-block: the low four in a nibble of scales_l,
 *            the upper two in scales_h, lowest first
 *   qs       in each 32 bytes, the low nibbles are weights 0..31, the high
 *            nibbles weights 32..63
 *   qh       bit k of byte j is bit 4 of weight 32 k + j
 *
 *   w = (d · (s − 32)) · (values[q] + 2 e)
 *
 * Exact: 11 + 5 + 7 bits ≤ 24.
 */
#ifndef DQ_IQ5_K_H
#define DQ_IQ5_K_H

#include "iqk_values.h"

struct dq_iq5_k {
	uint8_t d[2];
	uint8_t extra[2];
	uint8_t scales_h[4];
	uint8_t scales_l[8];
	uint8_t qs[128];
	uint8_t qh[32];
};

DQ_FN unsigned iq5_k_scale(const struct dq_iq5_k *b)
{
	return dq_f16_magnitude(b->d);
}

DQ_FN void iq5_k_decode(const struct dq_iq5_k *b, unsigned first,
			unsigned n, float *DQ_RESTRICT y)
{
	const unsigned sub = first / 16;
	const unsigned e = dq_load_u16(b->extra) >> sub & 1;
	const int s = iqk_scale(b->scales_l, b->scales_h, sub);
	const float scale = dq_load_f16(b->d) * (float)s;
	struct dq_bytes q, high;

	dq_word_fields(&q, n, b->qs + first / 64 * 32 + first % 32,
		       first / 32 % 2 * 4, 15);
	dq_word_fields(&high, n, b->qh + first % 32, first / 32, 1);
	dq_add(&q, n, &high, 16);
	dq_table_32(&q, n, iqk_values_5);
	dq_scale(&q, n, scale, 128 - 2 * e, y);
}

#endif

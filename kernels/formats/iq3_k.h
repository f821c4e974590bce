/*
 * IQ3_K: 256 weights in 110 bytes, 16 sub-blocks of 16.
 *
 *   | d: f16 | extra: u16 | scales_h: u16 | scales_l: 8 | qs: 64 | qh: 32 |
 *
 *   extra      a bit e for each sub-block
 *   scales_h   its sign: minus if the bit is set
 *   scales_l   a nibble s for each sub-block, low nibble first
 *   qs         the low two bits; a run of 32 bytes holds 128 weights: those of
 *              weights j, j + 32, j + 64 and j + 96 in byte j, lowest first
 *   qh         bit k of byte j is bit 2 of weight 32 k + j
 *
 *   w = (d · ±(2 s + 1)) · (values[q] + 4 e)
 *
 * Exact: 11 + 5 + 6 bits ≤ 24.
 */
#ifndef DQ_IQ3_K_H
#define DQ_IQ3_K_H

#include "iqk_values.h"

struct dq_iq3_k {
	uint8_t d[2];
	uint8_t extra[2];
	uint8_t scales_h[2];
	uint8_t scales_l[8];
	uint8_t qs[64];
	uint8_t qh[32];
};

DQ_FN unsigned iq3_k_scale(const struct dq_iq3_k *b)
{
	return dq_f16_magnitude(b->d);
}

DQ_FN void iq3_k_decode(const struct dq_iq3_k *b, unsigned first,
			unsigned n, float *DQ_RESTRICT y)
{
	const unsigned sub = first / 16;
	const int s = b->scales_l[sub / 2] >> sub % 2 * 4 & 15;
	const int minus = dq_load_u16(b->scales_h) >> sub & 1;
	const unsigned e = dq_load_u16(b->extra) >> sub & 1;
	const float scale = dq_load_f16(b->d) *
			    (float)((2 * s + 1) * (1 - 2 * minus));
	struct dq_bytes q, high;

	dq_loose_fields(&q, n, b->qs + first / 128 * 32 + first % 32,
			first / 32 % 4 * 2, 3);
	dq_loose_fields(&high, n, b->qh + first % 32, first / 32, 1);
	dq_add(&q, n, &high, 4);
	dq_table(&q, n, iqk_values_3);
	dq_scale(&q, n, scale, 128 - 4 * e, y);
}

#endif

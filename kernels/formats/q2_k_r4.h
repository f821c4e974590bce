/*
 * Q2_K_R4: 4 rows of Q2_K, 4 × 256 weights in 336 bytes.
 *
 *   | d: 4 × f16 | dmin: 4 × f16 | scales: 64 | qs: 256 |
 *
 *   w = (d · sc) · q − dmin · m
 *
 * scales has a byte for each 16 weights of each row, sc in the low nibble and m
 * in the high one. qs: see interleaved.h.
 *
 * Exact up to the last subtraction: 11 + 4 + 2 bits ≤ 24.
 */
#ifndef DQ_Q2_K_R4_H
#define DQ_Q2_K_R4_H

#include "interleaved.h"

struct dq_q2_k_r4 {
	uint8_t d[4][2];
	uint8_t dmin[4][2];
	uint8_t scales[16][4];
	uint8_t qs[256];
};

DQ_FN unsigned q2_k_r4_scale(const struct dq_q2_k_r4 *b, struct dq_row at)
{
	return dq_f16_larger(b->d[at.r], b->dmin[at.r]);
}

DQ_FN void q2_k_r4_decode(const struct dq_q2_k_r4 *b, struct dq_row at,
			  unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	const unsigned s = b->scales[first / 16][at.r];
	const float scale = dq_load_f16(b->d[at.r]) * (float)(int)(s & 15);
	const float min = dq_load_f16(b->dmin[at.r]) * (float)(int)(s >> 4);
	struct dq_bytes q;

	for (unsigned i = 0; i < n; i += 4)
		dq_set_word(&q, i, dq_r4_pairs(b->qs, at.r, first + i));
	dq_scale_add(&q, n, scale, -min, y);
}

#endif

/*
 * Q3_K_R4: 4 rows of Q3_K, 4 × 256 weights in 440 bytes.
 *
 *   | d: 4 × f16 | scales_h: 16 | scales_l: 32 | qh: 128 | qs: 256 |
 *
 *   w = (d · s) · (q − 4)
 *
 * s is that of dq_r4_scale. qs has the low two bits, and qh bit 2: see
 * interleaved.h.
 *
 * Exact: 11 + 6 + 3 bits ≤ 24.
 */
#ifndef DQ_Q3_K_R4_H
#define DQ_Q3_K_R4_H

#include "interleaved.h"

struct dq_q3_k_r4 {
	uint8_t d[4][2];
	uint8_t scales_h[16];
	uint8_t scales_l[32];
	uint8_t qh[128];
	uint8_t qs[256];
};

DQ_FN unsigned q3_k_r4_scale(const struct dq_q3_k_r4 *b, struct dq_row at)
{
	return dq_f16_magnitude(b->d[at.r]);
}

DQ_FN void q3_k_r4_decode(const struct dq_q3_k_r4 *b, struct dq_row at,
			  unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	const int s = dq_r4_scale(b->scales_l, b->scales_h, at.r, first);
	const float scale = dq_load_f16(b->d[at.r]) * (float)s;
	struct dq_bytes q;

	for (unsigned i = 0; i < n; i += 4)
		dq_set_word(&q, i, dq_r4_pairs(b->qs, at.r, first + i) |
				   dq_r4_bits(b->qh, at.r, first + i,
					      (first + i) / 4 % 8) << 2);
	dq_scale(&q, n, scale, 4, y);
}

#endif

/*
 * Q4_K_R4: 4 rows of Q4_K, 4 × 256 weights in 576 bytes.
 *
 *   | d: 4 × f16 | dmin: 4 × f16 | scales_h: 16 | scales_l: 32 | qs: 512 |
 *
 *   w = (d · sc) · q − dmin · m
 *
 * sc and m are those of r4_k_scales.h. qs: see interleaved.h.
 *
 * Exact up to the last subtraction: 11 + 6 + 4 bits ≤ 24.
 */
#ifndef DQ_Q4_K_R4_H
#define DQ_Q4_K_R4_H

#include "interleaved.h"
#include "r4_k_scales.h"

struct dq_q4_k_r4 {
	uint8_t d[4][2];
	uint8_t dmin[4][2];
	uint8_t scales_h[16];
	uint8_t scales_l[32];
	uint8_t qs[512];
};

DQ_FN unsigned q4_k_r4_scale(const struct dq_q4_k_r4 *b, struct dq_row at)
{
	return dq_f16_larger(b->d[at.r], b->dmin[at.r]);
}

DQ_FN void q4_k_r4_decode(const struct dq_q4_k_r4 *b, struct dq_row at,
			  unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	const unsigned sc = r4_k_scale(b->scales_l, b->scales_h, at.r, first);
	const unsigned m = r4_k_min(b->scales_l, b->scales_h, at.r, first);
	const float scale = dq_load_f16(b->d[at.r]) * (float)(int)sc;
	const float min = dq_load_f16(b->dmin[at.r]) * (float)(int)m;
	struct dq_bytes q;

	for (unsigned i = 0; i < n; i += 4)
		dq_set_word(&q, i, dq_r4_nibbles(b->qs, at.r, first + i));
	dq_scale_add(&q, n, scale, -min, y);
}

#endif

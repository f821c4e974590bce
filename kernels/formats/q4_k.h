/*
 * Q4_K: 256 weights in 144 bytes, a super-block of 8 sub-blocks of 32.
 *
 *   | d: f16 | dmin: f16 | scales: 12 | qs: 128 |   w = (d · sc) · q − dmin · m
 *
 * scales packs eight 6-bit scales sc and eight 6-bit mins m (see k_scales.h). A
 * run of 32 bytes of qs holds two sub-blocks: the even one in the low nibbles,
 * the odd one in the high ones.
 *
 * Exact up to the last subtraction: 11 + 6 + 4 bits ≤ 24.
 */
#ifndef DQ_Q4_K_H
#define DQ_Q4_K_H

#include "../dq_bytes.h"
#include "k_scales.h"

struct dq_q4_k {
	uint8_t d[2];
	uint8_t dmin[2];
	uint8_t scales[12];
	uint8_t qs[128];
};

DQ_FN unsigned q4_k_scale(const struct dq_q4_k *b)
{
	return dq_f16_larger(b->d, b->dmin);
}

DQ_FN void q4_k_decode(const struct dq_q4_k *b, unsigned first, unsigned n,
		       float *DQ_RESTRICT y)
{
	const unsigned sub = first / 32;
	const unsigned shift = sub % 2 * 4;
	const uint8_t *qs = b->qs + sub / 2 * 32 + first % 32;
	const unsigned sc = dq_k_scale(b->scales, sub);
	const unsigned m = dq_k_min(b->scales, sub);
	const float scale = dq_load_f16(b->d) * (float)sc;
	const float min = dq_load_f16(b->dmin) * (float)m;
	struct dq_bytes q;

	dq_fields(&q, n, qs, shift, 15);
	dq_scale_add(&q, n, scale, -min, y);
}

#endif

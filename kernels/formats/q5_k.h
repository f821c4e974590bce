/*
 * Q5_K: 256 weights in 176 bytes, a super-block of 8 sub-blocks of 32.
 *
 *   | d: f16 | dmin: f16 | scales: 12 | qh: 32 | qs: 128 |
 *
 *   w = (d · sc) · q − dmin · m
 *
 * scales packs eight 6-bit scales sc and eight 6-bit mins m (see k_scales.h). A
 * run of 32 bytes of qs holds the low four bits of two sub-blocks: the even one
 * in the low nibbles, the odd one in the high ones. Bit k of qh[j] is bit 4 of
 * weight j of sub-block k.
 *
 * Exact up to the last subtraction: 11 + 6 + 5 bits ≤ 24.
 */
#ifndef DQ_Q5_K_H
#define DQ_Q5_K_H

#include "../dq_bytes.h"
#include "k_scales.h"

struct dq_q5_k {
	uint8_t d[2];
	uint8_t dmin[2];
	uint8_t scales[12];
	uint8_t qh[32];
	uint8_t qs[128];
};

DQ_FN unsigned q5_k_scale(const struct dq_q5_k *b)
{
	return dq_f16_larger(b->d, b->dmin);
}

DQ_FN void q5_k_decode(const struct dq_q5_k *b, unsigned first, unsigned n,
		       float *DQ_RESTRICT y)
{
	const unsigned sub = first / 32;
	const unsigned shift = sub % 2 * 4;
	const uint8_t *qs = b->qs + sub / 2 * 32 + first % 32;
	const uint8_t *qh = b->qh + first % 32;
	const unsigned sc = dq_k_scale(b->scales, sub);
	const unsigned m = dq_k_min(b->scales, sub);
	const float scale = dq_load_f16(b->d) * (float)sc;
	const float min = dq_load_f16(b->dmin) * (float)m;
	struct dq_bytes q, high;

	dq_fields(&q, n, qs, shift, 15);
	dq_fields(&high, n, qh, sub, 1);
	dq_add(&q, n, &high, 16);
	dq_scale_add(&q, n, scale, -min, y);
}

#endif

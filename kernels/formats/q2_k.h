/*
 * Q2_K: 256 weights in 84 bytes, a super-block of 16 sub-blocks of 16.
 *
 *   | scales: 16 | qs: 64 | d: f16 | dmin: f16 |   w = (d · sc) · q − dmin · m
 *
 * A byte of scales holds sc in its low nibble and m in its high one. A run of
 * 32 bytes of qs holds 128 weights: two bits of weights j, j + 32, j + 64 and
 * j + 96 in byte j, lowest first.
 *
 * Exact up to the last subtraction: 11 + 4 + 2 bits ≤ 24.
 */
#ifndef DQ_Q2_K_H
#define DQ_Q2_K_H

#include "../dq_bytes.h"

struct dq_q2_k {
	uint8_t scales[16];
	uint8_t qs[64];
	uint8_t d[2];
	uint8_t dmin[2];
};

DQ_FN unsigned q2_k_scale(const struct dq_q2_k *b)
{
	return dq_f16_larger(b->d, b->dmin);
}

DQ_FN void q2_k_decode(const struct dq_q2_k *b, unsigned first, unsigned n,
		       float *DQ_RESTRICT y)
{
	const unsigned sc = b->scales[first / 16];
	const unsigned shift = first / 32 % 4 * 2;
	const uint8_t *qs = b->qs + first / 128 * 32 + first % 32;
	const float scale = dq_load_f16(b->d) * (float)(sc & 15);
	const float min = dq_load_f16(b->dmin) * (float)(sc >> 4);
	struct dq_bytes q;

	dq_fields(&q, n, qs, shift, 3);
	dq_scale_add(&q, n, scale, -min, y);
}

#endif

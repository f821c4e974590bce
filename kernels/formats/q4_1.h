/*
 * Q4_1: 32 weights in 20 bytes.   | d: f16 | m: f16 | qs: 16 |   w = d · q + m
 *
 * The low nibble of qs[j] is q of weight j, the high one that of weight j + 16.
 *
 * Exact up to the last addition: 11 + 4 bits ≤ 24.
 */
#ifndef DQ_Q4_1_H
#define DQ_Q4_1_H

#include "../dq_bytes.h"

struct dq_q4_1 {
	uint8_t d[2];
	uint8_t m[2];
	uint8_t qs[16];
};

DQ_FN unsigned q4_1_scale(const struct dq_q4_1 *b)
{
	return dq_f16_larger(b->d, b->m);
}

DQ_FN void q4_1_decode(const struct dq_q4_1 *b, unsigned first, unsigned n,
		       float *DQ_RESTRICT y)
{
	const float d = dq_load_f16(b->d);
	const float m = dq_load_f16(b->m);
	const unsigned shift = first / 16 * 4;
	const uint8_t *qs = b->qs + first % 16;
	struct dq_bytes q;

	dq_fields(&q, n, qs, shift, 15);
	dq_scale_add(&q, n, d, m, y);
}

#endif

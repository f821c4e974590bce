/*
 * Q8_1: 32 weights in 36 bytes.
 *
 *   | d: f16 | s: f16 | qs: 32 × int8 |   w = d · q
 *
 * s = d · Σq is only needed for dot products.
 *
 * Exact: 11 + 8 bits ≤ 24.
 */
#ifndef DQ_Q8_1_H
#define DQ_Q8_1_H

#include "../dq_bytes.h"

struct dq_q8_1 {
	uint8_t d[2];
	uint8_t s[2];
	int8_t qs[32];
};

DQ_FN unsigned q8_1_scale(const struct dq_q8_1 *b)
{
	return dq_f16_magnitude(b->d);
}

DQ_FN void q8_1_decode(const struct dq_q8_1 *b, unsigned first, unsigned n,
		       float *DQ_RESTRICT y)
{
	dq_scale_int8(b->qs + first, n, dq_load_f16(b->d), y);
}

#endif

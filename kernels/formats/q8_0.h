/*
 * Q8_0: 32 weights in 34 bytes.   | d: f16 | qs: 32 × int8 |   w = d · q
 *
 * Exact: 11 + 8 bits ≤ 24.
 */
#ifndef DQ_Q8_0_H
#define DQ_Q8_0_H

#include "../dq_bytes.h"

struct dq_q8_0 {
	uint8_t d[2];
	int8_t qs[32];
};

DQ_FN unsigned q8_0_scale(const struct dq_q8_0 *b)
{
	return dq_f16_magnitude(b->d);
}

DQ_FN void q8_0_decode(const struct dq_q8_0 *b, unsigned first, unsigned n,
		       float *DQ_RESTRICT y)
{
	dq_scale_int8(b->qs + first, n, dq_load_f16(b->d), y);
}

#endif

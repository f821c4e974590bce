/*
 * MXFP6 with E3M2 elements: 32 weights in 25 bytes (see fp6.h).
 *
 *   | e: 1 | qs: 24 |   w = 2^(e − 127) · E3M2(q), at most 28 times the scale
 *
 * Exact: 3 bits ≤ 24, down to 2^-149; 2^127 · 2 and more overflow to infinity.
 */
#ifndef DQ_MXFP6_E3M2_H
#define DQ_MXFP6_E3M2_H

#include "fp6.h"

struct dq_mxfp6_e3m2 {
	uint8_t e;
	uint8_t qs[24];
};

DQ_FN unsigned mxfp6_e3m2_scale(const struct dq_mxfp6_e3m2 *b)
{
	return dq_e8m0_scale(b->e);
}

DQ_FN void mxfp6_e3m2_decode(const struct dq_mxfp6_e3m2 *b, unsigned first,
			      unsigned n, float *DQ_RESTRICT y)
{
	dq_fp6_decode(&b->e, b->qs, first, n, 8, 4096, y);
}

#endif

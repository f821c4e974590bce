/*
 * MXFP6 with E2M3 elements: 32 weights in 25 bytes (see fp6.h).
 *
 *   | e: 1 | qs: 24 |   w = 2^(e − 127) · E2M3(q), at most 7.5 times the scale
 *
 * Exact: 4 bits ≤ 24, down to 2^-149; 2^127 · 2 and more overflow to infinity.
 */
#ifndef DQ_MXFP6_E2M3_H
#define DQ_MXFP6_E2M3_H

#include "fp6.h"

struct dq_mxfp6_e2m3 {
	uint8_t e;
	uint8_t qs[24];
};

DQ_FN unsigned mxfp6_e2m3_scale(const struct dq_mxfp6_e2m3 *b)
{
	return dq_e8m0_scale(b->e);
}

DQ_FN void mxfp6_e2m3_decode(const struct dq_mxfp6_e2m3 *b, unsigned first,
			      unsigned n, float *DQ_RESTRICT y)
{
	dq_fp6_decode(&b->e, b->qs, first, n, 7, 16384, y);
}

#endif

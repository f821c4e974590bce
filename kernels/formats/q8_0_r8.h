/*
 * Q8_0_R8: 8 rows of Q8_0, 8 × 32 weights in 272 bytes.
 *
 *   | d: 8 × f16 | qs: 256 × int8 |   w = d · q
 *
 * Exact: 11 + 8 bits ≤ 24.
 */
#ifndef DQ_Q8_0_R8_H
#define DQ_Q8_0_R8_H

#include "interleaved.h"

struct dq_q8_0_r8 {
	uint8_t d[8][2];
	uint8_t qs[256];
};

DQ_FN unsigned q8_0_r8_scale(const struct dq_q8_0_r8 *b, struct dq_row at)
{
	return dq_f16_magnitude(b->d[at.r]);
}

DQ_FN void q8_0_r8_decode(const struct dq_q8_0_r8 *b, struct dq_row at,
			  unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	dq_scale_row_int8(b->qs, 8, at.r, first, n, dq_load_f16(b->d[at.r]), y);
}

#endif

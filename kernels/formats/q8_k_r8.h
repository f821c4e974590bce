/*
 * Q8_K_R8: 8 rows, 8 × 256 weights in 2064 bytes.
 *
 *   | d: 8 × f16 | qs: 2048 × int8 |   w = d · q
 *
 * It is not a repacked Q8_K: d is F16, and there are no sums.
 *
 * Exact: 11 + 8 bits ≤ 24.
 */
#ifndef DQ_Q8_K_R8_H
#define DQ_Q8_K_R8_H

#include "interleaved.h"

struct dq_q8_k_r8 {
	uint8_t d[8][2];
	uint8_t qs[2048];
};

DQ_FN unsigned q8_k_r8_scale(const struct dq_q8_k_r8 *b, struct dq_row at)
{
	return dq_f16_magnitude(b->d[at.r]);
}

DQ_FN void q8_k_r8_decode(const struct dq_q8_k_r8 *b, struct dq_row at,
			  unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	dq_scale_row_int8(b->qs, 8, at.r, first, n, dq_load_f16(b->d[at.r]), y);
}

#endif

/*
 * Q2_0: 64 weights in 18 bytes.   | d: f16 | qs: 16 |   w = (q − 1) · d
 *
 * A byte of qs holds four neighbours, two bits each, lowest first.
 *
 * Exact: 11 + 2 bits ≤ 24.
 */
#ifndef DQ_Q2_0_H
#define DQ_Q2_0_H

#include "../dq_bytes.h"

struct dq_q2_0 {
	uint8_t d[2];
	uint8_t qs[16];
};

DQ_FN unsigned q2_0_scale(const struct dq_q2_0 *b)
{
	return dq_f16_magnitude(b->d);
}

DQ_FN void q2_0_decode(const struct dq_q2_0 *b, unsigned first, unsigned n,
		       float *DQ_RESTRICT y)
{
	const float d = dq_load_f16(b->d);
	const uint32_t run = dq_load_u32(b->qs + first / 16 * 4);

	dq_scale_pairs(run >> first % 16 * 2, n, d, -1, y);
}

#endif

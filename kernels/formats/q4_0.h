/*
 * Q4_0: 32 weights in 18 bytes.   | d: f16 | qs: 16 |   w = d · (q − 8)
 *
 * The low nibble of qs[j] is q of weight j, the high one that of weight j + 16.
 *
 * Exact: 11 + 4 bits ≤ 24.
 */
#ifndef DQ_Q4_0_H
#define DQ_Q4_0_H

#include "../dq_bytes.h"

struct dq_q4_0 {
	uint8_t d[2];
	uint8_t qs[16];
};

DQ_FN unsigned q4_0_scale(const struct dq_q4_0 *b)
{
	return dq_f16_magnitude(b->d);
}

DQ_FN void q4_0_decode(const struct dq_q4_0 *b, unsigned first, unsigned n,
		       float *DQ_RESTRICT y)
{
	const float d = dq_load_f16(b->d);
	const unsigned shift = first / 16 * 4;
	const uint8_t *qs = b->qs + first % 16;
	struct dq_bytes q;

	dq_fields(&q, n, qs, shift, 15);
	dq_scale(&q, n, d, 8, y);
}

#endif

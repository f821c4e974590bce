/*
 * TQ2_0: 256 weights in 66 bytes.   | qs: 64 | d: f16 |   w = d · (q − 1)
 *
 * A run of 32 bytes of qs holds 128 weights: two bits of weights j, j + 32,
 * j + 64 and j + 96 in byte j, lowest first.
 *
 * Exact: 11 + 2 bits ≤ 24.
 */
#ifndef DQ_TQ2_0_H
#define DQ_TQ2_0_H

#include "../dq_bytes.h"

struct dq_tq2_0 {
	uint8_t qs[64];
	uint8_t d[2];
};

DQ_FN unsigned tq2_0_scale(const struct dq_tq2_0 *b)
{
	return dq_f16_magnitude(b->d);
}

DQ_FN void tq2_0_decode(const struct dq_tq2_0 *b, unsigned first, unsigned n,
			float *DQ_RESTRICT y)
{
	const float d = dq_load_f16(b->d);
	const unsigned shift = first / 32 % 4 * 2;
	const uint8_t *qs = b->qs + first / 128 * 32 + first % 32;
	struct dq_bytes q;

	dq_fields(&q, n, qs, shift, 3);
	dq_scale(&q, n, d, 1, y);
}

#endif

/*
 * MXFP4: 32 weights in 17 bytes.
 *
 *   | e: 1 | qs: 16 |   w = 2^(e − 128) · 2 E2M1(q)
 *
 * The low nibble of qs[j] is q of weight j, the high one that of weight j + 16.
 * In OCP Microscaling e = 255 is NaN; in ggml it is not.
 *
 * Exact, except that 2^127 · 4 and more overflow to infinity.
 */
#ifndef DQ_MXFP4_H
#define DQ_MXFP4_H

#include "../dq_bytes.h"
#include "fp4.h"

struct dq_mxfp4 {
	uint8_t e;
	uint8_t qs[16];
};

DQ_FN unsigned mxfp4_scale(const struct dq_mxfp4 *b)
{
	return b->e < 127 + 3 ? 0 : DQ_F16_MAX; /* never a NaN */
}

DQ_FN void mxfp4_decode(const struct dq_mxfp4 *b, unsigned first, unsigned n,
			float *DQ_RESTRICT y)
{
	const float scale = dq_e8m0_half(b->e);
	const unsigned shift = first / 16 * 4;
	const uint8_t *qs = b->qs + first % 16;
	struct dq_bytes q;

	dq_loose_fields(&q, n, qs, shift, 15);
	dq_scale_table(&q, n, fp4_values, scale, y);
}

#endif

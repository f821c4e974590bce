/*
 * MXFP4_R8: 8 rows of MXFP4, 8 × 32 weights in 136 bytes.
 *
 *   | e: 8 | qs: 128 |   w = 2^(e − 128) · 2 E2M1(q)
 *
 * Of four words of nibbles per row, the low ones are weights 0..15 and the high
 * ones weights 16..31.
 *
 * Exact, except that 2^127 · 4 and more overflow to infinity.
 */
#ifndef DQ_MXFP4_R8_H
#define DQ_MXFP4_R8_H

#include "interleaved.h"
#include "fp4.h"

struct dq_mxfp4_r8 {
	uint8_t e[8];
	uint8_t qs[128];
};

DQ_FN unsigned mxfp4_r8_scale(const struct dq_mxfp4_r8 *b, struct dq_row at)
{
	return b->e[at.r] < 127 + 3 ? 0 : DQ_F16_MAX; /* never a NaN */
}

DQ_FN void mxfp4_r8_decode(const struct dq_mxfp4_r8 *b, struct dq_row at,
			   unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	struct dq_bytes q;

	for (unsigned i = 0; i < n; i += 4)
		dq_set_word(&q, i, dq_row_word(b->qs, 8, at.r,
					       (first + i) % 16) >>
					   first / 16 * 4 & 0x0f0f0f0f);
	dq_scale_table(&q, n, fp4_values, dq_e8m0_half(b->e[at.r]), y);
}

#endif

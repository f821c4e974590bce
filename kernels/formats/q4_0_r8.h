/*
 * Q4_0_R8: 8 rows of Q4_0, 8 × 32 weights in 144 bytes.
 *
 *   | d: 8 × f16 | qs: 128 |   w = d · (q − 8)
 *
 * Of four words of nibbles per row, the low ones are weights 0..15 and the high
 * ones weights 16..31.
 *
 * Exact: 11 + 4 bits ≤ 24.
 */
#ifndef DQ_Q4_0_R8_H
#define DQ_Q4_0_R8_H

#include "interleaved.h"

struct dq_q4_0_r8 {
	uint8_t d[8][2];
	uint8_t qs[128];
};

DQ_FN unsigned q4_0_r8_scale(const struct dq_q4_0_r8 *b, struct dq_row at)
{
	return dq_f16_magnitude(b->d[at.r]);
}

DQ_FN void q4_0_r8_decode(const struct dq_q4_0_r8 *b, struct dq_row at,
			  unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	struct dq_bytes q;

	for (unsigned i = 0; i < n; i += 4)
		dq_set_word(&q, i, dq_row_word(b->qs, 8, at.r,
					       (first + i) % 16) >>
					   first / 16 * 4 & 0x0f0f0f0f);
	dq_scale(&q, n, dq_load_f16(b->d[at.r]), 8, y);
}

#endif

/*
 * Q5_0_R4: 4 rows of Q5_0, 4 × 32 weights in 88 bytes.
 *
 *   | d: 4 × f16 | qh: 16 | qs: 64 |   w = d · q + (−16 · d)
 *
 * qs has the low nibbles (see interleaved.h). Bit 4 of a weight is bit c + 4 h
 * of its byte in qh, a word per row, if its nibble is in word c, and the high
 * one if h is 1.
 *
 * Unlike in Q5_0 every zero is positive, and Inf as d makes NaN.
 *
 * Exact: 11 + 5 bits ≤ 24.
 */
#ifndef DQ_Q5_0_R4_H
#define DQ_Q5_0_R4_H

#include "interleaved.h"

struct dq_q5_0_r4 {
	uint8_t d[4][2];
	uint8_t qh[16];
	uint8_t qs[64];
};

DQ_FN unsigned q5_0_r4_scale(const struct dq_q5_0_r4 *b, struct dq_row at)
{
	return dq_f16_magnitude(b->d[at.r]);
}

DQ_FN void q5_0_r4_decode(const struct dq_q5_0_r4 *b, struct dq_row at,
			  unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	const float d = dq_load_f16(b->d[at.r]);
	struct dq_bytes q;

	for (unsigned i = 0; i < n; i += 4)
		dq_set_word(&q, i,
			    dq_r4_nibbles(b->qs, at.r, first + i) |
			    dq_r4_bits(b->qh, at.r, 0,
				       dq_r4_word(first + i) +
				       dq_r4_high(first + i) * 4) << 4);
	dq_scale_add(&q, n, d, -16 * d, y);
}

#endif

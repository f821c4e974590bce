/*
 * Q6_0_R4: 4 rows of Q6_0, 4 × 32 weights in 104 bytes.
 *
 *   | d: 4 × f16 | qh: 32 | qs: 64 |   w = d · q + (−32 · d)
 *
 * qs has the low nibbles (see interleaved.h). If a weight's nibble is in word
 * c, and the high one if h is 1, its upper two bits are bits 2 (c / 2) + 4 h
 * and the next of its byte in word c % 2 of qh.
 *
 * Unlike in Q6_0 every zero is positive, and Inf as d makes NaN.
 *
 * Exact: 11 + 6 bits ≤ 24.
 */
#ifndef DQ_Q6_0_R4_H
#define DQ_Q6_0_R4_H

#include "interleaved.h"

struct dq_q6_0_r4 {
	uint8_t d[4][2];
	uint8_t qh[32];
	uint8_t qs[64];
};

DQ_FN unsigned q6_0_r4_scale(const struct dq_q6_0_r4 *b, struct dq_row at)
{
	return dq_f16_magnitude(b->d[at.r]);
}

DQ_FN void q6_0_r4_decode(const struct dq_q6_0_r4 *b, struct dq_row at,
			  unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	const float d = dq_load_f16(b->d[at.r]);
	struct dq_bytes q;

	for (unsigned i = 0; i < n; i += 4) {
		const unsigned word = dq_r4_word(first + i);
		const uint32_t high =
			dq_load_word(b->qh + word % 2 * 16 + at.r * 4) >>
				(word / 2 * 2 + dq_r4_high(first + i) * 4) &
			0x03030303;

		dq_set_word(&q, i, dq_r4_nibbles(b->qs, at.r, first + i) |
				   high << 4);
	}
	dq_scale_add(&q, n, d, -32 * d, y);
}

#endif

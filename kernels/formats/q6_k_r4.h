/*
 * Q6_K_R4: 4 rows of Q6_K, 4 × 256 weights in 840 bytes.
 *
 *   | d: 4 × f16 | scales: 64 × int8 | qh: 256 | qs: 512 |
 *
 *   w = (d · s) · (q − 32)
 *
 * scales has a byte for each 16 weights of each row. qs has the low four bits:
 * see interleaved.h. Weights 4 k and so on of 16, k = 0 … 3, have the upper two
 * bits from bit 4 (k % 2) + 2 (k / 2) on of the bytes of a word of qh.
 *
 * Exact: 11 + 7 + 6 bits ≤ 24.
 */
#ifndef DQ_Q6_K_R4_H
#define DQ_Q6_K_R4_H

#include "interleaved.h"

struct dq_q6_k_r4 {
	uint8_t d[4][2];
	int8_t scales[16][4];
	uint8_t qh[256];
	uint8_t qs[512];
};

DQ_FN unsigned q6_k_r4_scale(const struct dq_q6_k_r4 *b, struct dq_row at)
{
	return dq_f16_magnitude(b->d[at.r]);
}

DQ_FN void q6_k_r4_decode(const struct dq_q6_k_r4 *b, struct dq_row at,
			  unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	const float scale = dq_load_f16(b->d[at.r]) *
			    (float)b->scales[first / 16][at.r];
	struct dq_bytes q;

	for (unsigned i = 0; i < n; i += 4) {
		const unsigned k = (first + i) / 4 % 4;
		const uint32_t high =
			dq_load_word(b->qh + first / 16 * 16 + at.r * 4) >>
				(k % 2 * 4 + k / 2 * 2) & 0x03030303;

		dq_set_word(&q, i, dq_r4_nibbles(b->qs, at.r, first + i) |
				   high << 4);
	}
	dq_scale(&q, n, scale, 32, y);
}

#endif

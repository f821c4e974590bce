/*
 * IQ2_S_R4: 4 rows of IQ2_S, 4 × 256 weights in 328 bytes.
 *
 *   | d: 4 × f16 | qs: 8 × 4 × 4 | qh: 8 × 4 | signs: 8 × 4 × 4 |
 *   | scales: 8 × 4 |
 *
 *   qs, qh   for each 32 weights of each row, four indices of 10 bits: their
 *            low bytes, and in a byte of qh the upper two bits of each, lowest
 *            first
 *   signs    bit j of a byte: minus for weight j of 8
 *   scales   a byte for each 32 weights of each row: a nibble s for each 16,
 *            low nibble first
 *
 *   w = ((d · 0.125) · (2 s + 1)) · ±grid[index][j]
 *
 * Exact: 11 + 5 + 6 bits ≤ 24.
 */
#ifndef DQ_IQ2_S_R4_H
#define DQ_IQ2_S_R4_H

#include "interleaved.h"
#include "iq_points.h"

struct dq_iq2_s_r4 {
	uint8_t d[4][2];
	uint8_t qs[8][4][4];
	uint8_t qh[8][4];
	uint8_t signs[8][4][4];
	uint8_t scales[8][4];
};

DQ_FN unsigned iq2_s_r4_scale(const struct dq_iq2_s_r4 *b, struct dq_row at)
{
	return dq_f16_magnitude(b->d[at.r]);
}

DQ_FN void iq2_s_r4_decode(const struct dq_iq2_s_r4 *b, struct dq_row at,
			   unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	const unsigned sub = first / 32, step = n < 8 ? n : 8;
	const unsigned s = b->scales[sub][at.r] >> first / 16 % 2 * 4 & 15;
	const unsigned qh = b->qh[sub][at.r];
	const float scale = 0.125f * dq_load_f16(b->d[at.r]) *
			    (float)(int)(2 * s + 1);

	for (unsigned i = 0; i < n; i += step) {
		const unsigned j = (first + i) % 32, l = j / 8;
		const unsigned index = b->qs[sub][at.r][l] |
				       (qh >> 2 * l & 3) << 8;
		const unsigned signs = b->signs[sub][at.r][l];

		iq_decode_point(scale, iq2_s_grid + index * 2 + j / 4 % 2,
				signs >> j % 8, step, y + i);
	}
}

#endif

/*
 * IQ2_XS_R4: 4 rows of IQ2_XS, 4 × 256 weights in 296 bytes.
 *
 *   | d: 4 × f16 | qs: 8 × 4 × 4 × u16 | scales: 8 × 4 |
 *
 *   qs       bits 0..8: index of 8 weights; bits 9..15: v, which gives eight
 *            signs, v ^ v << 1
 *   scales   a byte for each 32 weights of each row: a nibble s for each 16,
 *            low nibble first
 *
 *   w = ((d · 0.125) · (2 s + 1)) · ±grid[index][j]
 *
 * Exact: 11 + 5 + 6 bits ≤ 24.
 */
#ifndef DQ_IQ2_XS_R4_H
#define DQ_IQ2_XS_R4_H

#include "interleaved.h"
#include "iq_points.h"

struct dq_iq2_xs_r4 {
	uint8_t d[4][2];
	uint8_t qs[8][4][4][2];
	uint8_t scales[8][4];
};

DQ_FN unsigned iq2_xs_r4_scale(const struct dq_iq2_xs_r4 *b, struct dq_row at)
{
	return dq_f16_magnitude(b->d[at.r]);
}

DQ_FN void iq2_xs_r4_decode(const struct dq_iq2_xs_r4 *b, struct dq_row at,
			    unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	const unsigned s = b->scales[first / 32][at.r] >> first / 16 % 2 * 4 &
			   15;
	const float scale = 0.125f * dq_load_f16(b->d[at.r]) *
			    (float)(int)(2 * s + 1);
	const unsigned step = n < 8 ? n : 8;

	for (unsigned i = 0; i < n; i += step) {
		const unsigned j = (first + i) % 32;
		const unsigned q = dq_load_u16(b->qs[first / 32][at.r][j / 8]);
		const unsigned signs = q >> 9 ^ q >> 9 << 1;

		iq_decode_point(scale, iq2_xs_grid + (q & 511) * 2 + j / 4 % 2,
				signs >> j % 8, step, y + i);
	}
}

#endif

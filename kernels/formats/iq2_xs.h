/*
 * IQ2_XS: 256 weights in 74 bytes, 16 sub-blocks of 16.
 *
 *   | d: f16 | qs: 32 × u16 | scales: 8 |
 *
 *   qs       bits 0–8: index of 8 weights; bits 9–15: seven of their signs, of
 *            which the eighth is the parity
 *   scales   a nibble s for each 16 weights, low nibble first
 *
 *   w = ((d · (s + 0.5)) · 0.25) · ±grid[index][j]
 *
 * Exact: 11 + 5 + 6 bits ≤ 24.
 */
#ifndef DQ_IQ2_XS_H
#define DQ_IQ2_XS_H

#include "../dq.h"
#include "iq_points.h"

struct dq_iq2_xs {
	uint8_t d[2];
	uint8_t qs[32][2];
	uint8_t scales[8];
};

DQ_FN unsigned iq2_xs_scale(const struct dq_iq2_xs *b)
{
	return dq_f16_magnitude(b->d);
}

DQ_FN void iq2_xs_decode(const struct dq_iq2_xs *b, unsigned first, unsigned n,
			 float *DQ_RESTRICT y)
{
	const int s = b->scales[first / 32] >> first / 16 % 2 * 4 & 15;
	const float scale = dq_load_f16(b->d) * ((float)s + 0.5f) * 0.25f;
	const unsigned step = n < 8 ? n : 8;

	for (unsigned i = 0; i < n; i += step) {
		const unsigned q = dq_load_u16(b->qs[(first + i) / 8]);
		const unsigned half = (first + i) / 4 % 2;
		const unsigned signs = iq_even_signs(q >> 9);

		iq_decode_point(scale, iq2_xs_grid + (q & 511) * 2 + half,
				signs >> 4 * half, step, y + i);
	}
}

#endif

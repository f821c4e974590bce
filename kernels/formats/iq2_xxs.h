/*
 * IQ2_XXS: 256 weights in 66 bytes, 8 sub-blocks of 32.
 *
 *   | d: f16 | qs: 8 × (index: 4 × u8, packed: u32) |
 *
 *   packed   bits 0–6, 7–13, 14–20, 21–27   seven of 8 weights' signs, of which
 *                                           the eighth is the parity
 *            bits 28–31                     scale s of the 32 weights
 *
 *   w = ((d · (s + 0.5)) · 0.25) · ±grid[index][j]
 *
 * Exact: 11 + 5 + 6 bits ≤ 24.
 */
#ifndef DQ_IQ2_XXS_H
#define DQ_IQ2_XXS_H

#include "../dq.h"
#include "iq_points.h"

struct dq_iq2_xxs {
	uint8_t d[2];
	uint8_t qs[8][8];
};

DQ_FN unsigned iq2_xxs_scale(const struct dq_iq2_xxs *b)
{
	return dq_f16_magnitude(b->d);
}

DQ_FN void iq2_xxs_decode(const struct dq_iq2_xxs *b, unsigned first,
			  unsigned n, float *DQ_RESTRICT y)
{
	const uint8_t *qs = b->qs[first / 32];
	const uint32_t packed = dq_load_u32(qs + 4);
	const float scale = dq_load_f16(b->d) *
			    ((float)(packed >> 28) + 0.5f) * 0.25f;
	const unsigned step = n < 8 ? n : 8;

	for (unsigned i = 0; i < n; i += step) {
		const unsigned l = (first + i) / 8 % 4;
		const unsigned half = (first + i) / 4 % 2;
		const unsigned signs = iq_even_signs(packed >> 7 * l & 127);

		iq_decode_point(scale, iq2_xxs_grid + qs[l] * 2 + half,
				signs >> 4 * half, step, y + i);
	}
}

#endif

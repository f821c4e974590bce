/*
 * IQ3_XXS: 256 weights in 98 bytes, 8 sub-blocks of 32.
 *
 *   | d: f16 | qs: 64 | packed: 8 × u32 |
 *
 *   qs       an index for each 4 weights
 *   packed   bits 0–6, 7–13, 14–20, 21–27   seven of 8 weights' signs, of which
 *                                           the eighth is the parity
 *            bits 28–31                     scale s of the 32 weights
 *
 *   w = ((d · (s + 0.5)) · 0.5) · ±grid[index][j]
 *
 * Exact: 11 + 5 + 6 bits ≤ 24.
 */
#ifndef DQ_IQ3_XXS_H
#define DQ_IQ3_XXS_H

#include "../dq.h"
#include "iq_points.h"

struct dq_iq3_xxs {
	uint8_t d[2];
	uint8_t qs[64];
	uint8_t packed[8][4];
};

DQ_FN unsigned iq3_xxs_scale(const struct dq_iq3_xxs *b)
{
	return dq_f16_magnitude(b->d);
}

DQ_FN void iq3_xxs_decode(const struct dq_iq3_xxs *b, unsigned first,
			  unsigned n, float *DQ_RESTRICT y)
{
	const uint32_t packed = dq_load_u32(b->packed[first / 32]);
	const float scale = dq_load_f16(b->d) *
			    ((float)(packed >> 28) + 0.5f) * 0.5f;

	for (unsigned i = 0; i < n; i += 4) {
		const unsigned q = b->qs[(first + i) / 4];
		const unsigned seven = packed >> (first + i) / 8 % 4 * 7 & 127;

		iq_decode_point(scale, iq3_xxs_grid + q,
				iq_even_signs(seven) >> (first + i) % 8, 4,
				y + i);
	}
}

#endif

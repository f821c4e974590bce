/*
 * IQ3_XXS_R4: 4 rows of IQ3_XXS, 4 × 256 weights in 392 bytes.
 *
 *   | d: 4 × f16 | sas: 8 × 4 × u32 | qs: 8 × 4 × 8 |
 *
 *   w = ((d · 0.25) · (2 s + 1)) · ±grid[index][j]
 *
 * In each byte of the word of sas for 32 weights of a row, bit 0 is a bit of s,
 * lowest first. The other seven bits v, with bit 0 cleared, give eight signs,
 * v ^ v >> 1. qs has the indices of eight points.
 *
 * Exact: 11 + 5 + 6 bits ≤ 24.
 */
#ifndef DQ_IQ3_XXS_R4_H
#define DQ_IQ3_XXS_R4_H

#include "interleaved.h"
#include "r4_signs.h"

struct dq_iq3_xxs_r4 {
	uint8_t d[4][2];
	uint8_t sas[8][4][4];
	uint8_t qs[8][4][8];
};

DQ_FN unsigned iq3_xxs_r4_scale(const struct dq_iq3_xxs_r4 *b, struct dq_row at)
{
	return dq_f16_magnitude(b->d[at.r]);
}

DQ_FN void iq3_xxs_r4_decode(const struct dq_iq3_xxs_r4 *b, struct dq_row at,
			     unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	const uint32_t sas = dq_load_word(b->sas[first / 32][at.r]);
	const uint8_t *qs = b->qs[first / 32][at.r];
	const float scale = 0.25f * dq_load_f16(b->d[at.r]) *
			    (float)(int)(2 * dq_bit0_of_bytes(sas) + 1);
	const uint32_t signs = r4_signs(sas);

	const unsigned step = n < 8 ? n : 8;

	for (unsigned i = 0; i < n; i += step) {
		const unsigned j = (first + i) % 32;
		const uint32_t points[2] = {
			iq3_xxs_grid[qs[j / 4]],
			step == 8 ? iq3_xxs_grid[qs[j / 4 + 1]] : 0
		};

		iq_decode_point(scale, points, signs >> j, step, y + i);
	}
}

#endif

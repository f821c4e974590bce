/*
 * IQ3_S_R4: 4 rows of IQ3_S, 4 × 256 weights in 440 bytes.
 *
 *   | d: 4 × f16 | qs: 8 × 8 × 4 | qh: 8 × 4 | signs: 8 × 4 × 4 |
 *   | scales: 4 × 4 |
 *
 *   qs, qh   for each 32 weights, indices of 9 bits for each 4. In qs, the low
 *            bytes of point g, 0 … 7, of the four rows are number 2 (g % 4) + g
 *            / 4; in qh, bit g of the row's byte is the upper bit
 *   signs    for each 32 weights of a row, four bytes: bit g of byte j is minus
 *            for weight j of point g
 *   scales   for each 32 weights, the low nibbles of the rows for the first
 *            half of a block, and the high nibbles for the second half
 *
 *   w = (d · (2 s + 1)) · ±grid[index][j]
 *
 * Exact: 11 + 5 + 4 bits ≤ 24.
 */
#ifndef DQ_IQ3_S_R4_H
#define DQ_IQ3_S_R4_H

#include "interleaved.h"
#include "iq_points.h"

struct dq_iq3_s_r4 {
	uint8_t d[4][2];
	uint8_t qs[8][8][4];
	uint8_t qh[8][4];
	uint8_t signs[8][4][4];
	uint8_t scales[4][4];
};

DQ_FN unsigned iq3_s_r4_scale(const struct dq_iq3_s_r4 *b, struct dq_row at)
{
	return dq_f16_magnitude(b->d[at.r]);
}

DQ_FN void iq3_s_r4_decode(const struct dq_iq3_s_r4 *b, struct dq_row at,
			   unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	const unsigned sub = first / 32;
	const unsigned s = b->scales[sub % 4][at.r] >> sub / 4 * 4 & 15;
	const unsigned qh = b->qh[sub][at.r];
	const uint32_t signs = dq_load_word(b->signs[sub][at.r]);
	const float scale = dq_load_f16(b->d[at.r]) * (float)(int)(2 * s + 1);

	const unsigned step = n < 8 ? n : 8;

	for (unsigned i = 0; i < n; i += step) {
		uint32_t points[2] = { 0, 0 };
		unsigned minus = 0;

		for (unsigned k = 0; k < step / 4; k++) {
			const unsigned g = (first + i) / 4 % 8 + k;
			const unsigned low =
				b->qs[sub][g % 4 * 2 + g / 4][at.r];

			points[k] = iq3_s_grid[low | (qh >> g & 1) << 8];
			minus |= dq_bit0_of_bytes(signs >> g) << 4 * k;
		}
		iq_decode_point(scale, points, minus, step, y + i);
	}
}

#endif

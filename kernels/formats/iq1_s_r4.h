/*
 * IQ1_S_R4: 4 rows, 4 × 32 weights in 24 bytes, and a scale d per row.
 *
 *   row headers   | d: 4 × f16 |
 *   block         | qs: 4 × 4 | qh: 4 × u16 |
 *
 *   qs   for each 8 weights, the low bytes of the rows' 11-bit indices
 *   qh   of each row, as in IQ1_S
 *        bits 0–2, 3–5, 6–8, 9–11   the upper bits of the four indices
 *        bits 12–14                 scale s of the 32 weights
 *        bit 15                     delta is −0.125 if 1, 0.125 if 0
 *
 *   w = (d · (2 s + 1)) · (grid[index][j] + delta)
 *
 * Exact: 11 + 4 + 4 bits ≤ 24.
 */
#ifndef DQ_IQ1_S_R4_H
#define DQ_IQ1_S_R4_H

#include "interleaved.h"
#include "iq1_points.h"

struct dq_iq1_s_r4 {
	uint8_t qs[4][4];
	uint8_t qh[4][2];
};

DQ_ROW_SCALE(iq1_s_r4)

DQ_FN void iq1_s_r4_decode(const struct dq_iq1_s_r4 *b, struct dq_row at,
			   unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	const unsigned qh = dq_load_u16(b->qh[at.r]);
	const float scale = at.d * (float)(int)(2 * (qh >> 12 & 7) + 1);
	const unsigned step = n < 8 ? n : 8;

	for (unsigned i = 0; i < n; i += step) {
		const unsigned l = (first + i) / 8;
		const unsigned index = b->qs[l][at.r] | (qh >> 3 * l & 7) << 8;
		const unsigned codes = iq1_grid[index] >> (first + i) % 8 * 2;

		iq1_decode_point(scale, codes, qh >> 15, step, y + i);
	}
}

#endif

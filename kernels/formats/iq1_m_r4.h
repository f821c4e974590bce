/*
 * IQ1_M_R4: 4 rows, 4 × 32 weights in 28 bytes, and a scale d per row.
 *
 *   row headers   | d: 4 × f16 |
 *   block         | qs: 4 × 4 | qh: 2 × 4 | scales: 4 |
 *
 *   qs       for each 8 weights, the low bytes of the rows' 11-bit indices
 *   qh       for each 16 weights, a byte per row: a nibble for each 8, low
 *            nibble first: bits 0–2: the upper bits of the index; bit 3: delta
 *            is −0.125 if 1, 0.125 if 0
 *   scales   a byte per row: a nibble s for each 16 weights, low nibble first
 *
 *   w = (d · s) · (grid[index][j] + delta)
 *
 * Exact: 11 + 4 + 4 bits ≤ 24.
 */
#ifndef DQ_IQ1_M_R4_H
#define DQ_IQ1_M_R4_H

#include "interleaved.h"
#include "iq1_points.h"

struct dq_iq1_m_r4 {
	uint8_t qs[4][4];
	uint8_t qh[2][4];
	uint8_t scales[4];
};

DQ_ROW_SCALE(iq1_m_r4)

DQ_FN void iq1_m_r4_decode(const struct dq_iq1_m_r4 *b, struct dq_row at,
			   unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	const unsigned s = b->scales[at.r] >> first / 16 * 4 & 15;
	const float scale = at.d * (float)(int)s;
	const unsigned step = n < 8 ? n : 8;

	for (unsigned i = 0; i < n; i += step) {
		const unsigned l = (first + i) / 8;
		const unsigned h = (unsigned)b->qh[l / 2][at.r] >> l % 2 * 4;
		const unsigned index = b->qs[l][at.r] | (h & 7) << 8;
		const unsigned codes = iq1_grid[index] >> (first + i) % 8 * 2;

		iq1_decode_point(scale, codes, h >> 3 & 1, step, y + i);
	}
}

#endif

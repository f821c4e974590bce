/*
 * IQ1_S: 256 weights in 50 bytes, 8 sub-blocks of 32.
 *
 *   | d: f16 | qs: 32 | qh: 8 × u16 |
 *
 *   qs   the low byte of an 11-bit index for each 8 weights
 *   qh   bits 0–2, 3–5, 6–8, 9–11   the upper bits of the four indices
 *        bits 12–14                 scale s of the 32 weights
 *        bit 15                     delta is −0.125 if 1, 0.125 if 0
 *
 *   w = (d · (2s + 1)) · (grid[index][j] + delta)
 *
 * Exact: 11 + 4 + 4 bits ≤ 24.
 */
#ifndef DQ_IQ1_S_H
#define DQ_IQ1_S_H

#include "../dq.h"
#include "iq1_points.h"

struct dq_iq1_s {
	uint8_t d[2];
	uint8_t qs[32];
	uint8_t qh[8][2];
};

DQ_FN unsigned iq1_s_scale(const struct dq_iq1_s *b)
{
	return dq_f16_magnitude(b->d);
}

DQ_FN void iq1_s_decode(const struct dq_iq1_s *b, unsigned first, unsigned n,
			float *DQ_RESTRICT y)
{
	const unsigned qh = dq_load_u16(b->qh[first / 32]);
	const float scale = dq_load_f16(b->d) * (float)(2 * (qh >> 12 & 7) + 1);
	const unsigned step = n < 8 ? n : 8;

	for (unsigned i = 0; i < n; i += step) {
		const unsigned l = (first + i) / 8;
		const unsigned index = b->qs[l] | (qh >> l % 4 * 3 & 7) << 8;
		const unsigned codes = iq1_grid[index] >> (first + i) % 8 * 2;

		iq1_decode_point(scale, codes, qh >> 15, step, y + i);
	}
}

#endif

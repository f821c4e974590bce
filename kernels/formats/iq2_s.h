/*
 * IQ2_S: 256 weights in 82 bytes, 16 sub-blocks of 16.
 *
 *   | d: f16 | qs: 32 | signs: 32 | qh: 8 | scales: 8 |
 *
 *   qs, qh   a 10-bit index for each 8 weights: its low byte in qs, its upper
 *            two bits in qh, four per byte, lowest first
 *   signs    bit j of a byte: minus for weight j of 8
 *   scales   a nibble s for each 16 weights, low nibble first
 *
 *   w = ((d · (s + 0.5)) · 0.25) · ±grid[index][j]
 *
 * Exact: 11 + 5 + 6 bits ≤ 24.
 */
#ifndef DQ_IQ2_S_H
#define DQ_IQ2_S_H

#include "../dq.h"
#include "iq_points.h"

struct dq_iq2_s {
	uint8_t d[2];
	uint8_t qs[32];
	uint8_t signs[32];
	uint8_t qh[8];
	uint8_t scales[8];
};

DQ_FN unsigned iq2_s_scale(const struct dq_iq2_s *b)
{
	return dq_f16_magnitude(b->d);
}

DQ_FN void iq2_s_decode(const struct dq_iq2_s *b, unsigned first, unsigned n,
			float *DQ_RESTRICT y)
{
	const int s = b->scales[first / 32] >> first / 16 % 2 * 4 & 15;
	const float scale = dq_load_f16(b->d) * ((float)s + 0.5f) * 0.25f;
	const unsigned qh = b->qh[first / 32];
	const unsigned step = n < 8 ? n : 8;

	for (unsigned i = 0; i < n; i += step) {
		const unsigned l = (first + i) / 8;
		const unsigned half = (first + i) / 4 % 2;
		const unsigned index = b->qs[l] | (qh >> l % 4 * 2 & 3) << 8;

		iq_decode_point(scale, iq2_s_grid + index * 2 + half,
				(unsigned)b->signs[l] >> 4 * half, step, y + i);
	}
}

#endif

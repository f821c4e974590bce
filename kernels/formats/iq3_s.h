/*
 * IQ3_S: 256 weights in 110 bytes, 8 sub-blocks of 32.
 *
 *   | d: f16 | qs: 64 | qh: 8 | signs: 32 | scales: 4 |
 *
 *   qs, qh   a 9-bit index for each 4 weights: its low byte in qs, its upper
 *            bit in qh, eight per byte, lowest first
 *   signs    bit j of a byte: minus for weight j of 8
 *   scales   a nibble s for each 32 weights, low nibble first
 *
 *   w = (d · (2s + 1)) · ±grid[index][j]
 *
 * Exact: 11 + 5 + 4 bits ≤ 24.
 */
#ifndef DQ_IQ3_S_H
#define DQ_IQ3_S_H

#include "../dq.h"
#include "iq_points.h"

struct dq_iq3_s {
	uint8_t d[2];
	uint8_t qs[64];
	uint8_t qh[8];
	uint8_t signs[32];
	uint8_t scales[4];
};

DQ_FN unsigned iq3_s_scale(const struct dq_iq3_s *b)
{
	return dq_f16_magnitude(b->d);
}

DQ_FN void iq3_s_decode(const struct dq_iq3_s *b, unsigned first, unsigned n,
			float *DQ_RESTRICT y)
{
	const unsigned s = b->scales[first / 64] >> first / 32 % 2 * 4 & 15;
	const float scale = dq_load_f16(b->d) * (float)(2 * s + 1);
	const unsigned qh = b->qh[first / 32];

	for (unsigned i = 0; i < n; i += 4) {
		const unsigned l = (first + i) / 4;
		const unsigned index = b->qs[l] | (qh >> l % 8 & 1) << 8;

		iq_decode_point(scale, iq3_s_grid + index,
				(unsigned)b->signs[l / 2] >> l % 2 * 4, 4,
				y + i);
	}
}

#endif

/*
 * IQ4_XS: 256 weights in 136 bytes, 8 sub-blocks of 32.
 *
 *   | d: f16 | scales_h: u16 | scales_l: 4 | qs: 8 × 16 |
 *
 *   scales   6 bits s for each 32 weights: the low four in a nibble of
 *            scales_l, the upper two in scales_h, lowest first
 *   qs       in each 16 bytes, the low nibbles are weights 0..15, the high
 *            nibbles weights 16..31
 *
 *   w = (d · (s − 32)) · values[q]
 *
 * Exact: 11 + 5 + 7 bits ≤ 24.
 */
#ifndef DQ_IQ4_XS_H
#define DQ_IQ4_XS_H

#include "../dq.h"
#include "iq4_values.h"

struct dq_iq4_xs {
	uint8_t d[2];
	uint8_t scales_h[2];
	uint8_t scales_l[4];
	uint8_t qs[8][16];
};

DQ_FN unsigned iq4_xs_scale(const struct dq_iq4_xs *b)
{
	return dq_f16_magnitude(b->d);
}

DQ_FN void iq4_xs_decode(const struct dq_iq4_xs *b, unsigned first, unsigned n,
			 float *DQ_RESTRICT y)
{
	const unsigned sub = first / 32;
	const int low = b->scales_l[sub / 2] >> sub % 2 * 4 & 15;
	const int high = dq_load_u16(b->scales_h) >> sub * 2 & 3;
	const float scale = dq_load_f16(b->d) * (float)((low | high << 4) - 32);

	iq4_decode(scale, b->qs[sub] + first % 16, first / 16 % 2 * 4, n, y);
}

#endif

/*
 * IQ4_XS_R8: 8 rows of IQ4_XS, 8 × 256 weights in 1088 bytes.
 *
 *   | d: 8 × f16 | scales_h: 16 | scales_l: 32 | qs: 1024 |
 *
 *   scales   6 bits s for each 32 weights k = 0 … 7 of each row: with
 *            z = 8 k + row, the low four in byte z % 32 of scales_l, low nibble
 *            first, and the upper two in byte z % 16 of scales_h, lowest first
 *   qs       a word for each 8 weights of a row, the first four in the low
 *            nibbles
 *
 *   w = (d · (s − 32)) · values[q]
 *
 * Exact: 11 + 5 + 7 bits ≤ 24.
 */
#ifndef DQ_IQ4_XS_R8_H
#define DQ_IQ4_XS_R8_H

#include "interleaved.h"
#include "iq4_values.h"

struct dq_iq4_xs_r8 {
	uint8_t d[8][2];
	uint8_t scales_h[16];
	uint8_t scales_l[32];
	uint8_t qs[1024];
};

DQ_FN unsigned iq4_xs_r8_scale(const struct dq_iq4_xs_r8 *b, struct dq_row at)
{
	return dq_f16_magnitude(b->d[at.r]);
}

DQ_FN void iq4_xs_r8_decode(const struct dq_iq4_xs_r8 *b, struct dq_row at,
			    unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	const unsigned z = first / 32 * 8 + at.r;
	const int s = (b->scales_l[z % 32] >> z / 32 * 4 & 15) |
		      (b->scales_h[z % 16] >> z / 16 * 2 & 3) << 4;
	const float scale = dq_load_f16(b->d[at.r]) * (float)(s - 32);
	struct dq_bytes q;

	for (unsigned i = 0; i < n; i += 4)
		dq_set_word(&q, i, dq_row_word(b->qs, 8, at.r,
					       (first + i) / 2 & ~3u) >>
					   (first + i) / 4 % 2 * 4 &
				   0x0f0f0f0f);
	dq_scale_table(&q, n, iq4_values, scale, y);
}

#endif

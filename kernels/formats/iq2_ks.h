/*
 * IQ2_KS: 256 weights in 70 bytes, 8 sub-blocks of 32, and a scale d per row.
 *
 *   row header   | d: f16 |
 *   block        | extra: u16 | scales: 4 | qs: 64 |
 *
 *   extra    bits 0..7: e of each sub-block; bits 8..15: bit 4 of its scale
 *   scales   the low nibble of s for each sub-block, low nibble first
 *   qs       a run of 32 bytes holds 128 weights: two bits of weights j, j +
 *            32, j + 64 and j + 96 in byte j, lowest first
 *
 *   w = (d · (s − 16)) · (values[q] + 5 e)
 *
 * Exact: 11 + 4 + 5 bits ≤ 24.
 */
#ifndef DQ_IQ2_KS_H
#define DQ_IQ2_KS_H

#include "../dq_rows.h"
#include "iqk_values.h"

struct dq_iq2_ks {
	uint8_t extra[2];
	uint8_t scales[4];
	uint8_t qs[64];
};

DQ_ROW_SCALE(iq2_ks)

DQ_FN void iq2_ks_decode(const struct dq_iq2_ks *b, struct dq_row at,
			 unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	const unsigned sub = first / 32;
	const unsigned extra = dq_load_u16(b->extra) >> sub;
	const int s = (b->scales[sub / 2] >> sub % 2 * 4 & 15) |
		      (int)(extra >> 8 & 1) << 4;
	const float scale = at.d * (float)(s - 16);
	struct dq_bytes q;

	dq_loose_fields(&q, n, b->qs + first / 128 * 32 + first % 32,
			sub % 4 * 2, 3);
	dq_table(&q, n, iqk_values_2);
	dq_scale(&q, n, scale, 128 - 5 * (extra & 1), y);
}

#endif

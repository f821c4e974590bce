/*
 * IQ3_KS: 256 weights in 102 bytes, 8 sub-blocks of 32, and a scale d per row.
 *
 *   row header   | d: f16 |
 *   block        | extra: u16 | scales: 4 | qs: 64 | qh: 32 |
 *
 *   extra    bits 0..7: bit 4 of the scale of each sub-block; bits 8..15: its e
 *   scales   the low nibbles of s of sub-blocks 0..3 and 4..7 are the low and
 *            the high nibbles
 *   qs, qh   the low two bits and bit 2 of each weight, as in IQ3_K
 *
 *   w = (d · (s − 16)) · (values[q] + 4 e)
 *
 * Exact: 11 + 4 + 6 bits ≤ 24.
 */
#ifndef DQ_IQ3_KS_H
#define DQ_IQ3_KS_H

#include "../dq_rows.h"
#include "iqk_values.h"

struct dq_iq3_ks {
	uint8_t extra[2];
	uint8_t scales[4];
	uint8_t qs[64];
	uint8_t qh[32];
};

DQ_ROW_SCALE(iq3_ks)

DQ_FN void iq3_ks_decode(const struct dq_iq3_ks *b, struct dq_row at,
			 unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	const unsigned sub = first / 32;
	const unsigned extra = dq_load_u16(b->extra) >> sub;
	const int s = (b->scales[sub % 4] >> sub / 4 * 4 & 15) |
		      (int)(extra & 1) << 4;
	const float scale = at.d * (float)(s - 16);
	struct dq_bytes q, high;

	dq_loose_fields(&q, n, b->qs + first / 128 * 32 + first % 32,
			sub % 4 * 2, 3);
	dq_loose_fields(&high, n, b->qh + first % 32, sub, 1);
	dq_add(&q, n, &high, 4);
	dq_table(&q, n, iqk_values_3);
	dq_scale(&q, n, scale, 128 - 4 * (extra >> 8 & 1), y);
}

#endif

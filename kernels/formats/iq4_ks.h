/*
 * IQ4_KS: 256 weights in 136 bytes, 8 sub-blocks of 32, and a scale d per row.
 *
 *   row header   | d: f32 |
 *   block        | scales: 8 | qs: 8 × 16 |
 *
 *   w = (d · ((s & 254) − 127)) · (values[q] + 4 (s & 1))
 *
 * s is the byte of scales of the sub-block. In each 16 bytes of qs, the low
 * nibbles are weights 0..15, the high nibbles weights 16..31.
 *
 * Both products round. The first one may overflow or be subnormal.
 */
#ifndef DQ_IQ4_KS_H
#define DQ_IQ4_KS_H

#include "../dq_rows.h"
#include "iq4_values.h"

struct dq_iq4_ks {
	uint8_t scales[8];
	uint8_t qs[8][16];
};

DQ_ROW_SCALE(iq4_ks)

DQ_FN void iq4_ks_decode(const struct dq_iq4_ks *b, struct dq_row at,
			 unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	const unsigned sub = first / 32, s = b->scales[sub];
	const float scale = at.d * (float)((int)(s & 254) - 127);
	struct dq_bytes q;

	dq_word_fields(&q, n, b->qs[sub] + first % 16, first / 16 % 2 * 4, 15);
	dq_table(&q, n, iq4_values);
	dq_scale(&q, n, scale, 128 - 4 * (s & 1), y);
}

#endif

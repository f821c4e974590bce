/*
 * IQ5_KS: 256 weights in 168 bytes, 8 sub-blocks of 32, and a scale d per row.
 *
 *   row header   | d: f32 |
 *   block        | scales: 8 | qs: 128 | qh: 32 |
 *
 *   w = (d · ((s & 254) − 127)) · (values[q] + 2 (s & 1))
 *
 * s is the byte of scales of the sub-block; qs and qh are those of IQ5_K.
 *
 * Both products round. The first one may overflow or be subnormal.
 */
#ifndef DQ_IQ5_KS_H
#define DQ_IQ5_KS_H

#include "../dq_rows.h"
#include "iqk_values.h"

struct dq_iq5_ks {
	uint8_t scales[8];
	uint8_t qs[128];
	uint8_t qh[32];
};

DQ_ROW_SCALE(iq5_ks)

DQ_FN void iq5_ks_decode(const struct dq_iq5_ks *b, struct dq_row at,
			 unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	const unsigned sub = first / 32, s = b->scales[sub];
	const float scale = at.d * (float)((int)(s & 254) - 127);
	struct dq_bytes q, high;

	dq_word_fields(&q, n, b->qs + first / 64 * 32 + first % 32,
		       sub % 2 * 4, 15);
	dq_word_fields(&high, n, b->qh + first % 32, sub, 1);
	dq_add(&q, n, &high, 16);
	dq_table_32(&q, n, iqk_values_5);
	dq_scale(&q, n, scale, 128 - 2 * (s & 1), y);
}

#endif

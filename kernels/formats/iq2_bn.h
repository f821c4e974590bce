/*
 * IQ2_BN: 64 weights in 16 bytes, and a scale d per row.
 *
 *   row header   | d: f32 |
 *   block        | qs: 16 |   w = d · (q − 1)
 *
 * Two bits of weights j, j + 16, j + 32 and j + 48 are in byte j, lowest first.
 */
#ifndef DQ_IQ2_BN_H
#define DQ_IQ2_BN_H

#include "../dq_bytes.h"
#include "../dq_rows.h"

struct dq_iq2_bn {
	uint8_t qs[16];
};

DQ_ROW_SCALE(iq2_bn)

DQ_FN void iq2_bn_decode(const struct dq_iq2_bn *b, struct dq_row at,
			 unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	struct dq_bytes q;

	dq_word_fields(&q, n, b->qs + first % 16, first / 16 * 2, 3);
	dq_scale(&q, n, at.d, 1, y);
}

#endif

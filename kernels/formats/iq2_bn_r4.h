/*
 * IQ2_BN_R4: 4 rows of IQ2_BN, 4 × 64 weights in 64 bytes, and a scale d per
 * row.
 *
 *   row headers   | d: 4 × f32 |
 *   block         | qs: 64 |   w = d · (q − 1)
 *
 * qs: see interleaved.h.
 */
#ifndef DQ_IQ2_BN_R4_H
#define DQ_IQ2_BN_R4_H

#include "interleaved.h"

struct dq_iq2_bn_r4 {
	uint8_t qs[64];
};

DQ_ROW_SCALE(iq2_bn_r4)

DQ_FN void iq2_bn_r4_decode(const struct dq_iq2_bn_r4 *b, struct dq_row at,
			    unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	struct dq_bytes q;

	for (unsigned i = 0; i < n; i += 4)
		dq_set_word(&q, i, dq_r4_pairs(b->qs, at.r, first + i));
	dq_scale(&q, n, at.d, 1, y);
}

#endif

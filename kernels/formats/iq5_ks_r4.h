/*
 * IQ5_KS_R4: 4 rows of IQ5_KS, 4 × 256 weights in 672 bytes, and a scale d per
 * row.
 *
 *   row headers   | d: 4 × f32 |
 *   block         | scales: 8 × 4 | qs: 512 | qh: 128 |
 *
 *   w = (d · ((s & 254) − 127)) · (values[q] + 2 (s & 1))
 *
 * scales has a byte s for each 32 weights of each row. q is that of
 * dq_r4_fives.
 *
 * Both products round. The first one may overflow or be subnormal.
 */
#ifndef DQ_IQ5_KS_R4_H
#define DQ_IQ5_KS_R4_H

#include "interleaved.h"
#include "iqk_values.h"

struct dq_iq5_ks_r4 {
	uint8_t scales[8][4];
	uint8_t qs[512];
	uint8_t qh[128];
};

DQ_ROW_SCALE(iq5_ks_r4)

DQ_FN void iq5_ks_r4_decode(const struct dq_iq5_ks_r4 *b, struct dq_row at,
			    unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	const unsigned s = b->scales[first / 32][at.r];
	const float scale = at.d * (float)((int)(s & 254) - 127);
	struct dq_bytes q;

	for (unsigned i = 0; i < n; i += 4)
		dq_set_word(&q, i, dq_r4_fives(b->qs, b->qh, at.r, first + i));
	dq_table_32(&q, n, iqk_values_5);
	dq_scale(&q, n, scale, 128 - 2 * (s & 1), y);
}

#endif

/*
 * IQ4_KS_R4: 4 rows of IQ4_KS, 4 × 256 weights in 544 bytes, and a scale d per
 * row.
 *
 *   row headers   | d: 4 × f32 |
 *   block         | scales: 8 × 4 | qs: 512 |
 *
 *   w = (d · ((s & 254) − 127)) · (values[q] + 4 (s & 1))
 *
 * scales has a byte s for each 32 weights of each row. qs: see interleaved.h.
 *
 * Both products round. The first one may overflow or be subnormal.
 */
#ifndef DQ_IQ4_KS_R4_H
#define DQ_IQ4_KS_R4_H

#include "interleaved.h"
#include "iq4_values.h"

struct dq_iq4_ks_r4 {
	uint8_t scales[8][4];
	uint8_t qs[512];
};

DQ_ROW_SCALE(iq4_ks_r4)

DQ_FN void iq4_ks_r4_decode(const struct dq_iq4_ks_r4 *b, struct dq_row at,
			    unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	const unsigned s = b->scales[first / 32][at.r];
	const float scale = at.d * (float)((int)(s & 254) - 127);
	struct dq_bytes q;

	for (unsigned i = 0; i < n; i += 4)
		dq_set_word(&q, i, dq_r4_nibbles(b->qs, at.r, first + i));
	dq_table(&q, n, iq4_values);
	dq_scale(&q, n, scale, 128 - 4 * (s & 1), y);
}

#endif

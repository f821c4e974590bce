/*
 * IQ4_NL_R4: 4 rows of IQ4_NL, 4 × 32 weights in 72 bytes.
 *
 *   | d: 4 × f16 | qs: 64 |   w = d · values[q]
 *
 * qs: see interleaved.h.
 *
 * Exact: 11 + 7 bits ≤ 24.
 */
#ifndef DQ_IQ4_NL_R4_H
#define DQ_IQ4_NL_R4_H

#include "interleaved.h"
#include "iq4_values.h"

struct dq_iq4_nl_r4 {
	uint8_t d[4][2];
	uint8_t qs[64];
};

DQ_FN unsigned iq4_nl_r4_scale(const struct dq_iq4_nl_r4 *b, struct dq_row at)
{
	return dq_f16_magnitude(b->d[at.r]);
}

DQ_FN void iq4_nl_r4_decode(const struct dq_iq4_nl_r4 *b, struct dq_row at,
			    unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	struct dq_bytes q;

	for (unsigned i = 0; i < n; i += 4)
		dq_set_word(&q, i, dq_r4_nibbles(b->qs, at.r, first + i));
	dq_scale_table(&q, n, iq4_values, dq_load_f16(b->d[at.r]), y);
}

#endif

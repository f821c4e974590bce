/*
 * IQ1_KT: 256 weights in 56 bytes, 8 sub-blocks of 32, and a scale d per row.
 *
 *   row header   | d: f32 |
 *   block        | sh: 8 | ql: 32 | qh: 16 |
 *
 *   sh       bits 0..3: index s of the scale of each sub-block; bits 4..7: bit
 *            12 of the states of its four groups of 8 weights
 *   ql, qh   bits 0..7 of the state of each group; bits 8..11 of groups j and
 *            j + 16 in the low and high nibble of qh[j]
 *
 *   w = (d · scales[s]) · trellis(state + 4096, i % 8)     see trellis.h
 *
 * Both products round. The first one may overflow or be subnormal.
 */
#ifndef DQ_IQ1_KT_H
#define DQ_IQ1_KT_H

#include "iq4_values.h"
#include "trellis.h"

struct dq_iq1_kt {
	uint8_t sh[8];
	uint8_t ql[32];
	uint8_t qh[16];
};

DQ_ROW_SCALE(iq1_kt)

DQ_FN void iq1_kt_decode(const struct dq_iq1_kt *b, struct dq_row at,
			 unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	const unsigned s = b->sh[first / 32];
	const float scale = at.d * (float)dq_table_value(iq4_values, s & 15);
	uint32_t states[DQ_MAX_SPAN / 8];
	float t[DQ_MAX_SPAN];

	for (unsigned i = 0; i < (n + 7) / 8; i++) {
		const unsigned g = first / 8 + i;

		const unsigned high = b->qh[g % 16] >> g / 16 * 4 & 15;

		states[i] = (b->ql[g] | high << 8 |
			     (s >> (4 + g % 4) & 1) << 12) + 4096;
	}
	dq_trellis(states, 8, first, n, t);
	for (unsigned i = 0; i < n; i++)
		y[i] = scale * t[i];
}

#endif

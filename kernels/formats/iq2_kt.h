/*
 * IQ2_KT: 256 weights in 68 bytes, 8 sub-blocks of 32, and a scale d per row.
 *
 *   row header   | d: f32 |
 *   block        | scales: 4 | qs: 32 × u16 |
 *
 *   scales   a nibble s for each sub-block: 0..3 in the low nibbles, 4..7 in
 *            the high ones
 *   qs       the state of each group of 8 weights
 *
 *   w = (d · scales[s]) · trellis(state + 4096, i % 8)     see trellis.h
 *
 * Both products round. The first one may overflow or be subnormal.
 */
#ifndef DQ_IQ2_KT_H
#define DQ_IQ2_KT_H

#include "iq4_values.h"
#include "trellis.h"

struct dq_iq2_kt {
	uint8_t scales[4];
	uint8_t qs[32][2];
};

DQ_ROW_SCALE(iq2_kt)

DQ_FN void iq2_kt_decode(const struct dq_iq2_kt *b, struct dq_row at,
			 unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	const unsigned sub = first / 32;
	const unsigned s = b->scales[sub % 4] >> sub / 4 * 4 & 15;
	const float scale = at.d * (float)dq_table_value(iq4_values, s);
	uint32_t states[DQ_MAX_SPAN / 8];
	float t[DQ_MAX_SPAN];

	for (unsigned i = 0; i < (n + 7) / 8; i++)
		states[i] = dq_load_u16(b->qs[first / 8 + i]) + 4096u;
	dq_trellis(states, 8, first, n, t);
	for (unsigned i = 0; i < n; i++)
		y[i] = scale * t[i];
}

#endif

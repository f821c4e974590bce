/*
 * IQ4_KT: 256 weights in 128 bytes, 8 sub-blocks of 32, and a scale d per row.
 *
 *   row header   | d: f32 |
 *   block        | sh: 8 × u32 | ql: 64 | qh: 32 |
 *
 *   sh       bit 0: e of each sub-block; bits 1..7: its scale s; bits 8..31:
 *            bits 12..14 of the states of its eight groups of 4 weights
 *   ql, qh   bits 0..7 of the state of each group; bits 8..11 of groups j and j
 *            + 32 in the low and high nibble of qh[j]
 *
 *   w = (d · (s − 64)) · trellis(state + 4096 + 32768 e, i % 4)   see trellis.h
 *
 * Both products round. The first one may overflow or be subnormal.
 */
#ifndef DQ_IQ4_KT_H
#define DQ_IQ4_KT_H

#include "trellis.h"

struct dq_iq4_kt {
	uint8_t sh[8][4];
	uint8_t ql[64];
	uint8_t qh[32];
};

DQ_ROW_SCALE(iq4_kt)

DQ_FN void iq4_kt_decode(const struct dq_iq4_kt *b, struct dq_row at,
			 unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	const uint32_t sh = dq_load_word(b->sh[first / 32]);
	const float scale = at.d * (float)((int)(sh >> 1 & 127) - 64);
	uint32_t states[DQ_MAX_SPAN / 4];
	float t[DQ_MAX_SPAN];

	for (unsigned i = 0; i < n / 4; i++) {
		const unsigned g = first / 4 + i;

		const unsigned high = b->qh[g % 32] >> g / 32 * 4 & 15;

		states[i] = (b->ql[g] | high << 8 |
			     (sh >> (8 + g % 8 * 3) & 7) << 12) +
			    4096 + (sh & 1) * 32768;
	}
	dq_trellis(states, 4, first, n, t);
	for (unsigned i = 0; i < n; i++)
		y[i] = scale * t[i];
}

#endif

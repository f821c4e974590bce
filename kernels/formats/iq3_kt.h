/*
 * IQ3_KT: 256 weights in 100 bytes, 8 sub-blocks of 32, and a scale d per row.
 *
 *   row header   | d: f32 |
 *   block        | scales: 4 | qs: 32 × u16 | qh: 32 |
 *
 *   scales   a nibble s for each sub-block: 0..3 in the low nibbles, 4..7 in
 *            the high ones
 *   qs       the state of each group of 8 weights
 *   qh       bit k of byte j: minus for weight 32 k + j
 *
 *   w = ±((d · s) · |trellis(state + 4096, i % 8)|)        see trellis.h
 *
 * Both products round. The first one may overflow or be subnormal.
 */
#ifndef DQ_IQ3_KT_H
#define DQ_IQ3_KT_H

#include "trellis.h"

struct dq_iq3_kt {
	uint8_t scales[4];
	uint8_t qs[32][2];
	uint8_t qh[32];
};

DQ_ROW_SCALE(iq3_kt)

DQ_FN void iq3_kt_decode(const struct dq_iq3_kt *b, struct dq_row at,
			 unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	const unsigned sub = first / 32;
	const unsigned s = b->scales[sub % 4] >> sub / 4 * 4 & 15;
	const float scale = at.d * (float)(int)s;
	uint32_t states[DQ_MAX_SPAN / 8];
	float t[DQ_MAX_SPAN];

	for (unsigned i = 0; i < (n + 7) / 8; i++)
		states[i] = dq_load_u16(b->qs[first / 8 + i]) + 4096u;
	dq_trellis(states, 8, first, n, t);
	for (unsigned i = 0; i < n; i++) {
		const uint32_t minus = b->qh[(first + i) % 32] >> sub & 1u;
		const float magnitude = dq_float(dq_bits(t[i]) & 0x7fffffff);

		y[i] = dq_float(dq_bits(scale * magnitude) ^ minus << 31);
	}
}

#endif

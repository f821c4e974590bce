/*
 * IQ1_M: 256 weights in 56 bytes, 16 sub-blocks of 16.
 *
 *   | qs: 32 | qh: 16 | scales: 4 × u16 |
 *
 *   qs       the low byte of an 11-bit index for each 8 weights
 *   qh       a nibble for each 8 weights, the low one first: bits 0–2 the
 *            upper bits of the index; bit 3: delta is −0.125 if 1, 0.125 if 0
 *   scales   bits 0–2, 3–5, 6–8, 9–11: scales s of 16 weights each;
 *            bits 12–15 of the four: the f16 d, lowest nibble first
 *
 *   w = (d · (2s + 1)) · (grid[index][j] + delta)
 *
 * Exact: 11 + 4 + 4 bits ≤ 24.
 */
#ifndef DQ_IQ1_M_H
#define DQ_IQ1_M_H

#include "../dq.h"
#include "iq1_points.h"

struct dq_iq1_m {
	uint8_t qs[32];
	uint8_t qh[16];
	uint8_t scales[4][2];
};

/* The bits of d. */
DQ_FN uint16_t iq1_m_load_d(const struct dq_iq1_m *b)
{
	const uint32_t low = dq_load_u32(b->scales[0]);
	const uint32_t high = dq_load_u32(b->scales[2]);

	return (uint16_t)((low >> 12 & 0xf) | (low >> 24 & 0xf0) |
			  (high >> 4 & 0xf00) | (high >> 16 & 0xf000));
}

DQ_FN unsigned iq1_m_scale(const struct dq_iq1_m *b)
{
	return iq1_m_load_d(b) & 0x7fff;
}

DQ_FN void iq1_m_decode(const struct dq_iq1_m *b, unsigned first, unsigned n,
			float *DQ_RESTRICT y)
{
	const unsigned sub = first / 16;
	const unsigned s = dq_load_u16(b->scales[sub / 4]) >> sub % 4 * 3 & 7;
	const float scale = dq_from_f16(iq1_m_load_d(b)) * (float)(2 * s + 1);
	const unsigned step = n < 8 ? n : 8;

	for (unsigned i = 0; i < n; i += step) {
		const unsigned l = (first + i) / 8;
		const unsigned qh = (unsigned)b->qh[l / 2] >> l % 2 * 4;
		const unsigned index = b->qs[l] | (qh & 7) << 8;
		const unsigned codes = iq1_grid[index] >> (first + i) % 8 * 2;

		iq1_decode_point(scale, codes, qh >> 3 & 1, step, y + i);
	}
}

#endif

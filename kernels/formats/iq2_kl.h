/*
 * IQ2_KL: 256 weights in 86 bytes, 8 sub-blocks of 32, and a scale d per row.
 *
 *   row header   | d: f16 |
 *   block        | scales_h: u16 | scales_l: 4 | qs: 64 | qh: 16 |
 *
 *   scales   6 bits s for each sub-block: the low four in scales_l, sub-blocks
 *            0..3 in the low nibbles and 4..7 in the high ones; the upper two
 *            in scales_h, lowest first
 *   qs, qh   5 bits q for each pair of neighbours: in each 16 bytes of qs, the
 *            low nibbles are those of 32 weights and the high nibbles those of
 *            the next 32; bit k of qh[j] is bit 4 of pair j of sub-block k
 *
 *   w = (d · (s − 32)) · pairs[q][i % 2]
 *
 * Exact: 11 + 5 + 6 bits ≤ 24.
 */
#ifndef DQ_IQ2_KL_H
#define DQ_IQ2_KL_H

#include "../dq_rows.h"
#include "iqk_values.h"

struct dq_iq2_kl {
	uint8_t scales_h[2];
	uint8_t scales_l[4];
	uint8_t qs[64];
	uint8_t qh[16];
};

DQ_ROW_SCALE(iq2_kl)

DQ_FN void iq2_kl_decode(const struct dq_iq2_kl *b, struct dq_row at,
			 unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	const unsigned sub = first / 32, pair = first % 32 / 2;
	const uint8_t *qs = b->qs + sub / 2 * 16 + pair;
	const int s = (b->scales_l[sub % 4] >> sub / 4 * 4 & 15) |
		      (dq_load_u16(b->scales_h) >> 2 * sub & 3) << 4;
	const float scale = at.d * (float)(s - 32);
	struct dq_bytes q;

	for (unsigned i = 0; i < n; i += 4) {
		const unsigned low = dq_load_u16(qs + i / 2) >> sub % 2 * 4;
		const unsigned high = dq_load_u16(b->qh + pair + i / 2) >> sub;
		const unsigned two = (low & 0x0f0f) | (high & 0x0101) << 4;

		dq_set_word(&q, i, iqk_pairs[two & 255] |
				   (uint32_t)iqk_pairs[two >> 8] << 16);
	}
	dq_scale(&q, n, scale, 128, y);
}

#endif

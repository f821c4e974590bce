/*
 * IQ4_K: 256 weights in 144 bytes, 16 sub-blocks of 16.
 *
 *   | d: f16 | extra: u16 | scales_h: 4 | scales_l: 8 | qs: 8 × 16 |
 *
 *   extra    a bit e for each sub-block
 *   scales   6 bits s for each sub-block: the low four in a nibble of scales_l,
 *            the upper two in scales_h, lowest first
 *   qs       in each 16 bytes, the low nibbles are weights 0..15, the high
 *            nibbles weights 16..31
 *
 *   w = (d · (s − 32)) · (values[q] + 4 e)
 *
 * Exact: 11 + 5 + 7 bits ≤ 24.
 */
#ifndef DQ_IQ4_K_H
#define DQ_IQ4_K_H

#include "iq4_values.h"
#include "iqk_values.h"

struct dq_iq4_k {
	uint8_t d[2];
	uint8_t extra[2];
	uint8_t scales_h[4];
	uint8_t scales_l[8];
	uint8_t qs[8][16];
};

DQ_FN unsigned iq4_k_scale(const struct dq_iq4_k *b)
{
	return dq_f16_magnitude(b->d);
}

DQ_FN void iq4_k_decode(const struct dq_iq4_k *b, unsigned first,
			unsigned n, float *DQ_RESTRICT y)
{
	const unsigned sub = first / 16;
	const unsigned e = dq_load_u16(b->extra) >> sub & 1;
	const int s = iqk_scale(b->scales_l, b->scales_h, sub);
	const float scale = dq_load_f16(b->d) * (float)s;
	struct dq_bytes q;

	dq_word_fields(&q, n, b->qs[sub / 2] + first % 16, sub % 2 * 4, 15);
	dq_table(&q, n, iq4_values);
	dq_scale(&q, n, scale, 128 - 4 * e, y);
}

#endif

/*
 * IQ2_K: 256 weights in 76 bytes, 16 sub-blocks of 16.
 *
 *   | d: f16 | extra: u16 | scales: 8 | qs: 64 |
 *
 *   extra    a bit e for each sub-block
 *   scales   a nibble s for each sub-block, low nibble first
 *   qs       a run of 32 bytes holds 128 weights: two bits of weights j, j +
 *            32, j + 64 and j + 96 in byte j, lowest first
 *
 *   w = (d · (s − 8)) · (values[q] + 5 e)
 *
 * Exact: 11 + 3 + 5 bits ≤ 24.
 */
#ifndef DQ_IQ2_K_H
#define DQ_IQ2_K_H

#include "iqk_values.h"

struct dq_iq2_k {
	uint8_t d[2];
	uint8_t extra[2];
	uint8_t scales[8];
	uint8_t qs[64];
};

DQ_FN unsigned iq2_k_scale(const struct dq_iq2_k *b)
{
	return dq_f16_magnitude(b->d);
}

DQ_FN void iq2_k_decode(const struct dq_iq2_k *b, unsigned first,
			unsigned n, float *DQ_RESTRICT y)
{
	const unsigned sub = first / 16;
	const int s = b->scales[sub / 2] >> sub % 2 * 4 & 15;
	const unsigned e = dq_load_u16(b->extra) >> sub & 1;
	const float scale = dq_load_f16(b->d) * (float)(s - 8);
	struct dq_bytes q;

	dq_word_fields(&q, n, b->qs + first / 128 * 32 + first % 32,
		       first / 32 % 4 * 2, 3);
	dq_table(&q, n, iqk_values_2);
	dq_scale(&q, n, scale, 128 - 5 * e, y);
}

#endif

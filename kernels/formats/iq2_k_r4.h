/*
 * IQ2_K_R4: 4 rows of IQ2_K, 4 × 256 weights in 304 bytes.
 *
 *   | d: 4 × f16 | extra: 2 × 4 | scales: 32 | qs: 256 |
 *
 *   w = (d · (s − 8)) · (values[q] + 5 e)
 *
 * extra has a byte for each row and half: the first and the second 16 of each
 * 32 weights. Bit k of it is e for run k of 32. With x = 4 k + row for run k of
 * 16 weights, s is in byte x % 32 of scales, low nibble first. qs: see
 * interleaved.h.
 *
 * Exact: 11 + 3 + 5 bits ≤ 24.
 */
#ifndef DQ_IQ2_K_R4_H
#define DQ_IQ2_K_R4_H

#include "interleaved.h"
#include "iqk_values.h"

struct dq_iq2_k_r4 {
	uint8_t d[4][2];
	uint8_t extra[2][4];
	uint8_t scales[32];
	uint8_t qs[256];
};

DQ_FN unsigned iq2_k_r4_scale(const struct dq_iq2_k_r4 *b, struct dq_row at)
{
	return dq_f16_magnitude(b->d[at.r]);
}

DQ_FN void iq2_k_r4_decode(const struct dq_iq2_k_r4 *b, struct dq_row at,
			   unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	const unsigned x = first / 16 * 4 + at.r;
	const int s = b->scales[x % 32] >> x / 32 * 4 & 15;
	const unsigned e = b->extra[first / 16 % 2][at.r] >> first / 32 & 1;
	const float scale = dq_load_f16(b->d[at.r]) * (float)(s - 8);
	struct dq_bytes q;

	for (unsigned i = 0; i < n; i += 4)
		dq_set_word(&q, i, dq_r4_pairs(b->qs, at.r, first + i));
	dq_table(&q, n, iqk_values_2);
	dq_scale(&q, n, scale, 128 - 5 * e, y);
}

#endif

/*
 * IQ3_K_R4: 4 rows of IQ3_K, 4 × 256 weights in 440 bytes.
 *
 *   | d: 4 × f16 | extra: 2 × 4 | scales_h: 8 | scales_l: 32 | qs: 256 |
 *   | qh: 128 |
 *
 *   w = (d · ±(2 s + 1)) · (values[q] + 4 e)
 *
 * extra has a byte for each row and half: the first and the second 16 of each
 * 32 weights. Bit k of it is e for run k of 32. With x = 4 k + row for run k of
 * 16 weights, s is in byte x % 32 of scales_l, low nibble first, and bit x / 8
 * of byte x % 8 of scales_h is its sign. qs has the low two bits, and qh bit 2:
 * see interleaved.h.
 *
 * Exact: 11 + 5 + 6 bits ≤ 24.
 */
#ifndef DQ_IQ3_K_R4_H
#define DQ_IQ3_K_R4_H

#include "interleaved.h"
#include "iqk_values.h"

struct dq_iq3_k_r4 {
	uint8_t d[4][2];
	uint8_t extra[2][4];
	uint8_t scales_h[8];
	uint8_t scales_l[32];
	uint8_t qs[256];
	uint8_t qh[128];
};

DQ_FN unsigned iq3_k_r4_scale(const struct dq_iq3_k_r4 *b, struct dq_row at)
{
	return dq_f16_magnitude(b->d[at.r]);
}

DQ_FN void iq3_k_r4_decode(const struct dq_iq3_k_r4 *b, struct dq_row at,
			   unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	const unsigned x = first / 16 * 4 + at.r;
	const int s = b->scales_l[x % 32] >> x / 32 * 4 & 15;
	const int minus = b->scales_h[x % 8] >> x / 8 & 1;
	const unsigned e = b->extra[first / 16 % 2][at.r] >> first / 32 & 1;
	const float scale = dq_load_f16(b->d[at.r]) *
			    (float)((2 * s + 1) * (1 - 2 * minus));
	struct dq_bytes q;

	for (unsigned i = 0; i < n; i += 4)
		dq_set_word(&q, i, dq_r4_pairs(b->qs, at.r, first + i) |
				   dq_r4_bits(b->qh, at.r, first + i,
					      (first + i) / 4 % 8) << 2);
	dq_table(&q, n, iqk_values_3);
	dq_scale(&q, n, scale, 128 - 4 * e, y);
}

#endif

/*
 * IQ4_K_R4: 4 rows of IQ4_K, 4 × 256 weights in 576 bytes.
 *
 *   | d: 4 × f16 | extra: 2 × 4 | scales_h: 16 | scales_l: 32 | qs: 512 |
 *
 *   w = (d · s) · (values[q] + 4 e)
 *
 * extra has a byte for each row and half: the first and the second 16 of each
 * 32 weights. Bit k of it is e for run k of 32. s is that of dq_r4_scale. qs:
 * see interleaved.h.
 *
 * Exact: 11 + 5 + 7 bits ≤ 24.
 */
#ifndef DQ_IQ4_K_R4_H
#define DQ_IQ4_K_R4_H

#include "interleaved.h"
#include "iq4_values.h"

struct dq_iq4_k_r4 {
	uint8_t d[4][2];
	uint8_t extra[2][4];
	uint8_t scales_h[16];
	uint8_t scales_l[32];
	uint8_t qs[512];
};

DQ_FN unsigned iq4_k_r4_scale(const struct dq_iq4_k_r4 *b, struct dq_row at)
{
	return dq_f16_magnitude(b->d[at.r]);
}

DQ_FN void iq4_k_r4_decode(const struct dq_iq4_k_r4 *b, struct dq_row at,
			   unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	const int s = dq_r4_scale(b->scales_l, b->scales_h, at.r, first);
	const unsigned e = b->extra[first / 16 % 2][at.r] >> first / 32 & 1;
	const float scale = dq_load_f16(b->d[at.r]) * (float)s;
	struct dq_bytes q;

	for (unsigned i = 0; i < n; i += 4)
		dq_set_word(&q, i, dq_r4_nibbles(b->qs, at.r, first + i));
	dq_table(&q, n, iq4_values);
	dq_scale(&q, n, scale, 128 - 4 * e, y);
}

#endif

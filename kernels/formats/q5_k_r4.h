/*
 * Q5_K_R4: 4 rows of Q5_K, 4 × 256 weights in 704 bytes.
 *
 *   | d: 4 × f16 | dmin: 4 × f16 | scales_h: 16 | scales_l: 32 | qh: 128 |
 *   | qs: 512 |
 *
 *   w = (d · sc) · q − dmin · m
 *
 * sc and m are those of r4_k_scales.h. qs has the low four bits: see
 * interleaved.h. Weights 4 k and so on of 32, k = 0 … 7, have bit 4 in bit
 * 4 (k / 4) + 2 (k % 2) + k / 2 % 2 of the bytes of a word of qh.
 *
 * Exact up to the last subtraction: 11 + 6 + 5 bits ≤ 24.
 */
#ifndef DQ_Q5_K_R4_H
#define DQ_Q5_K_R4_H

#include "interleaved.h"
#include "r4_k_scales.h"

struct dq_q5_k_r4 {
	uint8_t d[4][2];
	uint8_t dmin[4][2];
	uint8_t scales_h[16];
	uint8_t scales_l[32];
	uint8_t qh[128];
	uint8_t qs[512];
};

DQ_FN unsigned q5_k_r4_scale(const struct dq_q5_k_r4 *b, struct dq_row at)
{
	return dq_f16_larger(b->d[at.r], b->dmin[at.r]);
}

DQ_FN void q5_k_r4_decode(const struct dq_q5_k_r4 *b, struct dq_row at,
			  unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	const unsigned sc = r4_k_scale(b->scales_l, b->scales_h, at.r, first);
	const unsigned m = r4_k_min(b->scales_l, b->scales_h, at.r, first);
	const float scale = dq_load_f16(b->d[at.r]) * (float)(int)sc;
	const float min = dq_load_f16(b->dmin[at.r]) * (float)(int)m;
	struct dq_bytes q;

	for (unsigned i = 0; i < n; i += 4) {
		const unsigned k = (first + i) / 4 % 8;
		const unsigned bit = k / 4 * 4 + k % 2 * 2 + k / 2 % 2;

		dq_set_word(&q, i, dq_r4_nibbles(b->qs, at.r, first + i) |
				   dq_r4_bits(b->qh, at.r, first + i, bit)
					   << 4);
	}
	dq_scale_add(&q, n, scale, -min, y);
}

#endif

/*
 * Q8_K_R16: 16 rows, 16 × 256 weights in 4128 bytes.
 *
 *   | d: 16 × f16 | qs: 4096 |   w = d · q + (−128 · d)
 *
 * The quants are unsigned, as AVX-512 code writes them.
 *
 * Exact: 11 + 8 bits ≤ 24.
 */
#ifndef DQ_Q8_K_R16_H
#define DQ_Q8_K_R16_H

#include "interleaved.h"

struct dq_q8_k_r16 {
	uint8_t d[16][2];
	uint8_t qs[4096];
};

DQ_FN unsigned q8_k_r16_scale(const struct dq_q8_k_r16 *b, struct dq_row at)
{
	return dq_f16_magnitude(b->d[at.r]);
}

DQ_FN void q8_k_r16_decode(const struct dq_q8_k_r16 *b, struct dq_row at,
			   unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	const float d = dq_load_f16(b->d[at.r]);
	struct dq_bytes q;

	for (unsigned i = 0; i < n; i += 4)
		dq_set_word(&q, i, dq_row_word(b->qs, 16, at.r, first + i));
	dq_scale_add(&q, n, d, -128 * d, y);
}

#endif

/*
 * IQ6_K: 256 weights in 212 bytes, 16 sub-blocks of 16.
 *
 *   | d: f16 | extra: u16 | scales: 16 × int8 | qs: 128 | qh: 64 |
 *
 *   extra    a bit e for each sub-block
 *   scales   s of each sub-block
 *   qs       the low four bits; in each 32 bytes, the low nibbles are weights
 *            0..31, the high nibbles weights 32..63
 *   qh       the upper two bits; a run of 32 bytes holds 128 weights: those of
 *            weights j, j + 32, j + 64 and j + 96 in byte j, lowest first
 *
 *   w = (d · s) · values[q + 64 e]
 *
 * The values are F32 numbers, so that the second product rounds. With d < 4 it
 * is below 4 · 128 · 127.
 */
#ifndef DQ_IQ6_K_H
#define DQ_IQ6_K_H

#include "iqk_values.h"

struct dq_iq6_k {
	uint8_t d[2];
	uint8_t extra[2];
	int8_t scales[16];
	uint8_t qs[128];
	uint8_t qh[64];
};

DQ_FN unsigned iq6_k_scale(const struct dq_iq6_k *b)
{
	/* 2 d: see above. */
	const unsigned d = dq_f16_magnitude(b->d);

	return d < DQ_F16_MAX - 0x400 ? d + 0x400 : d;
}

DQ_FN void iq6_k_decode(const struct dq_iq6_k *b, unsigned first,
			unsigned n, float *DQ_RESTRICT y)
{
	const unsigned sub = first / 16;
	const unsigned e = dq_load_u16(b->extra) >> sub & 1;
	const float scale = dq_load_f16(b->d) * (float)b->scales[sub];
	struct dq_bytes q, high;

	dq_word_fields(&q, n, b->qs + first / 64 * 32 + first % 32,
		       first / 32 % 2 * 4, 15);
	dq_word_fields(&high, n, b->qh + first / 128 * 32 + first % 32,
		       first / 32 % 4 * 2, 3);
	dq_add(&q, n, &high, 16);
	dq_scale_floats(&q, n, iqk_values_6 + 64 * e, scale, y);
}

#endif

/*
 * Q5_0: 32 weights in 22 bytes.
 *
 *   | d: f16 | qh: 4 | qs: 16 |   w = d · (q − 16)
 *
 * The low four bits of weight j are the low nibble of qs[j], those of weight
 * j + 16 the high one; bit 4 of weight j is bit j of qh, a 32-bit number.
 *
 * Exact: 11 + 5 bits ≤ 24.
 */
#ifndef DQ_Q5_0_H
#define DQ_Q5_0_H

#include "../dq_bytes.h"

struct dq_q5_0 {
	uint8_t d[2];
	uint8_t qh[4];
	uint8_t qs[16];
};

DQ_FN unsigned q5_0_scale(const struct dq_q5_0 *b)
{
	return dq_f16_magnitude(b->d);
}

DQ_FN void q5_0_decode(const struct dq_q5_0 *b, unsigned first, unsigned n,
		       float *DQ_RESTRICT y)
{
	const float d = dq_load_f16(b->d);
	const unsigned shift = first / 16 * 4;
	const uint8_t *qs = b->qs + first % 16;
	struct dq_bytes q;

	dq_loose_fields(&q, n, qs, shift, 15);
	dq_add_bits(&q, n, dq_load_u32(b->qh) >> first, 16);
	dq_scale(&q, n, d, 16, y);
}

#endif

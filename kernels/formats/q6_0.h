/*
 * Q6_0: 32 weights in 26 bytes.
 *
 *   | d: f16 | qh: 8 | qs: 16 |   w = d · (q − 32)
 *
 * The low four bits of weight j are the low nibble of qs[j], those of weight j
 * + 16 the high one. The upper two bits of weights j, j + 16, j + 8 and j + 24
 * are in byte j of qh, lowest first.
 *
 * Exact: 11 + 6 bits ≤ 24.
 */
#ifndef DQ_Q6_0_H
#define DQ_Q6_0_H

#include "../dq_bytes.h"

struct dq_q6_0 {
	uint8_t d[2];
	uint8_t qh[8];
	uint8_t qs[16];
};

DQ_FN unsigned q6_0_scale(const struct dq_q6_0 *b)
{
	return dq_f16_magnitude(b->d);
}

DQ_FN void q6_0_decode(const struct dq_q6_0 *b, unsigned first,
		       unsigned n, float *DQ_RESTRICT y)
{
	const unsigned half = first / 16;
	struct dq_bytes q, high;

	for (unsigned i = 0; i < n; i += 4)
		dq_set_word(&high, i,
			    dq_load_loose(b->qh + (first + i) % 8) >>
				    ((first + i) / 8 % 2 * 4 + half * 2) &
			    0x03030303);
	dq_loose_fields(&q, n, b->qs + first % 16, half * 4, 15);
	dq_add(&q, n, &high, 16);
	dq_scale(&q, n, dq_load_f16(b->d), 32, y);
}

#endif

/*
 * Q6_K: 256 weights in 210 bytes, a super-block of 16 sub-blocks of 16.
 *
 *   | ql: 128 | qh: 64 | scales: 16 × int8 | d: f16 |   w = (d · sc) · (q − 32)
 *
 * Each half of a super-block, 128 weights, has 64 bytes of ql and 32 of qh. The
 * low four bits of weights j and j + 64 are the low and high nibble of byte j
 * of ql. The upper two bits of weights j, j + 32, j + 64 and j + 96 are in byte
 * j of qh, lowest first.
 *
 * Exact: 11 + 7 + 6 bits ≤ 24 (a scale or a q of −128 or −32 has one bit).
 */
#ifndef DQ_Q6_K_H
#define DQ_Q6_K_H

#include "../dq_bytes.h"

struct dq_q6_k {
	uint8_t ql[128];
	uint8_t qh[64];
	int8_t scales[16];
	uint8_t d[2];
};

DQ_FN unsigned q6_k_scale(const struct dq_q6_k *b)
{
	return dq_f16_magnitude(b->d);
}

DQ_FN void q6_k_decode(const struct dq_q6_k *b, unsigned first, unsigned n,
		       float *DQ_RESTRICT y)
{
	const unsigned half = first / 128;
	const unsigned low_shift = first / 64 % 2 * 4;
	const unsigned high_shift = first / 32 % 4 * 2;
	const uint8_t *ql = b->ql + half * 64 + first % 64;
	const uint8_t *qh = b->qh + half * 32 + first % 32;
	const float scale = dq_load_f16(b->d) * (float)b->scales[first / 16];
	struct dq_bytes q, high;

	dq_loose_fields(&q, n, ql, low_shift, 15);
	dq_loose_fields(&high, n, qh, high_shift, 3);
	dq_add(&q, n, &high, 16);
	dq_scale(&q, n, scale, 32, y);
}

#endif

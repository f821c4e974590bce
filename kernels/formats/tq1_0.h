/*
 * TQ1_0: 256 weights in 54 bytes.
 *
 *   | qs: 48 | qh: 4 | d: f16 |   w = d · (digit − 1)
 *
 * A byte holds five ternary digits, or four in qh, as the fraction byte / 256:
 * digit k is the integer part of 3 · frac(byte · 3^k / 256). Bytes qs[0..31]
 * give weights 0..159, qs[32..47] weights 160..239, qh weights 240..255: the
 * first digits of all these bytes, then their second ones, and so on.
 *
 * Exact: a product with −1, 0 or 1.
 */
#ifndef DQ_TQ1_0_H
#define DQ_TQ1_0_H

#include "../dq.h"

struct dq_tq1_0 {
	uint8_t qs[48];
	uint8_t qh[4];
	uint8_t d[2];
};

DQ_FN int tq1_0_is_finite(const struct dq_tq1_0 *b)
{
	return dq_f16_is_finite(b->d);
}

/* q[i] = digit number k of bytes[i], less one */
DQ_FN void tq1_0_digits(const uint8_t *bytes, unsigned k, unsigned n, int8_t *q)
{
	const uint64_t powers = 0x511b090301; /* of 3: 81, 27, 9, 3, 1 */
	const uint8_t power = (uint8_t)(powers >> k * 8);

	for (unsigned i = 0; i < n; i++) {
		const uint8_t fraction = (uint8_t)(bytes[i] * power);

		q[i] = (int8_t)((fraction * 3 >> 8) - 1);
	}
}

DQ_FN void tq1_0_decode(const struct dq_tq1_0 *b, unsigned first, unsigned n,
			float *DQ_RESTRICT y)
{
	int8_t q[DQ_MAX_SPAN];

	if (first < 160)
		tq1_0_digits(b->qs + first % 32, first / 32, n, q);
	else if (first < 240)
		tq1_0_digits(b->qs + 32 + first % 16, (first - 160) / 16, n, q);
	else
		for (unsigned i = 0; i < n; i += 4)
			tq1_0_digits(b->qh, (first - 240 + i) / 4, 4, q + i);
	dq_scale(q, n, dq_load_f16(b->d), y);
}

#endif

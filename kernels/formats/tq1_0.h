/*
 * TQ1_0: 256 weights in 54 bytes.
 *
 *   | qs: 48 | qh: 4 | d: f16 |   w = d · (digit − 1)
 *
 * A byte holds five ternary digits (four in qh) as the fraction byte / 256:
 * digit k is the integer part of 3 · frac(byte · 3^k / 256). qs[0..31] holds
 * weights 0..159, qs[32..47] weights 160..239, and qh weights 240..255. Within
 * each group come the first digits of all its bytes, then the second digits,
 * and so on.
 *
 * Exact: a product with −1, 0 or 1.
 */
#ifndef DQ_TQ1_0_H
#define DQ_TQ1_0_H

#include "../dq_bytes.h"

struct dq_tq1_0 {
	uint8_t qs[48];
	uint8_t qh[4];
	uint8_t d[2];
};

DQ_FN unsigned tq1_0_scale(const struct dq_tq1_0 *b)
{
	return dq_f16_magnitude(b->d);
}

/* 3^k, k ≤ 4 */
DQ_FN unsigned tq1_0_power(unsigned k)
{
	return k == 4 ? 81 : 0x1b090301u >> 8 * k & 255;
}

DQ_FN void tq1_0_decode(const struct dq_tq1_0 *b, unsigned first, unsigned n,
			float *DQ_RESTRICT y)
{
	const unsigned in_qh = first >= 240, in_16 = first >= 160;
	const unsigned run = in_qh ? 4 : DQ_RUN(n);
	/* The first byte, counted in the block, and the number of its digit. */
	unsigned byte = in_16 ? 32 + first % 16 : first % 32;
	unsigned digit = in_16 ? first / 16 - 10 : first / 32;
	struct dq_bytes q;

	byte = in_qh ? 48 : byte;
	digit = in_qh ? first / 4 % 4 : digit;
	for (unsigned i = 0; i < n; i += run) {
		dq_digits(&q, i, run, (const uint8_t *)b + byte,
			  tq1_0_power(digit));
		byte += in_qh ? 0 : run;
		digit += in_qh;
	}
	dq_scale(&q, n, dq_load_f16(b->d), 1, y);
}

#endif

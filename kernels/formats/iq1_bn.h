/*
 * IQ1_BN: 64 weights in 13 bytes, and a scale d per row.
 *
 *   row header   | d: f16 |
 *   block        | ql: 4 × 3 | extra: 1 |   w = d · (digit − 1)
 *
 * A byte holds five ternary digits as the fraction byte / 256, as in TQ1_0. Of
 * each 16 weights, 15 are the digits of three bytes of ql, the last digit first:
 * digit k of a byte is 3 · frac(byte · 3^(4 − k) / 256) rounded down. The 16th
 * is a digit of extra, which has one for each 16 weights.
 *
 * Exact: a product with −1, 0 or 1.
 */
#ifndef DQ_IQ1_BN_H
#define DQ_IQ1_BN_H

#include "../dq_bytes.h"
#include "../dq_rows.h"

struct dq_iq1_bn {
	uint8_t ql[4][3];
	uint8_t extra;
};

DQ_ROW_SCALE(iq1_bn)

/* 3^(4 − k) */
DQ_FN unsigned iq1_bn_power(unsigned k)
{
	return k ? 0x0103091bu >> 8 * (k - 1) & 255 : 81;
}

DQ_FN void iq1_bn_decode(const struct dq_iq1_bn *b, struct dq_row at,
			 unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	for (unsigned i = 0; i < n; i++) {
		const unsigned j = (first + i) % 16, group = first / 16;
		const unsigned byte = j < 15 ? b->ql[group][j / 5] : b->extra;
		const unsigned k = j < 15 ? j % 5 : group;
		const unsigned fraction = byte * iq1_bn_power(k) & 255;

		y[i] = at.d * ((float)(int)(fraction * 3 >> 8) - 1.0f);
	}
}

#endif

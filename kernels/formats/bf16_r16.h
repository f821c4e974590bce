/*
 * BF16_R16: 16 rows of BF16, 16 × 16 weights in 512 bytes.
 *
 *   | w: 8 × 16 × 2 × bf16 |
 *
 * Pairs of neighbours of one row, and then those of the next row. 16 weights
 * per block are what a kernel needs; a file only has pairs.
 */
#ifndef DQ_BF16_R16_H
#define DQ_BF16_R16_H

#include "interleaved.h"

struct dq_bf16_r16 {
	uint8_t w[8][16][4];
};

DQ_FN unsigned bf16_r16_scale(const struct dq_bf16_r16 *b, struct dq_row at)
{
	(void)b; /* any weight may be large, or NaN */
	(void)at;
	return DQ_F16_INF;
}

DQ_FN void bf16_r16_decode(const struct dq_bf16_r16 *b, struct dq_row at,
			   unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	for (unsigned i = 0; i < n; i += 2) {
		const uint32_t pair = dq_load_word(b->w[(first + i) / 2][at.r]);

		y[i] = dq_float(pair << 16);
		y[i + 1] = dq_float(pair & 0xffff0000);
	}
}

#endif

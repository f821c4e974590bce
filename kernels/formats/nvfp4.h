/*
 * NVFP4: 64 weights in 36 bytes, 4 sub-blocks of 16.
 *
 *   | d: 4 × UE4M3 | qs: 32 |   w = d / 2 · 2 E2M1(q)
 *
 * Each sub-block has 8 bytes of qs: the low nibble of byte j is q of weight j,
 * the high one that of weight j + 8.
 *
 * Exact: 4 + 3 bits ≤ 24. No scale is Inf or NaN.
 */
#ifndef DQ_NVFP4_H
#define DQ_NVFP4_H

#include "../dq_bytes.h"
#include "fp4.h"

struct dq_nvfp4 {
	uint8_t d[4];
	uint8_t qs[32];
};

DQ_FN unsigned nvfp4_scale(const struct dq_nvfp4 *b)
{
	(void)b; /* at most 448 */
	return 0;
}

DQ_FN void nvfp4_decode(const struct dq_nvfp4 *b, unsigned first, unsigned n,
			float *DQ_RESTRICT y)
{
	const float scale = dq_ue4m3_half(b->d[first / 16]);
	const uint8_t *qs = b->qs + first / 16 * 8 + first % 8;
	const unsigned shift = first / 8 % 2 * 4;
	struct dq_bytes q;

	dq_fields(&q, n, qs, shift, 15);
	dq_scale_table(&q, n, fp4_values, scale, y);
}

#endif

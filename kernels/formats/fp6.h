/*
 * The blocks of MXFP6 (OCP Microscaling v1.0), which GGUF has no id for.
 *
 *   | e: 1 | qs: 24 |   w = 2^(e − 127) · q, NaN if e = 255
 *
 * The element q of weight i is bits 6 i to 6 i + 5 of qs, lowest first:
 * | sign: 1 | exponent | mantissa |, without Inf and NaN; −0 stays −0.
 */
#ifndef DQ_FP6_H
#define DQ_FP6_H

#include "../dq_bytes.h"

/* 2^(e − 127); e = 0 is subnormal. */
DQ_FN float dq_e8m0(uint8_t e)
{
	const uint32_t bits = e ? (uint32_t)e << 23 : 0x00400000;

	return dq_float(e == 255 ? 0x7fc00000 : bits);
}

DQ_FN unsigned dq_e8m0_scale(uint8_t e)
{
	return e < 127 + 3 ? 0 : e < 255 ? DQ_F16_MAX : DQ_F16_INF;
}

/*
 * Decodes n weights from `first` on of the block with scale e. Read as the
 * exponent and mantissa of a binary16, whose bias is 15, an element is too
 * small by `power`: 2^14 for E2M3, 2^12 for E3M2.
 */
DQ_FN void dq_fp6_decode(const uint8_t *e, const uint8_t *qs, unsigned first,
			 unsigned n, unsigned shift, float power,
			 float *DQ_RESTRICT y)
{
	struct dq_bytes q;

	dq_sixes(&q, n, qs + first / 4 * 3);
	dq_scale_half(&q, n, shift, power, dq_e8m0(*e), y);
}

#endif

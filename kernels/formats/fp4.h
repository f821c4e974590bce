/*
 * The 4-bit floats of MXFP4 and NVFP4 and their scales. Like ggml, this doubles
 * the element, which makes it an integer, and halves the scale.
 */
#ifndef DQ_FP4_H
#define DQ_FP4_H

#include "../dq_bytes.h"

/* 2 · E2M1; −0 counts as 0. */
DQ_SIXTEEN(fp4_values, 0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);

/* 2^(e − 128); e = 0 and 1 are subnormal. */
DQ_FN float dq_e8m0_half(uint8_t e)
{
	return dq_float(e < 2 ? 0x00200000u << e : (e - 1u) << 23);
}

/*
 * Half of a UE4M3: | 0 | exponent: 4, bias 7 | mantissa: 3 |. Like in ggml,
 * 0x7f counts as 0, and the top bit is ignored.
 */
DQ_FN float dq_ue4m3_half(uint8_t x)
{
	/* Read as the exponent and mantissa of an F32: too small by 2^120. */
	const float f = dq_float((uint32_t)(x & 0x7f) << 20);

	return x == 0x7f ? 0.0f : f * dq_float(0x7b000000); /* 2^119 */
}

#endif

/*
 * The 4-bit floats of MXFP4 and NVFP4 and their scales. ggml doubles the
 * element, so that it is an integer, and halves the scale.
 */
#ifndef DQ_FP4_H
#define DQ_FP4_H

#include "../dq.h"

/*
 * 2 · E2M1: 0 1 2 3 4 6 8 12, the greatest of t, 2 t − 4 and 4 t − 16, then the
 * same below zero; −0 counts as 0. In bytes, for the vectoriser.
 */
DQ_FN int8_t dq_e2m1_twice(unsigned q)
{
	const int8_t t = q & 7;
	const int8_t t2 = (int8_t)(2 * t - 4);
	const int8_t t4 = (int8_t)(4 * t - 16);
	const int8_t up_to_8 = t > t2 ? t : t2;
	const int8_t magnitude = up_to_8 > t4 ? up_to_8 : t4;

	return (int8_t)(q & 8 ? -magnitude : magnitude);
}

/* 2^(e − 128); e = 0 and 1 are subnormal. */
DQ_FN float dq_e8m0_half(uint8_t e)
{
	return dq_float(e < 2 ? 0x00200000u << e : (e - 1u) << 23);
}

/*
 * Half of a UE4M3: | 0 | exponent: 4, bias 7 | mantissa: 3 |, 0x7f counts as 0.
 * As ggml does, the top bit is ignored.
 */
DQ_FN float dq_ue4m3_half(uint8_t x)
{
	/* Its bits as an F32's exponent and mantissa: too small by 2^120. */
	const float f = dq_float((uint32_t)(x & 0x7f) << 20);

	return x == 0x7f ? 0.0f : f * dq_float(0x7b000000); /* 2^119 */
}

#endif

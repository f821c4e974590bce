/*
 * Q1_0: 128 weights in 18 bytes.   | d: f16 | qs: 16 |   w = bit ? d : −d
 *
 * Bit j of qs is weight j; bit 0 is the lowest bit of the first byte.
 */
#ifndef DQ_Q1_0_H
#define DQ_Q1_0_H

#include "../dq.h"

struct dq_q1_0 {
	uint8_t d[2];
	uint8_t qs[16];
};

DQ_FN unsigned q1_0_scale(const struct dq_q1_0 *b)
{
	return dq_f16_magnitude(b->d);
}

DQ_FN void q1_0_decode(const struct dq_q1_0 *b, unsigned first, unsigned n,
		       float *DQ_RESTRICT y)
{
	const uint32_t minus_d = dq_bits(dq_load_f16(b->d)) ^ 0x80000000;
	const uint32_t bits = dq_load_u32(b->qs + first / 32 * 4) >> first % 32;

	for (unsigned i = 0; i < n; i++)
		y[i] = dq_float(minus_d ^ (bits >> i & 1) << 31);
}

#endif

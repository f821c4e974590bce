/*
 * Q8_K: 256 weights in 292 bytes.
 *
 *   | d: f32 | qs: 256 × int8 | bsums: 16 × int16 |   w = d · q
 *
 * bsums, the sums of 16 neighbours, are only needed for dot products. The
 * product is rounded, and overflows to infinity if d is large.
 */
#ifndef DQ_Q8_K_H
#define DQ_Q8_K_H

#include "../dq_bytes.h"

struct dq_q8_k {
	uint8_t d[4];
	int8_t qs[256];
	uint8_t bsums[32];
};

DQ_FN unsigned q8_k_scale(const struct dq_q8_k *b)
{
	const uint32_t d = dq_load_u32(b->d) & 0x7fffffff;

	return d < 0x41000000 ? 0 : d < 0x7f800000 ? DQ_F16_MAX : DQ_F16_INF;
}

DQ_FN void q8_k_decode(const struct dq_q8_k *b, unsigned first, unsigned n,
		       float *DQ_RESTRICT y)
{
	const float d = dq_float(dq_load_u32(b->d));

	dq_scale_int8(b->qs + first, n, d, y);
}

#endif

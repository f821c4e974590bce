/*
 * IQ4_NL: 32 weights in 18 bytes.   | d: f16 | qs: 16 |   w = d · values[q]
 *
 * The low nibbles of qs are weights 0..15, the high nibbles weights 16..31.
 *
 * Exact: 11 + 7 bits ≤ 24.
 */
#ifndef DQ_IQ4_NL_H
#define DQ_IQ4_NL_H

#include "../dq.h"
#include "iq4_values.h"

struct dq_iq4_nl {
	uint8_t d[2];
	uint8_t qs[16];
};

DQ_FN unsigned iq4_nl_scale(const struct dq_iq4_nl *b)
{
	return dq_f16_magnitude(b->d);
}

DQ_FN void iq4_nl_decode(const struct dq_iq4_nl *b, unsigned first, unsigned n,
			 float *DQ_RESTRICT y)
{
	iq4_decode(dq_load_f16(b->d), b->qs + first % 16, first / 16 * 4, n, y);
}

#endif

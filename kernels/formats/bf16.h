/* BF16: the upper half of an IEEE binary32, | bits: 2 |. */
#ifndef DQ_BF16_H
#define DQ_BF16_H

#include "../dq.h"

struct dq_bf16 {
	uint8_t bits[2];
};

DQ_FN float bf16_decode(const struct dq_bf16 *w)
{
	return dq_canonical(dq_float((uint32_t)dq_load_u16(w->bits) << 16));
}

#endif

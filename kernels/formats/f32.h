/* F32: IEEE binary32, | bits: 4 |. */
#ifndef DQ_F32_H
#define DQ_F32_H

#include "../dq.h"

struct dq_f32 {
	uint8_t bits[4];
};

DQ_FN float f32_decode(const struct dq_f32 *w)
{
	return dq_canonical(dq_float(dq_load_u32(w->bits)));
}

#endif

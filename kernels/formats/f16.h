/* F16: IEEE binary16, | bits: 2 |. */
#ifndef DQ_F16_H
#define DQ_F16_H

#include "../dq.h"

struct dq_f16 {
	uint8_t bits[2];
};

DQ_FN float f16_decode(const struct dq_f16 *w)
{
	return dq_canonical(dq_load_f16(w->bits));
}

#endif

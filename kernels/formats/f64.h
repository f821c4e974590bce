/* F64: IEEE binary64, | bits: 8 |, rounded to F32, to nearest even. */
#ifndef DQ_F64_H
#define DQ_F64_H

#include "../dq.h"

struct dq_f64 {
	uint8_t bits[8];
};

DQ_FN float f64_decode(const struct dq_f64 *w)
{
	const uint64_t u = dq_load_u64(w->bits);
	double d;

	memcpy(&d, &u, sizeof(d));
	return dq_canonical((float)d);
}

#endif

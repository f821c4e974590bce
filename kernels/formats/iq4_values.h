/* Shared by IQ4_NL and IQ4_XS: 16 values, denser near zero, like weights. */
#ifndef DQ_IQ4_VALUES_H
#define DQ_IQ4_VALUES_H

#include "../dq_bytes.h"

DQ_SIXTEEN(iq4_values, -127, -104, -83, -65, -49, -35, -22, -10,
	   1, 13, 25, 38, 53, 69, 89, 113);

/* y[i] = scale · values[q], where q is the nibble of qs[i] at bit `shift`. */
DQ_FN void iq4_decode(float scale, const uint8_t *qs, unsigned shift,
		      unsigned n, float *DQ_RESTRICT y)
{
	struct dq_bytes q;

	dq_fields(&q, n, qs, shift, 15);
	dq_scale_table(&q, n, iq4_values, scale, y);
}

#endif

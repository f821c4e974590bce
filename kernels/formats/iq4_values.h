/* What IQ4_NL and IQ4_XS share: 16 values, denser where weights are. */
#ifndef DQ_IQ4_VALUES_H
#define DQ_IQ4_VALUES_H

#include "../dq.h"

DQ_TABLE float iq4_values[16] = {
	-127, -104, -83, -65, -49, -35, -22, -10,
	1, 13, 25, 38, 53, 69, 89, 113,
};

/* y[i] = scale · the value of the nibble of qs[i] that starts at bit `shift` */
DQ_FN void iq4_decode(float scale, const uint8_t *qs, unsigned shift,
		      unsigned n, float *DQ_RESTRICT y)
{
	for (unsigned i = 0; i < n; i++)
		y[i] = scale * iq4_values[qs[i] >> shift & 15];
}

#endif

/* Shared by IQ1_S and IQ1_M: points of −1, 0 and 1, shifted by a delta. */
#ifndef DQ_IQ1_POINTS_H
#define DQ_IQ1_POINTS_H

#include "../dq_bytes.h"
#include "iq_tables.h"

/*
 * y[j] = scale · (grid[j] + delta); delta is −0.125 if minus is 1, 0.125 if it
 * is 0. The codes of the grid are one above its values. There is no branch on
 * `minus`, since it would be mispredicted every other time.
 */
DQ_FN void iq1_decode_point(float scale, unsigned codes, unsigned minus,
			    unsigned n, float *DQ_RESTRICT y)
{
	const float offset = -0.875f - 0.25f * (float)minus;

	dq_scale_pairs(codes, n, scale, offset, y);
}

#endif

/* Shared by the IQ2 and IQ3 formats: points of a grid, and their signs. */
#ifndef DQ_IQ_POINTS_H
#define DQ_IQ_POINTS_H

#include "../dq.h"
#include "iq_tables.h"

/*
 * The signs of 8 weights from the 7 that are stored. The number of minus signs
 * is even, so the eighth sign is the parity of the others.
 */
DQ_FN unsigned iq_even_signs(unsigned seven)
{
	const unsigned folded = (seven ^ seven >> 4) & 15;

	return seven | (0x6996u >> folded & 1) << 7;
}

/*
 * y[j] = (±scale) · value j of grid, with a minus if bit j of signs is set; n
 * is 4 or 8. The sign is XORed, since a branch would be mispredicted every
 * other time.
 */
DQ_FN void iq_decode_point(float scale, const uint32_t *grid, unsigned signs,
			   unsigned n, float *DQ_RESTRICT y)
{
	for (unsigned j = 0; j < n; j++) {
		const uint32_t minus = signs << (31 - j) & 0x80000000;

		y[j] = dq_float(dq_bits(scale) ^ minus) *
		       dq_byte(grid[j / 4], j % 4, 0);
	}
}

#endif

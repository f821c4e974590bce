/*
 * The 6-bit scales and mins of Q4_K_R4 and Q5_K_R4, eight of each per row. With
 * z = 4 k + row for run k of 32 weights, their low nibbles are the low and the
 * high one of byte z of scales_l. Their upper two bits are in a nibble of byte
 * z % 16 of scales_h, low nibble first: those of the scale, then of the min.
 */
#ifndef DQ_R4_K_SCALES_H
#define DQ_R4_K_SCALES_H

#include "../dq.h"

DQ_FN unsigned r4_k_scale(const uint8_t *scales_l, const uint8_t *scales_h,
			  unsigned r, unsigned first)
{
	const unsigned z = first / 32 * 4 + r;

	return (scales_l[z] & 15u) | (scales_h[z % 16] >> z / 16 * 4 & 3u) << 4;
}

DQ_FN unsigned r4_k_min(const uint8_t *scales_l, const uint8_t *scales_h,
			unsigned r, unsigned first)
{
	const unsigned z = first / 32 * 4 + r;

	return scales_l[z] >> 4 |
	       (scales_h[z % 16] >> (z / 16 * 4 + 2) & 3u) << 4;
}

#endif

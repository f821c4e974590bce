/* Shared by IQ2_XXS_R4 and IQ3_XXS_R4: a word of 28 bits of signs and 4 of a
 * scale, which are bit 0 of each byte. */
#ifndef DQ_R4_SIGNS_H
#define DQ_R4_SIGNS_H

#include "../dq.h"
#include "iq_points.h"

/* The signs of 32 weights, lowest first. */
DQ_FN uint32_t r4_signs(uint32_t word)
{
	const uint32_t sevens = word & 0xfefefefe;

	return sevens ^ sevens >> 1;
}

#endif

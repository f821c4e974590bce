/*
 * The 6-bit scales and mins of Q4_K and Q5_K, eight of each in 12 bytes:
 *
 *   byte      0..3                4..7                8..11
 *   bits 0–5  scale 0..3          min 0..3            low nibble: scale 4..7
 *   bits 6–7  scale 4..7 bits 4–5 min 4..7 bits 4–5   high nibble: min 4..7
 */
#ifndef DQ_K_SCALES_H
#define DQ_K_SCALES_H

#include "../dq.h"

/*
 * Both functions load the bytes for either half of the sub-blocks, so that no
 * load waits for a branch on a GPU.
 */
DQ_FN unsigned dq_k_scale(const uint8_t *scales, unsigned sub)
{
	const unsigned low = scales[sub % 4], high = scales[sub % 4 + 8];
	const unsigned first = low & 63, last = (high & 15) | low >> 6 << 4;

	return sub < 4 ? first : last;
}

DQ_FN unsigned dq_k_min(const uint8_t *scales, unsigned sub)
{
	const unsigned low = scales[sub % 4 + 4], high = scales[sub % 4 + 8];
	const unsigned first = low & 63, last = high >> 4 | low >> 6 << 4;

	return sub < 4 ? first : last;
}

#endif

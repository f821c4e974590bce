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

DQ_FN unsigned dq_k_scale(const uint8_t *scales, unsigned sub)
{
	return sub < 4 ? scales[sub] & 63u
		       : (scales[sub + 4] & 15u) | scales[sub - 4] >> 6 << 4;
}

DQ_FN unsigned dq_k_min(const uint8_t *scales, unsigned sub)
{
	return sub < 4 ? scales[sub + 4] & 63u
		       : (unsigned)scales[sub + 4] >> 4 | scales[sub] >> 6 << 4;
}

#endif

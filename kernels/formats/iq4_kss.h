/*
 * IQ4_KSS: 256 weights in 128 bytes, 8 sub-blocks of 32, and a scale d per row.
 *
 *   row header   | d: f32 |
 *   block        | qs: 8 × 8 × u16 |
 *
 *   w = (d · ((s & 254) − 127)) · (values[q] + 4 (s & 1))
 *
 * Bit 0 of the eight numbers g of a sub-block is s, lowest bit first. The other
 * 15 bits are four quants: with bit 0 cleared, g ^ g >> 1 are two bytes whose
 * low nibbles are weights j and j + 1 of 16, and whose high nibbles are weights
 * j + 16 and j + 17.
 *
 * Both products round. The first one may overflow or be subnormal.
 */
#ifndef DQ_IQ4_KSS_H
#define DQ_IQ4_KSS_H

#include "../dq_rows.h"
#include "iq4_values.h"

struct dq_iq4_kss {
	uint8_t qs[8][16];
};

DQ_ROW_SCALE(iq4_kss)

/* Bit 0 of each of the eight numbers. */
DQ_FN unsigned iq4_kss_scale_byte(const uint8_t *qs)
{
	unsigned s = 0;

	for (unsigned i = 0; i < 4; i++) {
		const uint32_t w = dq_load_word(qs + 4 * i);

		s |= ((w & 1) | (w >> 15 & 2)) << 2 * i;
	}
	return s;
}

DQ_FN void iq4_kss_decode(const struct dq_iq4_kss *b, struct dq_row at,
			  unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	const uint8_t *qs = b->qs[first / 32];
	const unsigned s = iq4_kss_scale_byte(qs);
	const float scale = at.d * (float)((int)(s & 254) - 127);
	struct dq_bytes q;

	for (unsigned i = 0; i < n; i += 4) {
		const uint32_t g = dq_load_word(qs + (first + i) % 16) &
				   0xfffefffe;

		dq_set_word(&q, i, (g ^ (g >> 1 & 0x7fff7fff)) >>
					   first / 16 % 2 * 4 & 0x0f0f0f0f);
	}
	dq_table(&q, n, iq4_values);
	dq_scale(&q, n, scale, 128 - 4 * (s & 1), y);
}

#endif

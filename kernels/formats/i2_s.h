/*
 * I2_S of BitNet: 128 weights in 32 bytes, and a scale d per tensor.
 *
 *   block                 | qs: 32 |   w = d · (q − 1)
 *   header, at the end    | d: f32 | unused: 28 |
 *
 * Two bits of weights j, j + 32, j + 64 and j + 96 are in byte j, highest
 * first.
 */
#ifndef DQ_I2_S_H
#define DQ_I2_S_H

#include "../dq_bytes.h"
#include "../dq_rows.h"

struct dq_i2_s {
	uint8_t qs[32];
};

DQ_ROW_SCALE(i2_s)

DQ_FN void i2_s_decode(const struct dq_i2_s *b, struct dq_row at,
		       unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	struct dq_bytes q;

	dq_word_fields(&q, n, b->qs + first % 32, 6 - first / 32 * 2, 3);
	dq_scale(&q, n, at.d, 1, y);
}

#endif

/*
 * Q8_KV_R8: 8 rows, 8 × 32 weights in 256 bytes, and a scale d per row.
 *
 *   row headers   | d: 8 × f32 |
 *   block         | qs: 256 × int8 |   w = d · q
 *
 * The product rounds.
 */
#ifndef DQ_Q8_KV_R8_H
#define DQ_Q8_KV_R8_H

#include "interleaved.h"

struct dq_q8_kv_r8 {
	uint8_t qs[256];
};

DQ_ROW_SCALE(q8_kv_r8)

DQ_FN void q8_kv_r8_decode(const struct dq_q8_kv_r8 *b, struct dq_row at,
			   unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	dq_scale_row_int8(b->qs, 8, at.r, first, n, at.d, y);
}

#endif

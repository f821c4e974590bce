/*
 * Q8_KV: 32 weights in 32 bytes, and a scale d per row.
 *
 *   row header   | d: f32 | sum: 4, unused |
 *   block        | qs: 32 × int8 |   w = d · q
 *
 * The product rounds.
 */
#ifndef DQ_Q8_KV_H
#define DQ_Q8_KV_H

#include "../dq_bytes.h"
#include "../dq_rows.h"

struct dq_q8_kv {
	int8_t qs[32];
};

DQ_ROW_SCALE(q8_kv)

DQ_FN void q8_kv_decode(const struct dq_q8_kv *b, struct dq_row at,
			unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	dq_scale_int8_words(b->qs + first, n, at.d, y);
}

#endif

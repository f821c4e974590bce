/*
 * dq_bytes.h - unpacks fields into bytes q[0..n) and scales these to values.
 * Most decode functions consist of these steps.
 *
 * A CPU uses an array of up to 32 bytes, which the compiler vectorises. A GPU
 * uses up to 8 bytes, four per word, since an instruction on a word costs no
 * more than one on a byte. n is a multiple of 4, and a compile-time constant.
 *
 *   dq_fields(&q, n, p, shift, mask)        q[i] = p[i] >> shift & mask
 *   dq_loose_fields(&q, n, p, shift, mask)  the same, by dq_load_words
 *   dq_word_fields(&q, n, p, shift, mask)   the same, for p a multiple of 4
 *   dq_set_word(&q, i, w)                   q[i] to q[i + 3] = the bytes of w;
 *                                              i is a multiple of 4
 *   dq_add(&q, n, &x, k)                    q[i] += x[i] · k
 *   dq_add_bits(&q, n, bits, k)             q[i] += k where bit i is set
 *   dq_digits(&q, at, n, p, k)              q[at + i] = 3 frac(p[i] · k / 256)
 *                                              rounded down; k < 128; n is
 *                                              DQ_RUN(m) for m digits in a row,
 *                                              or 4
 *   dq_sixes(&q, n, p)                      q[i] = bits 6 i to 6 i + 5 of p;
 *                                              p[-1] must be readable
 *   dq_table(&q, n, table)                  q[i] = table[q[i]] + 128
 *   dq_table_32(&q, n, table)               the same for a table of 32
 *   dq_scale(&q, n, d, zero, y)             y[i] = d · (q[i] − zero)
 *   dq_scale_add(&q, n, d, m, y)            y[i] = d · q[i] + m
 *   dq_scale_table(&q, n, table, d, y)      y[i] = d · table[q[i]]
 *   dq_scale_half(&q, n, shift, k, d, y)    y[i] = d · (k · the binary16 whose
 *                                              sign is q[i] >> 5 and whose
 *                                              other bits (q[i] & 31) << shift)
 *   dq_scale_floats(&q, n, bits, d, y)      y[i] = d · the F32 of bits[q[i]]
 *   dq_scale_int8(p, n, d, y)               y[i] = d · p[i]
 *   dq_scale_int8_words(p, n, d, y)         the same, for p a multiple of 4
 *   dq_scale_pairs(pairs, n, d, offset, y)  y[i] = d · (two bits of pairs, the
 *                                              lowest first, + offset); n ≤ 16
 *
 * dq_table_value(table, i) is a single entry.
 *
 * Sums must fit in 7 bits, but dq_scale_add takes 8. DQ_SIXTEEN(table, …)
 * defines a table of 16 integers of 8 bits, and DQ_THIRTY_TWO(table, …) one of
 * 32. In dq_scale, q[i] − zero is one, too.
 */
#ifndef DQ_BYTES_H
#define DQ_BYTES_H

#include "dq.h"

#ifdef DQ_WORDS
#include "dq_bytes_words.h"
#else
#include "dq_bytes_array.h"
#endif

#endif

/*
 * dq_bytes.h - from packed fields to small integers q[0..n) in bytes, and from
 * these to values: what the decode of most formats is made of.
 *
 * A CPU has an array of up to 32 bytes that the compiler vectorises; a GPU has
 * up to 8, four in a word, since a word's instruction costs it no more than a
 * byte's. n is a multiple of 4 and known to the compiler.
 *
 *   dq_fields(&q, n, p, shift, mask)        q[i] = p[i] >> shift & mask
 *   dq_loose_fields(&q, n, p, shift, mask)  the same, by dq_load_words
 *   dq_add(&q, n, &x, k)                    q[i] += x[i] · k
 *   dq_add_bits(&q, n, bits, k)             q[i] += k where bit i is set
 *   dq_digits(&q, at, n, p, k)              q[at + i] = 3 frac(p[i] · k / 256)
 *                                              rounded down; n is DQ_RUN(m) for
 *                                              m digits in a row, or 4; k < 128
 *   dq_sixes(&q, n, p)                      q[i] = bits 6 i to 6 i + 5 of p;
 *                                              p[-1] is readable
 *   dq_scale(&q, n, d, zero, y)             y[i] = d · (q[i] − zero)
 *   dq_scale_add(&q, n, d, m, y)            y[i] = d · q[i] + m
 *   dq_scale_table(&q, n, table, d, y)      y[i] = d · table[q[i]]
 *   dq_scale_half(&q, n, shift, k, d, y)    y[i] = d · (k · the binary16 whose
 *                                              sign is q[i] >> 5 and whose
 *                                              other bits (q[i] & 31) << shift)
 *   dq_scale_int8(p, n, d, y)               y[i] = d · p[i]
 *   dq_scale_pairs(pairs, n, d, offset, y)  y[i] = d · (two bits of pairs, the
 *                                              lowest first, + offset); n ≤ 16
 *
 * A sum fits 7 bits. DQ_SIXTEEN(table, …) defines a table of 16 integers, which
 * fit 8 bits.
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

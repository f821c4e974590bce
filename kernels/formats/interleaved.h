/*
 * Shared by the formats whose rows are interleaved: _R4, _R8 and _R16. Such a
 * block has the bytes of the plain blocks of its rows in another order, in runs
 * of four: four bytes of one row, those of the next row, and so on. So four
 * neighbours of a row, from weight i on, are one word.
 */
#ifndef DQ_INTERLEAVED_H
#define DQ_INTERLEAVED_H

#include "../dq_bytes.h"
#include "../dq_rows.h"

/* Word number i / 4 of row r, of R rows, if the weights have a byte each. */
DQ_FN uint32_t dq_row_word(const uint8_t *p, unsigned rows, unsigned r,
			   unsigned i)
{
	return dq_load_word(p + 4 * (i / 4 * rows + r));
}

/*
 * Of four rows, each 32 weights have their nibbles in four words per row. The
 * nibbles of weights 4 k and so on, k = 0 … 7, are in
 *
 *   word            0     1     2     3
 *   low nibbles    k 0   k 4   k 1   k 5
 *   high nibbles   k 2   k 6   k 3   k 7
 */
DQ_FN unsigned dq_r4_word(unsigned i)
{
	return i / 4 % 2 * 2 + i / 16 % 2;
}

DQ_FN unsigned dq_r4_high(unsigned i)
{
	return i / 8 % 2;
}

DQ_FN uint32_t dq_r4_nibbles(const uint8_t *qs, unsigned r, unsigned i)
{
	return dq_load_word(qs + 64 * (i / 32) + 16 * dq_r4_word(i) + 4 * r) >>
	       4 * dq_r4_high(i) & 0x0f0f0f0f;
}

/* Two bits of each weight, 16 weights of a row in a word, lowest first. */
DQ_FN uint32_t dq_r4_pairs(const uint8_t *qs, unsigned r, unsigned i)
{
	return dq_load_word(qs + 16 * (i / 16) + 4 * r) >> 2 * (i / 4 % 4) &
	       0x03030303;
}

/* One bit of each weight, 32 weights of a row in a word: bit `shift`. */
DQ_FN uint32_t dq_r4_bits(const uint8_t *qh, unsigned r, unsigned i,
			  unsigned shift)
{
	return dq_load_word(qh + 16 * (i / 32) + 4 * r) >> shift & 0x01010101;
}

/* Five bits of each weight, of which the fifth is bit 2 c + h of a word of qh
 * if the nibble is in word c, and the high one if h is 1. */
DQ_FN uint32_t dq_r4_fives(const uint8_t *qs, const uint8_t *qh, unsigned r,
			   unsigned i)
{
	return dq_r4_nibbles(qs, r, i) |
	       dq_r4_bits(qh, r, i, 2 * dq_r4_word(i) + dq_r4_high(i)) << 4;
}

/*
 * Six bits minus 32 for each 16 weights. With x = 4 k + r for run k, the low
 * four are in byte x % 32 of scales_l, low nibble first, and the upper two in
 * byte x % 16 of scales_h, lowest first.
 */
DQ_FN int dq_r4_scale(const uint8_t *scales_l, const uint8_t *scales_h,
		      unsigned r, unsigned first)
{
	const unsigned x = first / 16 * 4 + r;

	return ((scales_l[x % 32] >> x / 32 * 4 & 15) |
		(scales_h[x % 16] >> x / 16 * 2 & 3) << 4) - 32;
}

/* y[i] = d · q for n signed bytes of row r, of R rows. */
DQ_FN void dq_scale_row_int8(const uint8_t *qs, unsigned rows, unsigned r,
			     unsigned first, unsigned n, float d,
			     float *DQ_RESTRICT y)
{
	struct dq_bytes q;

	for (unsigned i = 0; i < n; i += 4) /* adds 128 */
		dq_set_word(&q, i,
			    dq_row_word(qs, rows, r, first + i) ^ 0x80808080);
	dq_scale(&q, n, d, 128, y);
}

#endif

/*
 * dq_rows.h - formats whose blocks are not a run: a row has a header, or the
 * blocks of several rows are interleaved (see DQ_ROWS in formats.def).
 */
#ifndef DQ_ROWS_H
#define DQ_ROWS_H

#include "dq.h"

/* What a block does not tell: the scale in the header of its row, 0 if there is
 * none, and the number of the row in its group. */
struct dq_row {
	float d;
	unsigned r;
};

/*
 * The scale of a weight is d · L and its magnitude d · L · q, with L and q up
 * to 127. So 127² d < 65520 if d < 4, and d · L cannot be infinite, whose
 * product with 0 is NaN, if d < 2^120.
 */
DQ_FN unsigned dq_row_scale(float d)
{
	const uint32_t u = dq_bits(d) & 0x7fffffff;

	return u < 0x40800000 ? 0 : u < 0x7b800000 ? DQ_F16_MAX : DQ_F16_INF;
}

/* Defines <name>_scale of a format with row headers. */
#define DQ_ROW_SCALE(name)                                    \
	DQ_FN unsigned name##_scale(const struct dq_##name *b, \
				    struct dq_row at)          \
	{                                                     \
		(void)b;                                      \
		return dq_row_scale(at.d);                    \
	}

/* The least number of rows of such a format. */
#define DQ_GROUP_ROWS(rows) ((rows) ? (rows) : 1u)

/* Where the blocks of a row begin. */
struct dq_row_place {
	struct dq_row at;
	const uint8_t *blocks;
};

/* Finds row number r of group number `group` at `rows_at`. The last three
 * arguments are those of the format; `bytes` are those of a block of one
 * row. */
DQ_FN struct dq_row_place dq_find_row(const void *rows_at, uint64_t group,
				      unsigned r, uint64_t row_blocks,
				      unsigned bytes, unsigned header,
				      unsigned rows)
{
	const unsigned in_group = DQ_GROUP_ROWS(rows);
	const uint8_t *const first = (const uint8_t *)rows_at +
		group * in_group * (header + row_blocks * bytes);
	const uint8_t *const d = first + (rows ? r * header :
						 row_blocks * bytes);
	const struct dq_row_place place = {
		{ header == 0 ? 0.0f :
		  header == 2 ? dq_load_f16(d) : dq_load_f32(d), r },
		rows ? first + in_group * header : first
	};

	return place;
}

#endif

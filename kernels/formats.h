/* formats.h - the struct and decode function of each format in formats.def. */
#ifndef DQ_FORMATS_H
#define DQ_FORMATS_H

#include "dq_rows.h"

/* The largest number of interleaved rows. */
#define DQ_MAX_GROUP_ROWS 16u

#define DQ_DECODES
#include "formats.def"
#undef DQ_DECODES

#define DQ_QUANT(NAME, name, id, weights, bytes, span) \
	DQ_ASSERT_BLOCK(dq_##name, bytes);             \
	DQ_ASSERT((span) <= DQ_MAX_SPAN && (weights) % (span) == 0, #name);
#define DQ_ROWS(NAME, name, id, weights, bytes, span, header, rows)     \
	DQ_ASSERT_BLOCK(dq_##name, (bytes) * DQ_GROUP_ROWS(rows));      \
	DQ_ASSERT((span) <= DQ_MAX_SPAN && (weights) % (span) == 0 &&   \
			  DQ_GROUP_ROWS(rows) <= DQ_MAX_GROUP_ROWS,     \
		  #name);
#define DQ_FLOAT(NAME, name, id, bytes) DQ_ASSERT_BLOCK(dq_##name, bytes);
#include "formats.def"

/* Whether no scale is Inf or NaN: then no weight is NaN. */
#define DQ_QUANT(NAME, name, id, weights, bytes, span)        \
	DQ_FN int name##_is_finite(const struct dq_##name *b) \
	{                                                     \
		return name##_scale(b) < DQ_F16_INF;          \
	}
#define DQ_ROWS(NAME, name, id, weights, bytes, span, header, rows)         \
	DQ_FN int name##_is_finite(const struct dq_##name *b,               \
				   struct dq_row at)                        \
	{                                                                   \
		return name##_scale(b, at) < DQ_F16_INF;                    \
	}
#include "formats.def"

#endif

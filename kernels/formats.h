/* formats.h - the struct and decode function of each format in formats.def. */
#ifndef DQ_FORMATS_H
#define DQ_FORMATS_H

#define DQ_DECODES
#include "formats.def"
#undef DQ_DECODES

#define DQ_QUANT(NAME, name, id, weights, bytes, span) \
	DQ_ASSERT_BLOCK(dq_##name, bytes);             \
	DQ_ASSERT((span) <= DQ_MAX_SPAN && (weights) % (span) == 0, #name);
#define DQ_FLOAT(NAME, name, id, bytes) DQ_ASSERT_BLOCK(dq_##name, bytes);
#include "formats.def"

/* Whether no scale is Inf or NaN: then no weight is NaN. */
#define DQ_QUANT(NAME, name, id, weights, bytes, span)        \
	DQ_FN int name##_is_finite(const struct dq_##name *b) \
	{                                                     \
		return name##_scale(b) < DQ_F16_INF;          \
	}
#include "formats.def"

#endif

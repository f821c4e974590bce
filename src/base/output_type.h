/* output_type.h - the output types, from kernels/types.h. */
#ifndef BASE_OUTPUT_TYPE_H
#define BASE_OUTPUT_TYPE_H

#include <stdbool.h>

#include "base/format.h"
#include "kernels/types.h"

/* NATIVE means no conversion, so it comes last. */
enum output_type {
#define OUTPUT_ROW(NAME, name, bytes, nan, file_type, ...) OUTPUT_##NAME,
	DQ_OUTPUT_TYPES(OUTPUT_ROW, )
#undef OUTPUT_ROW
	OUTPUT_NATIVE,
	OUTPUT_TYPE_COUNT
};

struct output_type_row {
	const char *name;          /* as --type takes it */
	unsigned bytes;            /* per value; 0 for native */
	enum format_index format;  /* of the values; none for native */
	uint32_t file_type;        /* general.file_type; none for native */
};

/* Row `type`; never NULL for a type below OUTPUT_TYPE_COUNT. */
const struct output_type_row *output_type_at(enum output_type type);

/* Finds the type of that name, in either case. */
bool output_type_by_name(const char *name, enum output_type *type);

/* The type with values of `format`, or native. */
enum output_type output_type_of(const struct format *format);

/* The output format of a tensor that is stored as `format`: the same if its
 * bytes are copied, as those of integers always are. */
const struct format *output_type_format(enum output_type type,
					const struct format *format);

#endif

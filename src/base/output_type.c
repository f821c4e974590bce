#include "base/output_type.h"

#include <strings.h>

static const struct output_type_row rows[OUTPUT_TYPE_COUNT] = {
#define OUTPUT_ROW(NAME, name, bytes, nan, file_type, ...) \
	[OUTPUT_##NAME] = { #name, bytes, FORMAT_##NAME, file_type },
	DQ_OUTPUT_TYPES(OUTPUT_ROW, )
#undef OUTPUT_ROW
	[OUTPUT_NATIVE] = { .name = "native", .format = FORMAT_COUNT },
};

const struct output_type_row *output_type_at(enum output_type type)
{
	return &rows[type];
}

bool output_type_by_name(const char *name, enum output_type *type)
{
	for (*type = 0; *type < OUTPUT_TYPE_COUNT; ++*type)
		if (!strcasecmp(rows[*type].name, name))
			return true;
	return false;
}

enum output_type output_type_of(const struct format *format)
{
	enum output_type type = 0;

	while (type < OUTPUT_NATIVE && rows[type].format != format->index)
		type++;
	return type;
}

const struct format *output_type_format(enum output_type type,
					const struct format *format)
{
	if (type == OUTPUT_NATIVE || format->kind == FORMAT_KIND_INTEGER)
		return format;
	return format_at(rows[type].format);
}

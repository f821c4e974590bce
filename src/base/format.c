#include "base/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

static const struct format formats[FORMAT_COUNT] = {
#define ROW(NAME, name, id, kind, weights, bytes, header, rows) \
	[FORMAT_##NAME] = { #NAME, #name,   id,    FORMAT_##NAME, \
			    kind,  weights, bytes, header, rows },
#define DQ_QUANT(NAME, name, id, weights, bytes, span) \
	ROW(NAME, name, id, FORMAT_KIND_QUANT, weights, bytes, 0, 1)
#define DQ_ROWS(NAME, name, id, weights, bytes, span, header, rows) \
	ROW(NAME, name, id, FORMAT_KIND_QUANT, weights, bytes, header, rows)
#define DQ_FLOAT(NAME, name, id, bytes) \
	ROW(NAME, name, id, FORMAT_KIND_FLOAT, 1, bytes, 0, 1)
#define DQ_INTEGER(NAME, name, id, bytes) \
	ROW(NAME, name, id, FORMAT_KIND_INTEGER, 1, bytes, 0, 1)
#include "kernels/formats.def"
#undef ROW
};

const struct format *format_at(enum format_index index)
{
	return &formats[index];
}

uint64_t format_run_bytes(const struct format *format, uint64_t n,
			  uint64_t row_blocks)
{
	const uint64_t blocks = n * format->block_bytes;

	return format->header_bytes ?
	       blocks + n / row_blocks * format->header_bytes : blocks;
}

/* The first id that only other programs use. */
#define FORK_IDS 97

bool format_is_ggml(const struct format *format)
{
	return !format_has_rows(format) && format->id < FORK_IDS;
}

const struct format *format_by_id(uint32_t id)
{
	for (size_t i = 0; i < FORMAT_COUNT; i++)
		if (formats[i].id == id)
			return &formats[i];
	return NULL;
}

const struct format *format_by_name(const char *name)
{
	for (size_t i = 0; i < FORMAT_COUNT; i++)
		if (!strcasecmp(formats[i].name, name))
			return &formats[i];
	return NULL;
}

static const struct format_foreign foreign[] = {
#define DQ_FOREIGN(NAME, id, program) { id, #NAME, program, NULL },
#define DQ_RETIRED(NAME, id, program, advice) \
	{ id, #NAME, "retired by " program, advice },
#include "kernels/formats.def"
};

const struct format_foreign *format_foreign(uint32_t id)
{
	for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++)
		if (foreign[i].id == id)
			return &foreign[i];
	return NULL;
}

char *format_foreign_text(char text[FORMAT_FOREIGN_SIZE], uint32_t id)
{
	const struct format_foreign *const type = format_foreign(id);

	if (type)
		snprintf(text, FORMAT_FOREIGN_SIZE, "%" PRIu32 " (%s, %s)", id,
			 type->name, type->program);
	else
		snprintf(text, FORMAT_FOREIGN_SIZE, "%" PRIu32, id);
	return text;
}

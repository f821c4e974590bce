#include "base/format.h"

#include <strings.h>

static const struct format formats[FORMAT_COUNT] = {
#define ROW(NAME, name, id, kind, weights, bytes) \
	[FORMAT_##NAME] = { #NAME, #name,   id,   FORMAT_##NAME, \
			    kind,  weights, bytes },
#define DQ_QUANT(NAME, name, id, weights, bytes, span) \
	ROW(NAME, name, id, FORMAT_KIND_QUANT, weights, bytes)
#define DQ_FLOAT(NAME, name, id, bytes) \
	ROW(NAME, name, id, FORMAT_KIND_FLOAT, 1, bytes)
#define DQ_INTEGER(NAME, name, id, bytes) \
	ROW(NAME, name, id, FORMAT_KIND_INTEGER, 1, bytes)
#include "kernels/formats.def"
#undef ROW
};

const struct format *format_at(enum format_index index)
{
	return &formats[index];
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

#define IK_LLAMA "ik_llama.cpp uses it: convert the model with that program"

static const struct {
	uint32_t first, last;
	const char *why;
} not_formats[] = {
#define DQ_RETIRED(NAME, id, advice) \
	{ id, id, "ggml retired it (" #NAME "): " advice },
#include "kernels/formats.def"
	{ 97, 99, IK_LLAMA },
	{ 100, 108, "ROCmFPX uses it: convert the model with that program" },
	{ 133, 399, IK_LLAMA },
};

const char *format_why_not(uint32_t id)
{
	for (size_t i = 0; i < sizeof(not_formats) / sizeof(*not_formats); i++)
		if (id >= not_formats[i].first && id <= not_formats[i].last)
			return not_formats[i].why;
	return "no known program uses it: the file is damaged, or newer than "
	       "this tool";
}

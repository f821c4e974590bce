#include "cli/option_values.h"

#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/options.h"
#include "pass/part.h"

/* Digits only: no sign, no space. *end gets what follows them. */
static bool read_digits(const char *text, uint64_t *value, const char **end)
{
	bool fits = true;

	*value = 0;
	for (*end = text; **end >= '0' && **end <= '9'; ++*end)
		fits = fits && bytes_mul(*value, 10, value) &&
		       bytes_add(*value, (uint64_t)(**end - '0'), value);
	return fits && *end > text;
}

bool option_u64(void *field, const char *text)
{
	const char *end;

	return read_digits(text, field, &end) && !*end;
}

bool option_threads(void *field, const char *text)
{
	uint64_t value;

	if (!option_u64(&value, text) || !value || value > OPTIONS_MAX_THREADS)
		return false;
	*(unsigned *)field = (unsigned)value;
	return true;
}

/* Digits, and perhaps K, M or G for powers of 1024; with a B after it, if `b`,
 * for powers of 1000. */
static bool read_size(uint64_t *size, const char *text, bool b)
{
	static const char units[] = "KMG";
	const char *end, *unit;
	uint64_t base = 1024;

	if (!read_digits(text, size, &end))
		return false;
	if (!*end)
		return true;
	unit = strchr(units, toupper((unsigned char)*end++));
	if (b && toupper((unsigned char)*end) == 'B') {
		base = 1000;
		end++;
	}
	if (!unit || *end)
		return false;
	for (ptrdiff_t power = unit - units; power >= 0; power--)
		if (!bytes_mul(*size, base, size))
			return false;
	return true;
}

bool option_size(void *field, const char *text)
{
	return read_size(field, text, false);
}

/* KB, MB and GB are Hugging Face's units. */
bool option_shard_size(void *field, const char *text)
{
	uint64_t *const size = field;

	return read_size(size, text, true) && *size;
}

bool option_part(void *field, const char *text)
{
	struct plan_part *const part = field;
	const char *end;
	uint64_t number, count;

	if (!read_digits(text, &number, &end) || *end != '/' ||
	    !option_u64(&count, end + 1) || !number || number > count ||
	    count > PART_MAX_COUNT)
		return false;
	*part = (struct plan_part){ (unsigned)number, (unsigned)count };
	return true;
}

bool option_difference(void *field, const char *text)
{
	double *const value = field;
	char *end;

	*value = strtod(text, &end);
	return isfinite(*value) && !*end && text[0] &&
	       strspn(text, "0123456789.eE+-") == strlen(text) &&
	       text[0] != '+' && text[0] != '-';
}

bool option_shape(void *field, const char *text)
{
	struct model_blocks *const blocks = field;

	blocks->n_dims = 0;
	do {
		if (blocks->n_dims == GGUF_MAX_DIMS ||
		    !read_digits(text, &blocks->dims[blocks->n_dims], &text))
			return false;
		blocks->n_dims++;
	} while (*text++ == ',');
	return !text[-1];
}

/* The numbers after "gpu:". */
static bool read_gpus(struct device_choice *device, const char *text)
{
	uint64_t number;

	do {
		if (device->n_gpus == DEVICE_MAX_GPUS ||
		    !read_digits(text, &number, &text) || number > UINT_MAX)
			return false;
		device->gpus[device->n_gpus++] = (unsigned)number;
	} while (*text++ == ',');
	return !text[-1];
}

bool option_device(void *field, const char *text)
{
	struct device_choice *const device = field;

	device->n_gpus = 0;
	device->kind = DEVICE_GPU;
	if (!strcasecmp(text, "auto"))
		device->kind = DEVICE_AUTO;
	else if (!strcasecmp(text, "cpu"))
		device->kind = DEVICE_CPU;
	else if (strcasecmp(text, "gpu") != 0)
		return !strncasecmp(text, "gpu:", 4) &&
		       read_gpus(device, text + 4);
	return true;
}

bool option_path(void *field, const char *text)
{
	const char **const path = field;

	if (*path)
		return !strcmp(*path, text);
	*path = text;
	return true;
}

bool option_glob(void *field, const char *text)
{
	struct globs *const globs = field;

	globs->items[globs->n++] = text;
	return true;
}

bool option_input_type(void *field, const char *text)
{
	const struct format **const format = field;

	*format = format_by_name(text);
	return *format != NULL;
}

bool option_checksum(void *field, const char *text)
{
	const struct checksum **const checksum = field;

	*checksum = text ? checksum_by_name(text) : NULL;
	return !text || *checksum;
}

const char *option_checksum_name(size_t i)
{
	return checksum_at(i) ? checksum_at(i)->name : NULL;
}

const char *option_type_name(size_t i)
{
	return i < OUTPUT_TYPE_COUNT ? output_type_at(i)->name : NULL;
}

const char *option_kind_name(size_t i)
{
	return sink_kind_at(i) ? sink_kind_at(i)->name : NULL;
}

/* "TYPE", "GLOB=TYPE" or "type:GLOB=TYPE". A glob may have a "=". */
bool option_type(void *field, const char *text)
{
	static const char by_type[] = "type:";
	struct type_rules *const types = field;
	struct plan_rule *const rule = &types->items[types->n];
	const char *const end = strrchr(text, '=');

	*rule = (struct plan_rule){ 0 };
	if (!output_type_by_name(end ? end + 1 : text, &rule->type))
		return false;
	types->n++;
	if (!end)
		return true;
	rule->by_type = !strncmp(text, by_type, sizeof(by_type) - 1);
	if (rule->by_type)
		text += sizeof(by_type) - 1;
	rule->glob = memcpy(types->text, text, (size_t)(end - text));
	types->text += end - text;
	*types->text++ = '\0';
	return true;
}

bool option_kind(void *field, const char *text)
{
	const struct sink_kind **const kind = field;

	*kind = sink_kind_by_name(text);
	return *kind != NULL;
}

bool option_true(void *field, const char *text)
{
	(void)text;
	*(bool *)field = true;
	return true;
}

bool option_progress(void *field, const char *text)
{
	(void)text;
	*(enum options_progress *)field = PROGRESS_ALWAYS;
	return true;
}

bool option_no_progress(void *field, const char *text)
{
	(void)text;
	*(enum options_progress *)field = PROGRESS_NEVER;
	return true;
}

#include "cli/manifest.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/escape.h"
#include "pass/file_name.h"

/* ---------------------------------- print --------------------------------- */

int manifest_print(FILE *stream, const struct plan *plan,
		   const struct checksum *checksum, const unsigned char *sums,
		   bool untagged, struct error *err)
{
	for (size_t i = 0; i < plan->n_tensors; i++) {
		char *const name = file_name_unlimited(&plan->tensors[i], err);
		char hex[2 * CHECKSUM_MAX_BYTES + 1];

		if (!name)
			return -1;
		*bytes_hex(hex, sums + i * checksum->bytes, checksum->bytes) =
			'\0';
		if (untagged)
			fprintf(stream, "%s%s  %s\n", checksum->prefix, hex,
				name);
		else
			fprintf(stream, "%s (%s) = %s\n", checksum->tag, name,
				hex);
		free(name);
	}
	return 0;
}

/* ---------------------------------- read ---------------------------------- */

#define MAX_BYTES ((size_t)1 << 30)
#define FIRST_SIZE ((size_t)64 << 10)

/* The shortest line: 16 digits, two spaces, ".i8" and a newline, which only the
 * last line may lack. */
#define MIN_LINE 22

/* Reads the whole file into m->text, which the caller frees, even on error. */
static int read_text(struct manifest *m, size_t max_bytes, size_t *len,
		     struct error *err)
{
	size_t size = 0;
	ptrdiff_t got;

	*len = 0;
	do {
		char *text;

		size = size ? 2 * size : FIRST_SIZE;
		if (size > max_bytes)
			size = max_bytes + 1;
		text = realloc(m->text, size);
		if (!text)
			return error_errno(err, "cannot read '%s'",
					   m->source.name);
		m->text = text;
		got = source_read_upto(&m->source, *len, text + *len,
				       size - *len, err);
		if (got < 0)
			return -1;
		*len += (size_t)got;
	} while (*len == size && size <= max_bytes);
	if (*len > max_bytes)
		return error_set(err, "'%s' is larger than the %zu bytes that "
				 "'--memory' allows for it",
				 m->source.name, max_bytes);
	return 0;
}

struct parsed {
	const struct checksum *checksum;
	struct text name;
	const char *hex;
};

static bool starts_with(struct text text, const char *start)
{
	const size_t len = strlen(start);

	return text.len >= len && !memcmp(text.data, start, len);
}

static bool all_hex(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isxdigit((unsigned char)text[i]))
			return false;
	return true;
}

/* "TAG (NAME) = HEX". NAME may contain such text, too; only the ends count. */
static bool parse_tagged(struct text line, const struct checksum *checksum,
			 struct parsed *parsed)
{
	const size_t tag_len = strlen(checksum->tag);
	const size_t hex_len = 2 * checksum->bytes;
	const size_t around = tag_len + 2 + 4 + hex_len;

	if (line.len < around || !starts_with(line, checksum->tag))
		return false;
	*parsed = (struct parsed){
		.checksum = checksum,
		.name = { line.data + tag_len + 2, line.len - around },
		.hex = line.data + line.len - hex_len,
	};
	return !memcmp(line.data + tag_len, " (", 2) &&
	       !memcmp(parsed->hex - 4, ") = ", 4) &&
	       all_hex(parsed->hex, hex_len);
}

/* "HEX  NAME", or "HEX *NAME" as sha256sum --binary prints it. */
static bool parse_untagged(struct text line, const struct checksum *checksum,
			   const char *prefix, struct parsed *parsed)
{
	const size_t prefix_len = strlen(prefix);
	const size_t before = prefix_len + 2 * checksum->bytes + 2;

	if (line.len < before || !starts_with(line, prefix))
		return false;
	*parsed = (struct parsed){
		.checksum = checksum,
		.name = { line.data + before, line.len - before },
		.hex = line.data + prefix_len,
	};
	return all_hex(parsed->hex, 2 * checksum->bytes) &&
	       line.data[before - 2] == ' ' &&
	       (line.data[before - 1] == ' ' || line.data[before - 1] == '*');
}

static bool parse(struct text line, const struct checksum *asked,
		  struct parsed *parsed)
{
	const struct checksum *checksum;

	if (asked && parse_untagged(line, asked, "", parsed))
		return true;
	for (size_t i = 0; (checksum = checksum_at(i)); i++)
		if (parse_tagged(line, checksum, parsed) ||
		    parse_untagged(line, checksum, checksum->prefix, parsed))
			return true;
	return false;
}

/* The format that a name ends in, or NULL. */
static const struct format *format_of(struct text name)
{
	const char *const dot = memrchr(name.data, '.', name.len);
	struct text end;

	if (!dot)
		return NULL;
	end.data = dot + 1;
	end.len = (size_t)(name.data + name.len - end.data);
	for (enum format_index i = 0; i < FORMAT_COUNT; i++)
		if (text_is(end, format_at(i)->file_name))
			return format_at(i);
	return NULL;
}

/* The types at the ends of the names so far. */
struct types {
	const struct format *format; /* one that is not an integer type */
	bool several;
};

static void types_add(struct types *types, const struct format *format)
{
	if (format->kind == FORMAT_KIND_INTEGER)
		return;
	if (types->format && types->format != format)
		types->several = true;
	types->format = format;
}

static enum output_type types_output(const struct types *types)
{
	if (!types->format)
		return OUTPUT_F32;
	if (types->several)
		return OUTPUT_NATIVE;
	return output_type_of(types->format);
}

static int malformed(const struct manifest *m, uint32_t number,
		     const char *why, struct text text, struct error *err)
{
	return error_differ(err, "line %" PRIu32 " of '%s' %s: '%s'", number,
			    m->source.name, why, ESCAPED(text));
}

static int add_line(struct manifest *m, struct text text, uint32_t number,
		    const struct checksum *asked, struct types *types,
		    struct error *err)
{
	const struct checksum *const expected = asked ? asked : m->checksum;
	const struct format *format;
	struct parsed parsed;

	if (text.len && text.data[text.len - 1] == '\r')
		text.len--;
	if (!parse(text, asked, &parsed))
		return malformed(m, number, "is not a checksum line", text,
				 err);
	if (expected && parsed.checksum != expected)
		return error_differ(err, "line %" PRIu32 " of '%s' has %s "
				    "instead of %s", number,
				    m->source.name, parsed.checksum->tag,
				    expected->tag);
	format = format_of(parsed.name);
	if (!format)
		return malformed(m, number, "has a name that does not end in "
				 "a type such as '.f32'", parsed.name, err);
	types_add(types, format);
	m->checksum = parsed.checksum;
	m->lines[m->n_lines++] = (struct manifest_line){
		.name = parsed.name,
		.hex = parsed.hex,
		.number = number,
	};
	return 0;
}

static int compare_names(struct text a, struct text b)
{
	const int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_lines(const void *a, const void *b)
{
	const struct manifest_line *const x = a, *const y = b;
	const int order = compare_names(x->name, y->name);

	if (order)
		return order;
	return (x->number > y->number) - (x->number < y->number);
}

/* Reports the first line of the file that repeats another. The lines must be
 * sorted. */
static int check_repeats(const struct manifest *m, struct error *err)
{
	const struct manifest_line *repeat = NULL;

	for (size_t i = 1; i < m->n_lines; i++) {
		const struct manifest_line *const line = &m->lines[i];

		if (bytes_equal(line[-1].name, line->name) &&
		    (!repeat || line->number < repeat->number))
			repeat = line;
	}
	if (!repeat)
		return 0;
	return error_differ(err, "line %" PRIu32 " of '%s' repeats the name in "
			    "line %" PRIu32, repeat->number, m->source.name,
			    repeat[-1].number);
}

static int read_lines(struct manifest *m, const struct checksum *asked,
		      size_t max_bytes, struct error *err)
{
	struct types types = { 0 };
	struct text rest;
	uint32_t number = 0;

	if (read_text(m, max_bytes, &rest.len, err))
		return -1;
	rest.data = m->text;
	m->lines = calloc(rest.len / MIN_LINE + 1, sizeof(*m->lines));
	if (!m->lines)
		return error_errno(err, "cannot read '%s'", m->source.name);
	while (rest.len) {
		const char *const end = memchr(rest.data, '\n', rest.len);
		const size_t len = end ? (size_t)(end - rest.data) : rest.len;

		if (add_line(m, (struct text){ rest.data, len }, ++number,
			     asked, &types, err))
			return -1;
		rest.data += len + (end != NULL);
		rest.len -= len + (end != NULL);
	}
	if (!m->n_lines)
		return error_differ(err, "'%s' is empty", m->source.name);
	m->type = types_output(&types);
	qsort(m->lines, m->n_lines, sizeof(*m->lines), compare_lines);
	return check_repeats(m, err);
}

int manifest_read(struct manifest *manifest, const char *path,
		  const struct checksum *asked, size_t max_bytes,
		  struct error *err)
{
	*manifest = (struct manifest){ 0 };
	if (source_open(&manifest->source, path, err))
		return -1;
	if (read_lines(manifest, asked,
		       max_bytes < MAX_BYTES ? max_bytes : MAX_BYTES, err)) {
		manifest_release(manifest);
		return -1;
	}
	return 0;
}

void manifest_release(struct manifest *manifest)
{
	source_close(&manifest->source);
	free(manifest->text);
	free(manifest->lines);
}

/* ------------------------------ find a line ------------------------------- */

static int compare_name(const void *key, const void *member)
{
	return compare_names(*(const struct text *)key,
			     ((const struct manifest_line *)member)->name);
}

/* The line of that name, or NULL. */
static struct manifest_line *find_line(const struct manifest *m,
				       const char *name)
{
	const struct text key = text_of(name);

	return bsearch(&key, m->lines, m->n_lines, sizeof(*m->lines),
		       compare_name);
}

static bool has_line(const struct manifest *m,
		     const struct model_tensor *tensor, enum output_type type)
{
	const struct plan_tensor planned = {
		.tensor = tensor,
		.format = output_type_format(type, tensor->info->format),
	};
	struct error ignored;
	char *const name = file_name_unlimited(&planned, &ignored);
	const bool found = name && find_line(m, name);

	free(name);
	return found;
}

enum output_type manifest_type_of(const void *context,
				  const struct model_tensor *tensor)
{
	const struct manifest *const m = context;

	if (!tensor->info->format || has_line(m, tensor, m->type))
		return m->type;
	for (enum output_type type = 0; type < OUTPUT_TYPE_COUNT; type++)
		if (has_line(m, tensor, type))
			return type;
	return m->type;
}

/* --------------------------------- compare -------------------------------- */

struct counts {
	size_t compared;
	size_t differ;
	size_t no_line;
	size_t no_tensor;
};

static void compare_tensor(struct manifest *m, FILE *stream, const char *name,
			   const unsigned char *sum, bool quiet,
			   struct counts *counts)
{
	struct manifest_line *const line = find_line(m, name);
	char hex[2 * CHECKSUM_MAX_BYTES];

	if (!line) {
		counts->no_line++;
		fprintf(stream, "%s: FAILED, no line\n", name);
		return;
	}
	line->found = true;
	counts->compared++;
	bytes_hex(hex, sum, m->checksum->bytes);
	if (strncasecmp(hex, line->hex, 2 * m->checksum->bytes)) {
		counts->differ++;
		fprintf(stream, "%s: FAILED\n", name);
	} else if (!quiet) {
		fprintf(stream, "%s: OK\n", name);
	}
}

static void print_not_found(const struct manifest *m, FILE *stream,
			    struct counts *counts)
{
	for (size_t i = 0; i < m->n_lines; i++) {
		if (m->lines[i].found)
			continue;
		counts->no_tensor++;
		escape_print(stream, m->lines[i].name);
		fputs(": FAILED, no tensor\n", stream);
	}
}

static int report(const struct counts *counts, struct error *err)
{
	if (!counts->differ && !counts->no_line && !counts->no_tensor)
		return 0;
	error_differ(err, "%zu of %zu checksums differ", counts->differ,
		     counts->compared);
	if (counts->no_line)
		error_append(err, ", %zu %s no line", counts->no_line,
			     counts->no_line == 1 ? "tensor has" :
						    "tensors have");
	if (counts->no_tensor)
		error_append(err, ", %zu %s no tensor", counts->no_tensor,
			     counts->no_tensor == 1 ? "line has" :
						      "lines have");
	return -1;
}

int manifest_compare(struct manifest *manifest, FILE *stream,
		     const struct plan *plan, const unsigned char *sums,
		     bool quiet, struct error *err)
{
	const size_t sum_bytes = manifest->checksum->bytes;
	struct counts counts = { 0 };

	for (size_t i = 0; i < plan->n_tensors; i++) {
		char *const name = file_name_unlimited(&plan->tensors[i], err);

		if (!name)
			return -1;
		compare_tensor(manifest, stream, name, sums + i * sum_bytes,
			       quiet, &counts);
		free(name);
	}
	print_not_found(manifest, stream, &counts);
	return report(&counts, err);
}

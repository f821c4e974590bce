#include <stdio.h>
#include <stdlib.h>

#include "observe/expect.h"

struct expected_file {
	struct expected expected; /* first */
	struct source source;
	char *name; /* the path, quoted */
};

static int read_expected(struct expected *expected,
			 const struct observed *observed, size_t i, size_t at,
			 size_t n, void *bytes, struct error *err)
{
	struct expected_file *const file = (struct expected_file *)expected;
	const struct work_item *const item = &observed->batch->items[i];

	return source_read(&file->source, item->tensor->raw_offset +
					  item->dst_offset + at,
			   bytes, n, err);
}

static void close_expected(struct expected *expected)
{
	struct expected_file *const file = (struct expected_file *)expected;

	source_close(&file->source);
	free(file->name);
	free(file);
}

struct expected *expected_file_open(const char *path, const struct plan *plan,
				    struct error *err)
{
	struct expected_file *const file = calloc(1, sizeof(*file));

	if (!file) {
		error_errno(err, "cannot read the expected values");
		return NULL;
	}
	file->expected = (struct expected){ .read = read_expected,
					    .close = close_expected };
	if (source_open(&file->source, path, err) ||
	    source_end_at(&file->source, plan->dst_bytes, err))
		goto out_close;
	if (asprintf(&file->name, "'%s'", file->source.name) < 0) {
		file->name = NULL;
		error_errno(err, "cannot read the expected values");
		goto out_close;
	}
	file->expected.name = file->name;
	file->expected.any_order = file->source.seekable;
	return &file->expected;

out_close:
	close_expected(&file->expected);
	return NULL;
}

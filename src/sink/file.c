#include "sink/file.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/escape.h"

static uint64_t item_offset(const struct work_item *item)
{
	return item->tensor->dst_offset + item->dst_offset;
}

/* Returns the end of the run of items from number i on that are contiguous in
 * the file. */
static size_t run_end(const struct work_batch *batch, size_t i)
{
	const struct work_item *const items = batch->items;

	while (++i < batch->n_items)
		if (item_offset(&items[i]) !=
		    item_offset(&items[i - 1]) + items[i - 1].dst_bytes)
			break;
	return i;
}

static void go_to(struct sink_file *file, uint64_t offset)
{
	if (file->position == offset)
		return;
	output_stream_seek(&file->stream, offset);
	file->position = offset;
}

/* Between the tensors of a run, the file has no bytes. */
static void write_run(struct sink_file *file, const struct work_item *first,
		      const struct work_item *last, const char *bytes)
{
	const struct sink_file_kind *const kind = file->kind;
	const uint64_t offset = item_offset(first);
	const size_t n = last->out + last->dst_bytes - first->out;

	if (kind->before && !first->dst_offset) {
		go_to(file, offset - kind->before_bytes(file, first->tensor));
		kind->before(file, first->tensor);
		file->position = offset;
	}
	go_to(file, offset);
	output_stream_put(&file->stream, bytes + first->out, n);
	file->position += n;
	if (kind->after &&
	    last->dst_offset + last->dst_bytes == last->tensor->dst_bytes)
		file->position += kind->after(file, last->tensor);
}

static int write_file(struct sink *sink, const struct work_batch *batch,
		      const void *bytes, struct error *err)
{
	struct sink_file *const file = (struct sink_file *)sink;
	size_t end;

	file->stream.err = err;
	for (size_t i = 0; i < batch->n_items; i = end) {
		end = run_end(batch, i);
		write_run(file, &batch->items[i], &batch->items[end - 1],
			  bytes);
	}
	return output_stream_flush(&file->stream);
}

/* Without the stream. */
static struct sink *release_file(struct sink_file *file)
{
	if (file->kind->release)
		file->kind->release(file);
	if (file->output)
		output_abort(file->output);
	free(file);
	return NULL;
}

static int finish_file(struct sink *sink, struct error *err)
{
	struct sink_file *const file = (struct sink_file *)sink;
	int result;

	file->stream.err = err;
	go_to(file, file->end);
	if (file->kind->trailer)
		file->kind->trailer(file);
	result = output_stream_close(&file->stream);
	if (!result) {
		result = output_finish(file->output, err);
		file->output = NULL;
	}
	release_file(file);
	return result;
}

static void abort_file(struct sink *sink)
{
	struct sink_file *const file = (struct sink_file *)sink;

	file->stream.failed = true; /* writes no more */
	(void)output_stream_close(&file->stream);
	release_file(file);
}

void *sink_file_new(size_t size, const struct sink_file_kind *kind,
		    struct output *output, struct error *err)
{
	struct sink_file *const file = calloc(1, size);

	if (!file) {
		error_errno(err, "cannot write '%s'", output_name(output));
		output_abort(output);
		return NULL;
	}
	file->kind = kind;
	file->output = output;
	file->sink = (struct sink){
		.any_order = output_is_seekable(output),
		.write = write_file,
		.finish = finish_file,
		.abort = abort_file,
	};
	return file;
}

struct sink *sink_file_drop(struct sink_file *file)
{
	return release_file(file);
}

static int name_largest(const struct plan *plan, struct error *err)
{
	const struct plan_tensor *largest = plan->tensors;

	for (size_t i = 0; i < plan->n_tensors; i++)
		if (plan->tensors[i].dst_bytes > largest->dst_bytes)
			largest = &plan->tensors[i];
	if (!plan->n_tensors)
		return -1;
	return error_append(err, ", %" PRIu64 " of them for tensor '%s'",
			    largest->dst_bytes,
			    ESCAPED(largest->tensor->info->name));
}

int sink_file_open(struct sink_file *file, const struct plan *plan,
		   uint64_t end_offset, uint64_t bytes, struct error *err)
{
	file->end = end_offset;
	if (output_reserve(file->output, bytes, err))
		return name_largest(plan, err);
	return output_stream_open(&file->stream, file->output, err);
}

struct sink *sink_file_start(struct sink_file *file, uint64_t bytes)
{
	file->position = bytes;
	if (!output_stream_flush(&file->stream))
		return &file->sink;
	abort_file(&file->sink);
	return NULL;
}

int sink_file_measure(struct sink_file *file,
		      void (*put)(struct sink_file *file), uint64_t *bytes,
		      struct error *err)
{
	if (output_stream_open(&file->stream, NULL, err))
		return -1;
	put(file);
	(void)output_stream_flush(&file->stream);
	*bytes = file->stream.offset;
	return output_stream_close(&file->stream);
}

int sink_file_check(const struct plan *plan, const char *what, bool bf16,
		    const char *instead, struct error *err)
{
	for (size_t i = 0; i < plan->n_tensors; i++) {
		const struct plan_tensor *const tensor = &plan->tensors[i];
		const struct format *const format = tensor->format;
		const struct text name = tensor->tensor->info->name;

		if (format->kind == FORMAT_KIND_QUANT ||
		    (format->index == FORMAT_BF16 && !bf16))
			return error_set(err, "tensor '%s' would be written as "
					 "%s, which %s does not support; use "
					 "%s", ESCAPED(name), format->name,
					 what, instead);
		if (!escape_is_utf8(name))
			return error_set(err, "tensor '%s' has a name that is "
					 "not UTF-8, which %s requires; use "
					 "another '--format', or exclude it "
					 "with '--exclude'", ESCAPED(name),
					 what);
	}
	return 0;
}

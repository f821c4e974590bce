#include <stdlib.h>

#include "sink.h"

struct sink_raw {
	struct sink sink; /* first, so that a pointer to it is one to us */
	struct output *output;
};

static uint64_t item_offset(const struct work_item *item)
{
	return item->tensor->dst_offset + item->dst_offset;
}

/* Of the items from number i on, one run that the output has in one piece: all
 * but where the plan was sorted by source. Gives the number of its last + 1. */
static size_t run_end(const struct work_batch *batch, size_t i)
{
	const struct work_item *const items = batch->items;

	while (++i < batch->n_items)
		if (item_offset(&items[i]) !=
		    item_offset(&items[i - 1]) + items[i - 1].dst_bytes)
			break;
	return i;
}

static int write_batch(struct sink *sink, const struct work_batch *batch,
		       const void *bytes, struct error *err)
{
	struct output *const output = ((struct sink_raw *)sink)->output;
	size_t end;

	if (!sink->any_order)
		return output_write(output, bytes, batch->out_bytes, err);
	for (size_t i = 0; i < batch->n_items; i = end) {
		const struct work_item *const first = &batch->items[i];
		const struct work_item *last;

		end = run_end(batch, i);
		last = &batch->items[end - 1];
		if (output_write_at(output, item_offset(first),
				    (const char *)bytes + first->out,
				    last->out + last->dst_bytes - first->out,
				    err))
			return -1;
	}
	return 0;
}

static int end(struct sink *sink, struct error *err)
{
	struct output *const output = ((struct sink_raw *)sink)->output;

	free(sink);
	return output_finish(output, err);
}

static void abort_output(struct sink *sink)
{
	output_abort(((struct sink_raw *)sink)->output);
	free(sink);
}

struct sink *sink_raw_open(struct output *output, const struct plan *plan,
			   struct error *err)
{
	struct sink_raw *const raw = malloc(sizeof(*raw));

	if (!raw) {
		error_errno(err, "cannot write '%s'", output_name(output));
		goto out_abort;
	}
	if (output_reserve(output, plan->dst_bytes, err))
		goto out_abort;
	*raw = (struct sink_raw){
		.sink = {
			.any_order = output_is_seekable(output),
			.write = write_batch,
			.end = end,
			.abort = abort_output,
		},
		.output = output,
	};
	return &raw->sink;

out_abort:
	free(raw);
	output_abort(output);
	return NULL;
}

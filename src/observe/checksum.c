#include "observe/checksum.h"

#include <stdlib.h>

#include "base/escape.h"
#include "pass/file_name.h"

struct sink_checksum {
	struct sink sink; /* first, so that a pointer to it is one to us */
	struct sink *inner;
	const struct plan *plan;
	const struct checksum *checksum;
	void *state;
	unsigned char *sums;
};

static int fail(const struct sink_checksum *c, const struct work_item *item,
		struct error *err)
{
	const struct text name = item->tensor->tensor->info->name;
	char shown[ESCAPE_MESSAGE_SIZE];

	return error_set(err, "cannot compute %s of tensor '%s'",
			 c->checksum->tag,
			 escape_text(shown, sizeof(shown), name));
}

/* Items of one tensor follow one another: one state is enough. */
static int add_item(struct sink_checksum *c, const struct work_item *item,
		    const void *bytes, struct error *err)
{
	const struct checksum *const checksum = c->checksum;
	const uint64_t total = item->tensor->dst_bytes;

	if (!item->dst_offset && !checksum->begin(c->state, total))
		return fail(c, item, err);
	if (checksum->join)
		checksum->join(c->state, item->part);
	else if (!checksum->update(c->state, bytes, item->dst_bytes))
		return fail(c, item, err);
	if (item->dst_offset + item->dst_bytes == total &&
	    !checksum->end(c->state,
			   c->sums + item->tensor->index * checksum->bytes))
		return fail(c, item, err);
	return 0;
}

static int prepare(struct sink *sink, struct work_batch *batch,
		   const void *bytes, struct error *err)
{
	struct sink *const inner = ((struct sink_checksum *)sink)->inner;

	return inner->prepare(inner, batch, bytes, err);
}

static int write_batch(struct sink *sink, const struct work_batch *batch,
		       const void *bytes, struct error *err)
{
	struct sink_checksum *const c = (struct sink_checksum *)sink;

	for (size_t i = 0; i < batch->n_items; i++)
		if (add_item(c, &batch->items[i],
			     (const char *)bytes + batch->items[i].out, err))
			return -1;
	return c->inner->write(c->inner, batch, bytes, err);
}

static struct sink *close_state(struct sink *sink)
{
	struct sink_checksum *const c = (struct sink_checksum *)sink;
	struct sink *const inner = c->inner;

	c->checksum->close(c->state);
	free(c);
	return inner;
}

static int end(struct sink *sink, struct error *err)
{
	struct sink *const inner = close_state(sink);

	return inner->end(inner, err);
}

static void abort_sink(struct sink *sink)
{
	struct sink *const inner = close_state(sink);

	inner->abort(inner);
}

/* Tensors without weights have no item: theirs is the checksum of nothing. */
static bool fill_empty(const struct sink_checksum *c)
{
	const struct plan *const plan = c->plan;

	for (size_t i = 0; i < plan->n_tensors; i++)
		if (!plan->tensors[i].dst_bytes &&
		    !(c->checksum->begin(c->state, 0) &&
		      c->checksum->end(c->state,
				       c->sums + i * c->checksum->bytes)))
			return false;
	return true;
}

struct sink *sink_checksum_open(struct sink *inner, const struct plan *plan,
				const struct checksum *checksum,
				const struct blake3_lanes *lanes,
				unsigned char *sums, struct error *err)
{
	struct sink_checksum *const c = malloc(sizeof(*c));

	if (!c) {
		error_errno(err, "cannot open a sink");
		goto out_abort;
	}
	*c = (struct sink_checksum){
		.sink = {
			.any_order = inner->any_order,
			.blake3 = checksum->join ? lanes : NULL,
			.parts_only = checksum->join && inner->parts_only,
			.prepare = inner->prepare ? prepare : NULL,
			.write = write_batch,
			.end = end,
			.abort = abort_sink,
		},
		.inner = inner,
		.plan = plan,
		.checksum = checksum,
		.state = checksum->open(),
		.sums = sums,
	};
	if (!c->state || !fill_empty(c)) {
		error_set(err, "cannot compute %s", checksum->tag);
		goto out_close;
	}
	return &c->sink;

out_close:
	checksum->close(c->state);
out_abort:
	free(c);
	inner->abort(inner);
	return NULL;
}

#include "observe/checksum.h"

#include <stdlib.h>

#include "base/escape.h"

struct checksum_observer {
	struct observer observer; /* first */
	const struct plan *plan;
	const struct checksum *checksum;
	void *states[PLAN_MAX_TRACKS]; /* NULL until they are needed */
	unsigned char *sums;
};

/* The state for a track, or NULL. */
static void *state_of(struct checksum_observer *c, unsigned track)
{
	if (!c->states[track])
		c->states[track] = c->checksum->open();
	return c->states[track];
}

static int refuse_checksum(const struct checksum_observer *c,
			   const struct work_item *item, struct error *err)
{
	return error_set(err, "cannot compute %s of tensor '%s'",
			 c->checksum->tag,
			 ESCAPED(item->tensor->tensor->info->name));
}

/* In a track, the items of a tensor follow one another. */
static int hash_item(struct checksum_observer *c,
		     const struct observed *observed, size_t i,
		     struct error *err)
{
	const struct work_item *const item = &observed->batch->items[i];
	const struct checksum *const checksum = c->checksum;
	const uint64_t total = item->tensor->dst_bytes;
	void *const state = state_of(c, observed->batch->track);

	if (!state || (!item->dst_offset && !checksum->begin(state, total)))
		return refuse_checksum(c, item, err);
	if (checksum->join)
		checksum->join(state, &observed->parts[i]);
	else if (!checksum->update(state, observed->values + item->out,
				   item->dst_bytes))
		return refuse_checksum(c, item, err);
	if (item->dst_offset + item->dst_bytes == total &&
	    !checksum->end(state,
			   c->sums + item->tensor->index * checksum->bytes))
		return refuse_checksum(c, item, err);
	return 0;
}

static int checksum_commit(struct observer *observer,
			   const struct observed *observed, const void *notes,
			   struct error *err)
{
	(void)notes;
	for (size_t i = 0; i < observed->batch->n_items; i++)
		if (hash_item((struct checksum_observer *)observer, observed, i,
			      err))
			return -1;
	return 0;
}

static void checksum_close(struct observer *observer)
{
	struct checksum_observer *const c =
		(struct checksum_observer *)observer;

	for (unsigned i = 0; i < PLAN_MAX_TRACKS; i++)
		if (c->states[i])
			c->checksum->close(c->states[i]);
	free(c);
}

/* Tensors without weights have no item; they get the checksum of no bytes. */
static bool fill_empty(struct checksum_observer *c)
{
	const struct plan *const plan = c->plan;
	void *const state = state_of(c, 0);

	if (!state)
		return false;
	for (size_t i = 0; i < plan->n_tensors; i++)
		if (!plan->tensors[i].dst_bytes &&
		    !(c->checksum->begin(state, 0) &&
		      c->checksum->end(state,
				       c->sums + i * c->checksum->bytes)))
			return false;
	return true;
}

struct observer *checksum_observer_open(const struct plan *plan,
					const struct checksum *checksum,
					const struct blake3_lanes *lanes,
					unsigned char *sums, struct error *err)
{
	struct checksum_observer *const c = malloc(sizeof(*c));

	if (!c) {
		error_errno(err, "cannot compute checksums");
		return NULL;
	}
	*c = (struct checksum_observer){
		.observer = {
			.any_order = true,
			.any_tracks = true,
			.wants_tracks = !checksum->join,
			.reads_values = !checksum->join,
			.blake3 = checksum->join ? lanes : NULL,
			.commit = checksum_commit,
			.close = checksum_close,
		},
		.plan = plan,
		.checksum = checksum,
		.sums = sums,
	};
	if (fill_empty(c))
		return &c->observer;
	error_set(err, "cannot compute %s", checksum->tag);
	checksum_close(&c->observer);
	return NULL;
}

#include "pass/pass.h"

#include <stdlib.h>
#include <unistd.h>

#include "pass/pipeline.h"

void pass_add(struct pass *pass, struct observer *observer)
{
	if (pass->n_observers == PASS_MAX_OBSERVERS)
		abort();
	pass->observers[pass->n_observers++] = observer;
}

void pass_set_sink(struct pass *pass, struct sink *sink)
{
	pass->sink = sink;
	if (sink->observer)
		pass_add(pass, sink->observer);
}

struct pass_needs pass_needs(const struct pass *pass)
{
	struct pass_needs needs = {
		.sink_order = pass->sink && !pass->sink->any_order,
		.values = pass->sink,
	};

	for (size_t i = 0; i < pass->n_observers; i++) {
		const struct observer *const observer = pass->observers[i];

		needs.raw_order |= !observer->any_order;
		needs.values |= observer->reads_values;
		needs.note_bytes += observer->note_bytes * PLAN_BATCH_ITEMS;
		if (observer->blake3)
			needs.blake3 = observer->blake3;
	}
	if (needs.blake3)
		needs.note_bytes +=
			sizeof(struct blake3_part) * PLAN_BATCH_ITEMS;
	return needs;
}

static size_t least_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

struct pass_options pass_options_for(const struct pass_needs *needs,
				     unsigned n_workers, size_t memory,
				     size_t best_slot)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const size_t least = 2 * PLAN_MIN_SLOT + needs->note_bytes;
	size_t n_slots = n_workers == 1 ? 1 : 2 * (size_t)n_workers + 4;
	size_t slot_bytes;

	if (n_slots > memory / least)
		n_slots = memory / least ? memory / least : 1;
	slot_bytes = memory / n_slots;
	slot_bytes -= least_of(slot_bytes, needs->note_bytes);
	slot_bytes = least_of(slot_bytes / 2 & ~(page - 1), best_slot);
	if (slot_bytes < PLAN_MIN_SLOT)
		slot_bytes = PLAN_MIN_SLOT;
	return (struct pass_options){ n_workers, (unsigned)n_slots,
				      slot_bytes };
}

/* After a difference, the other observers are finished as well. */
static int finish_observers(const struct pass *pass, struct error *err)
{
	struct error first = { .differs = false };

	for (size_t i = 0; i < pass->n_observers; i++) {
		struct observer *const observer = pass->observers[i];

		if (!observer->finish || !observer->finish(observer, err))
			continue;
		if (!err->differs)
			return -1;
		if (!first.differs)
			first = *err;
	}
	if (!first.differs)
		return 0;
	*err = first;
	return -1;
}

int pass_run(const struct pass *pass, const struct pass_options *options,
	     struct error *err)
{
	int result = pipeline_run(pass, options, err);

	if (!result)
		result = finish_observers(pass, err);
	if (pass->sink && result)
		pass->sink->abort(pass->sink);
	else if (pass->sink)
		result = pass->sink->finish(pass->sink, err);
	return result;
}

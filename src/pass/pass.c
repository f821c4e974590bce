#include "pass/pass.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "pass/pipeline.h"
#include "pass/view.h"

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
	const struct sink *const sink = pass->sink;
	struct pass_needs needs = {
		.sink_order = sink && !sink->any_order,
		.values = sink,
		.tracks = sink && sink->file_of,
		.track_bytes = sink ? sink->file_bytes : 0,
	};
	const struct plan_tensor *largest;

	for (size_t i = 0; i < pass->plan->n_tensors; i++)
		if (pass->plan->tensors[i].view)
			needs.view_bytes = VIEW_SCRATCH_BYTES;
	for (size_t i = 0; i < pass->n_observers; i++) {
		const struct observer *const observer = pass->observers[i];

		needs.raw_order |= !observer->any_order;
		needs.values |= observer->reads_values;
		needs.tracks |= observer->wants_tracks && !needs.sink_order;
		needs.note_bytes += observer->note_bytes * PLAN_BATCH_ITEMS;
		if (observer->blake3)
			needs.blake3 = observer->blake3;
	}
	needs.min_slot = plan_min_slot(pass->plan, &largest);
	if (needs.blake3)
		needs.note_bytes +=
			sizeof(struct blake3_part) * PLAN_BATCH_ITEMS;
	needs.tracks &= !needs.raw_order;
	return needs;
}

static size_t least_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Besides those of the files that are written, a program has some open: its
 * inputs and other outputs. To make a file takes two more, of its folder. */
#define OTHER_DESCRIPTORS 16
#define TRACK_DESCRIPTORS 3

static unsigned count_tracks(const struct pass_needs *needs, unsigned n_workers,
			     size_t memory)
{
	struct rlimit limit = { .rlim_cur = OTHER_DESCRIPTORS };
	size_t n = least_of(n_workers, PLAN_MAX_TRACKS);

	if (!needs->tracks)
		return 1;
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < OTHER_DESCRIPTORS)
		limit.rlim_cur = OTHER_DESCRIPTORS;
	n = least_of(n, (limit.rlim_cur - OTHER_DESCRIPTORS) /
			TRACK_DESCRIPTORS);
	if (needs->track_bytes)
		n = least_of(n, memory / 4 / needs->track_bytes);
	return n ? (unsigned)n : 1;
}

struct pass_options pass_options_for(const struct pass_needs *needs,
				     unsigned n_workers, size_t memory,
				     size_t best_slot)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const size_t rest = needs->note_bytes + needs->view_bytes;
	const size_t min_slot =
		needs->min_slot > PLAN_MIN_SLOT ?
		(needs->min_slot + page - 1) & ~(page - 1) : PLAN_MIN_SLOT;
	const size_t least = 2 * min_slot + rest;
	const unsigned n_tracks = count_tracks(needs, n_workers, memory);
	size_t n_slots = n_workers == 1 ? 1 : 2 * (size_t)n_workers + 4;
	size_t slot_bytes;

	memory -= least_of(memory, n_tracks * needs->track_bytes);
	if (n_slots > memory / least)
		n_slots = memory / least ? memory / least : 1;
	slot_bytes = memory / n_slots;
	slot_bytes -= least_of(slot_bytes, rest);
	slot_bytes = least_of(slot_bytes / 2 & ~(page - 1),
			      best_slot > min_slot ? best_slot : min_slot);
	if (slot_bytes < PLAN_MIN_SLOT)
		slot_bytes = PLAN_MIN_SLOT;
	return (struct pass_options){ n_workers, (unsigned)n_slots, slot_bytes,
				      n_tracks, memory / 4 };
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

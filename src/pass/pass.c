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

/* What has scales is converted here, not by the device. */
static bool has_scales(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_tensors; i++)
		if (plan->tensors[i].scales)
			return true;
	return false;
}

static void add_needs_of_device(struct pass_needs *needs,
				const struct pass *pass)
{
	const struct device *const dev = pass->device;

	if (!dev)
		return;
	needs->few_slots = dev->few_slots;
	needs->device_hashes = needs->blake3 && dev->hashes;
	if (needs->device_hashes && !needs->values &&
	    needs->min_slot <= dev->kept_bytes && !has_scales(pass->plan))
		needs->kept_bytes = dev->kept_bytes;
	needs->tracks |= needs->kept_bytes && !needs->raw_order;
}

struct pass_needs pass_needs(const struct pass *pass)
{
	const struct sink *const sink = pass->sink;
	struct pass_needs needs = {
		.plan = pass->plan,
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
	add_needs_of_device(&needs, pass);
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

/* What the buffers of a slot take, with those that a device hashes into. */
static size_t slot_memory(const struct pass_needs *needs, size_t slot_bytes)
{
	const size_t values = needs->kept_bytes ? slot_bytes * PASS_KEPT_RATIO :
						  slot_bytes;
	const size_t chunks = !needs->device_hashes ? 0 :
			      values / BLAKE3_CHUNK_BYTES + PLAN_BATCH_ITEMS;
	const size_t hashes = chunks * BLAKE3_DIGEST_BYTES;

	if (needs->kept_bytes)
		return slot_bytes + hashes;
	return slot_bytes + hashes +
	       (needs->plan ? plan_input_bytes(needs->plan, slot_bytes) :
			      slot_bytes);
}

/* The least slot that the plan needs, in whole pages if it is large. */
static size_t whole_pages(size_t min_slot)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return min_slot > PLAN_MIN_SLOT ? (min_slot + page - 1) & ~(page - 1) :
					  PLAN_MIN_SLOT;
}

/* The largest slot, up to best_slot, whose buffers take at most `memory`; not
 * less than the smallest. */
static size_t fit_slot(const struct pass_needs *needs, size_t memory,
		       size_t best_slot)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const size_t best_memory = slot_memory(needs, best_slot);
	size_t slot = best_slot;

	if (memory < best_memory) /* about in proportion, and then exactly */
		slot = (size_t)((double)memory / (double)best_memory *
				(double)best_slot);
	slot &= ~(page - 1);
	while (slot > PLAN_MIN_SLOT && slot_memory(needs, slot) > memory)
		slot -= page;
	return slot < PLAN_MIN_SLOT ? PLAN_MIN_SLOT : slot;
}

/* As many slots as there is memory for that are as large as is best, but at
 * least one for each worker and some that wait to be written. */
static size_t count_slots(const struct pass_needs *needs, unsigned n_workers,
			  size_t memory, size_t best_bytes)
{
	const size_t n = memory / best_bytes, fewest = (size_t)n_workers + 4;

	if (n_workers == 1)
		return 1;
	if (needs->few_slots || n < fewest)
		return fewest;
	return least_of(n, fewest + n_workers);
}

struct pass_options pass_options_for(const struct pass_needs *needs,
				     unsigned n_workers, size_t memory,
				     size_t best_slot)
{
	const size_t rest = needs->note_bytes + needs->view_bytes;
	const size_t min_slot = whole_pages(needs->min_slot);
	const size_t least = slot_memory(needs, min_slot) + rest;
	const unsigned n_tracks = count_tracks(needs, n_workers, memory);
	size_t n_slots, slot_bytes;

	if (needs->kept_bytes)
		best_slot = needs->kept_bytes / PASS_KEPT_RATIO;
	if (best_slot < min_slot)
		best_slot = min_slot;
	n_slots = count_slots(needs, n_workers, memory,
			      slot_memory(needs, best_slot) + rest);
	memory -= least_of(memory, n_tracks * needs->track_bytes);
	if (n_slots > memory / least)
		n_slots = memory / least ? memory / least : 1;
	slot_bytes = memory / n_slots;
	slot_bytes -= least_of(slot_bytes, rest);
	slot_bytes = fit_slot(needs, slot_bytes, best_slot);
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

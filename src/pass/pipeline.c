#include "pass/pipeline.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "hash/blake3.h"
#include "io/cleanup.h"
#include "pass/scales.h"

_Static_assert(PLAN_PART % BLAKE3_CHUNK_BYTES == 0, "items begin at a chunk");

/* Most batches that may wait to be written; large enough that waking a worker
 * is never urgent. */
#define ENOUGH 4

/* The state of one batch. */
struct slot {
	struct slot *next; /* in the list of free or of closed slots */
	struct device_slot buffers;
	struct work_batch batch;
	char *notes; /* for each observer, one per item */
	bool ready;  /* to be committed, or to end the run with the error */
	int result;
	struct error err;
};

/*
 * Batches are taken and committed in the order of the plan, and converted in
 * any order. A batch's slot belongs to the worker that took it until it is
 * `ready`, then to the worker that commits it.
 */
struct pipeline {
	const struct pass *pass;
	struct pass_needs needs;
	struct slot *slots;
	struct slot **taken; /* batch i is in taken[i % n_slots] */
	unsigned n_slots;
	bool stream; /* batches must be read in order */

	pthread_mutex_t lock; /* protects everything below */
	pthread_cond_t idle;  /* workers without work wait here */
	unsigned n_idle;
	struct plan_cursor cursor; /* has the size of a slot */
	struct slot *free; /* last used first: it may still be in a cache */
	struct slot *closed; /* opened when they are needed */
	unsigned n_open, n_opening;
	uint64_t n_taken;
	uint64_t n_ready; /* all batches before this number are ready */
	uint64_t n_committed;
	bool reading; /* a worker reads the stream */
	bool committing; /* a worker uses the sink, the progress and err */
	bool ended;      /* no more batches will be taken */
	bool failed;     /* no more batches will be committed */
	struct error *err;
};

/* Stops taking batches. Called under the lock. */
static void end_taking(struct pipeline *p)
{
	p->ended = true;
	pthread_cond_broadcast(&p->idle);
}

static int name_tensor(struct error *err, const struct work_item *item)
{
	char name[ESCAPE_MESSAGE_SIZE];

	return error_append(err, ", for tensor '%s'",
			    escape_text(name, sizeof(name),
					item->tensor->tensor->info->name));
}

static int read_batch(struct slot *slot)
{
	for (size_t i = 0; i < slot->batch.n_items; i++) {
		const struct work_item *const item = &slot->batch.items[i];
		char *const to = item->tensor->verbatim ?
				 (char *)slot->buffers.out + item->out :
				 (char *)slot->buffers.in + item->in;

		if (source_read(item->tensor->tensor->source, item->src_offset,
				to, item->src_bytes, &slot->err))
			return name_tensor(&slot->err, item);
	}
	return 0;
}

static int open_slot(struct pipeline *p, struct slot *slot, size_t slot_bytes)
{
	struct device *const dev = p->pass->device;
	struct device_slot *const buffers = &slot->buffers;
	const size_t notes = p->needs.note_bytes;

	if (notes && !slot->notes) {
		slot->notes = malloc(notes);
		if (!slot->notes)
			return error_errno(&slot->err, "cannot allocate %zu "
					   "bytes for the notes on a batch",
					   notes);
	}
	if (p->needs.blake3)
		buffers->parts = (struct blake3_part *)slot->notes;
	if (dev->hashes) {
		buffers->blake3 = p->needs.blake3;
		buffers->parts_only = buffers->blake3 && !p->needs.values;
	}
	return dev->slot_open(dev, buffers, slot_bytes, &slot->err);
}

static struct slot *pop(struct slot **list)
{
	struct slot *const slot = *list;

	*list = slot->next;
	return slot;
}

static void push(struct slot **list, struct slot *slot)
{
	slot->next = *list;
	*list = slot;
}

/* Called before any slot is open, hence before any batch is taken. */
static bool halve_slots(struct plan_cursor *cursor)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const size_t half = cursor->slot_bytes / 2 & ~(page - 1);

	if (half < PLAN_MIN_SLOT)
		return false;
	cursor->slot_bytes = half;
	return true;
}

/*
 * Opens a slot and adds it to the free ones. An error becomes that of the next
 * batch. If memory is short, goes on with the slots that are open or, if there
 * is none, with smaller ones. Called under the lock, which it releases in
 * between.
 */
static void open_another(struct pipeline *p)
{
	struct slot *const slot = pop(&p->closed);
	const size_t slot_bytes = p->cursor.slot_bytes;
	bool alone;
	int result;

	p->n_opening++;
	pthread_mutex_unlock(&p->lock);
	result = open_slot(p, slot, slot_bytes);
	pthread_mutex_lock(&p->lock);
	p->n_opening--;

	alone = !p->n_open && !p->n_opening;
	if (result == DEVICE_NO_MEMORY && !alone) {
		p->closed = NULL;
	} else if (result == DEVICE_NO_MEMORY && halve_slots(&p->cursor)) {
		push(&p->closed, slot);
	} else {
		slot->result = result;
		p->n_open += !result;
		push(&p->free, slot);
	}
}

/* Hashes what the device did not, while it is in a cache. */
static void hash_batch(const struct pipeline *p, const struct slot *slot)
{
	for (size_t i = 0; i < slot->batch.n_items; i++) {
		const struct work_item *const item = &slot->batch.items[i];

		if (!slot->buffers.blake3 || !plan_is_for_device(item->tensor))
			blake3_part_hash(&slot->buffers.parts[i],
					 p->needs.blake3,
					 (char *)slot->buffers.out + item->out,
					 item->dst_bytes, item->dst_offset,
					 item->tensor->dst_bytes);
	}
}

static bool has_work_for_device(const struct work_batch *batch)
{
	for (size_t i = 0; i < batch->n_items; i++)
		if (plan_is_for_device(batch->items[i].tensor))
			return true;
	return false;
}

/* Converts what has scales. */
static void convert_scaled(const struct pipeline *p, struct slot *slot)
{
	struct device_slot *const buffers = &slot->buffers;

	for (size_t i = 0; i < slot->batch.n_items; i++) {
		const struct work_item *const item = &slot->batch.items[i];
		const struct plan_tensor *const tensor = item->tensor;

		if (!tensor->scales)
			continue;
		buffers->fits_f16 &= scales_convert(
			p->pass->rows, tensor,
			item->dst_offset / tensor->format->block_bytes,
			(char *)buffers->in + item->in, item->n_blocks,
			(char *)buffers->out + item->out);
	}
}

static int convert_batch(struct pipeline *p, struct slot *slot)
{
	struct device *const dev = p->pass->device;

	slot->buffers.fits_f16 = true;
	if (has_work_for_device(&slot->batch) &&
	    dev->convert(dev, &slot->buffers, &slot->batch, &slot->err))
		return -1;
	convert_scaled(p, slot);
	if (p->needs.blake3)
		hash_batch(p, slot);
	return 0;
}

static struct observed observe(const struct slot *slot)
{
	return (struct observed){
		.batch = &slot->batch,
		.blocks = slot->buffers.in,
		.values = slot->buffers.out,
		.parts = slot->buffers.parts,
		.fits_f16 = slot->buffers.fits_f16,
	};
}

/* The notes of the next observer in a slot, if this one's are at `notes`. The
 * first observer's follow the parts. */
static char *next_notes(const struct observer *observer, char *notes)
{
	/* NULL if nobody takes notes. */
	return observer->note_bytes ?
	       notes + observer->note_bytes * PLAN_BATCH_ITEMS : notes;
}

static char *first_notes(const struct pipeline *p, const struct slot *slot)
{
	return p->needs.blake3 ?
	       slot->notes + sizeof(struct blake3_part) * PLAN_BATCH_ITEMS :
	       slot->notes;
}

static int prepare(const struct pipeline *p, struct slot *slot)
{
	const struct observed observed = observe(slot);
	char *notes = first_notes(p, slot);

	for (size_t i = 0; i < p->pass->n_observers; i++) {
		struct observer *const observer = p->pass->observers[i];

		if (observer->prepare &&
		    observer->prepare(observer, &observed, notes, &slot->err))
			return -1;
		notes = next_notes(observer, notes);
	}
	return 0;
}

static bool can_take(const struct pipeline *p)
{
	return !p->ended && !p->reading && (p->free || p->closed) &&
	       p->n_ready - p->n_committed < ENOUGH;
}

/* Lets another worker read the stream, while this one converts. */
static void pass_stream_on(struct pipeline *p)
{
	pthread_mutex_lock(&p->lock);
	p->reading = false;
	if (p->n_idle && can_take(p))
		pthread_cond_signal(&p->idle);
	pthread_mutex_unlock(&p->lock);
}

/* Lets the slot's batch be written once those before it are. */
static void set_ready(struct pipeline *p, struct slot *slot, int result)
{
	slot->result = result;
	slot->ready = true;
	while (p->n_ready < p->n_taken &&
	       p->taken[p->n_ready % p->n_slots]->ready)
		p->n_ready++;
	if (result)
		end_taking(p);
}

/* Takes, reads, converts and prepares the next batch. Called under the lock,
 * which it releases in between. */
static void take_batch(struct pipeline *p)
{
	struct slot *const slot = pop(&p->free);
	int result = slot->result;

	(void)plan_next(&p->cursor, &slot->batch);
	p->taken[p->n_taken++ % p->n_slots] = slot;
	p->reading = p->stream;
	pthread_mutex_unlock(&p->lock);

	if (!result)
		result = read_batch(slot);
	if (p->stream)
		pass_stream_on(p);
	if (!result)
		result = convert_batch(p, slot);
	if (!result)
		result = prepare(p, slot);

	pthread_mutex_lock(&p->lock);
	set_ready(p, slot, result);
}

/* Takes a batch, or makes a slot for it, or finds that there is none. Under the
 * lock, which it gives up in between. */
static void take_next(struct pipeline *p)
{
	if (!plan_has_next(&p->cursor))
		end_taking(p);
	else if (p->free)
		take_batch(p);
	else
		open_another(p);
}

static bool can_commit(const struct pipeline *p)
{
	return !p->committing && !p->failed && p->n_committed < p->n_ready;
}

static int commit(const struct pipeline *p, struct slot *slot)
{
	const struct pass *const pass = p->pass;
	const struct observed observed = observe(slot);
	char *notes = first_notes(p, slot);

	if (slot->result) {
		*p->err = slot->err;
		return -1;
	}
	for (size_t i = 0; i < pass->n_observers; i++) {
		struct observer *const observer = pass->observers[i];

		if (observer->commit &&
		    observer->commit(observer, &observed, notes, p->err))
			return -1;
		notes = next_notes(observer, notes);
	}
	if (pass->sink && pass->sink->write(pass->sink, &slot->batch,
					    slot->buffers.out, p->err))
		return -1;
	if (pass->progress)
		progress_update(pass->progress, &slot->batch);
	return 0;
}

/* Commits the oldest batch, or returns its error. Called under the lock, which
 * it releases in between. */
static void commit_oldest(struct pipeline *p)
{
	struct slot *const slot = p->taken[p->n_committed % p->n_slots];
	int result;

	p->committing = true;
	pthread_mutex_unlock(&p->lock);
	result = commit(p, slot);
	pthread_mutex_lock(&p->lock);

	p->committing = false;
	p->n_committed++;
	slot->ready = false;
	push(&p->free, slot);
	if (result) {
		p->failed = true;
		end_taking(p);
	}
	/* Waking a worker for every batch would cost more than it gains. */
	if (p->n_idle && p->n_ready - p->n_committed <= ENOUGH / 2)
		pthread_cond_signal(&p->idle);
}

/* At least one worker never waits: if nobody is committing, reading or
 * converting, the oldest batch is ready, a slot is free, or one can be
 * opened. */
static void *work(void *arg)
{
	struct pipeline *const p = arg;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		if (can_commit(p)) {
			commit_oldest(p);
		} else if (can_take(p)) {
			take_next(p);
		} else if (p->ended) {
			break; /* workers that are still busy commit the rest */
		} else {
			p->n_idle++;
			pthread_cond_wait(&p->idle, &p->lock);
			p->n_idle--;
		}
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* Starts n threads. Returns how many were started. */
static unsigned start_threads(pthread_t *threads, unsigned n,
			      struct pipeline *p, int *error)
{
	sigset_t set, before;
	unsigned i;

	cleanup_signals(&set);
	(void)pthread_sigmask(SIG_BLOCK, &set, &before);
	*error = 0;
	for (i = 0; i < n && !*error; i++)
		*error = pthread_create(&threads[i], NULL, work, p);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return *error ? i - 1 : i;
}

static int run_workers(struct pipeline *p, unsigned n_workers)
{
	pthread_t *const threads = calloc(n_workers, sizeof(*threads));
	unsigned n_threads;
	int error;

	if (!threads)
		return error_errno(p->err, "cannot start %u threads",
				   n_workers);
	n_threads = start_threads(threads, n_workers - 1, p, &error);
	if (error) {
		pthread_mutex_lock(&p->lock);
		p->failed = true;
		end_taking(p);
		pthread_mutex_unlock(&p->lock);
	}
	work(p);
	for (unsigned i = 0; i < n_threads; i++)
		pthread_join(threads[i], NULL);
	free(threads);
	if (error) {
		errno = error;
		return error_errno(p->err, "cannot start thread %u of %u",
				   n_threads + 2, n_workers);
	}
	return p->failed ? -1 : 0;
}

static bool reads_stream(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_tensors; i++)
		if (!plan->tensors[i].tensor->source->seekable)
			return true;
	return false;
}

static int open_slots(struct pipeline *p, struct error *err)
{
	p->slots = calloc(p->n_slots, sizeof(*p->slots));
	p->taken = calloc(p->n_slots, sizeof(struct slot *));
	if (!p->slots || !p->taken)
		return error_errno(err, "cannot allocate %u slots", p->n_slots);
	for (unsigned i = 0; i < p->n_slots; i++)
		push(&p->closed, &p->slots[i]);
	return 0;
}

static void close_slots(struct pipeline *p)
{
	for (unsigned i = 0; p->slots && i < p->n_slots; i++) {
		if (p->slots[i].buffers.out)
			p->pass->device->slot_close(p->pass->device,
						    &p->slots[i].buffers);
		free(p->slots[i].notes);
	}
	free(p->slots);
	free(p->taken);
}

static int run_plan(const struct plan *plan, const struct pass *pass,
		    const struct pass_options *options, struct error *err)
{
	struct pipeline p = {
		.pass = pass,
		.needs = pass_needs(pass),
		.n_slots = options->n_slots,
		.stream = reads_stream(plan),
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.idle = PTHREAD_COND_INITIALIZER,
		.cursor = { .plan = plan, .slot_bytes = options->slot_bytes },
		.err = err,
	};
	int result = open_slots(&p, err);

	if (!result)
		result = run_workers(&p, options->n_workers);
	close_slots(&p);
	return result;
}

static int spool(const struct plan *plan, struct error *err)
{
	for (size_t i = 0; i < plan->n_tensors; i++)
		if (source_spool(plan->tensors[i].tensor->source, err))
			return -1;
	return 0;
}

/* Runs the tensors in the order of `plan`. */
static int run_in_order(const struct plan *plan, const struct pass *pass,
			const struct pass_options *options, struct error *err)
{
	if (reads_stream(plan) && !plan_is_sequential(plan) && spool(plan, err))
		return -1;
	return run_plan(plan, pass, options, err);
}

/* The same for a copy of the plan, `sorted`, which it releases. */
static int run_sorted(int sort_result, struct plan *sorted,
		      const struct pass *pass,
		      const struct pass_options *options, struct error *err)
{
	int result;

	if (sort_result)
		return -1;
	result = run_in_order(sorted, pass, options, err);
	plan_release(sorted);
	return result;
}

int pipeline_run(const struct pass *pass, const struct pass_options *options,
		 struct error *err)
{
	const struct pass_needs needs = pass_needs(pass);
	const struct plan *const plan = pass->plan;
	struct plan sorted;

	if (needs.sink_order && !plan_is_in_order(plan)) {
		if (needs.raw_order)
			return error_set(err, "the output and the expected "
					 "values have the tensors in different "
					 "orders, so they cannot both be "
					 "pipes");
		return run_sorted(plan_init_by_output(&sorted, plan, err),
				  &sorted, pass, options, err);
	}
	if (needs.raw_order || needs.sink_order || !reads_stream(plan) ||
	    plan_is_sequential(plan))
		return run_in_order(plan, pass, options, err);
	return run_sorted(plan_init_by_source(&sorted, plan, err), &sorted,
			  pass, options, err);
}

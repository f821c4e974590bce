#include "pass/pipeline.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hash/blake3.h"
#include "io/cleanup.h"
#include "base/escape.h"

_Static_assert(PLAN_PART % BLAKE3_CHUNK_BYTES == 0, "items begin at a chunk");

/* What waits to be written at most, as long as the plan's order lets it be
 * written: enough that to wake a worker in time takes no haste. */
#define ENOUGH 4

/* What one batch needs on its way. */
struct slot {
	struct slot *next;          /* free one */
	struct device_slot buffers; /* opened by the first batch */
	struct work_batch batch;
	struct blake3_part *parts; /* of the items, where the sink wants them */
	bool ready; /* to be written, or to end the run with the error */
	int result;
	struct error err;
};

/*
 * Batches are taken, and written, in the order of the plan; in between they are
 * converted in any order. The slot of one belongs to the worker that took it
 * until `ready`, and then to the worker that writes.
 */
struct pipeline {
	struct device *dev;
	struct sink *sink;
	struct progress *progress;
	struct slot *slots;
	struct slot **taken; /* number i has the slot taken[i % n_slots] */
	unsigned n_slots;
	size_t slot_bytes;
	enum output_type type;
	bool stream; /* batches must be read in order */

	pthread_mutex_t lock; /* of all below */
	pthread_cond_t idle;  /* where workers wait that have nothing to do */
	unsigned n_idle;
	struct plan_cursor cursor;
	struct slot *free; /* first the one used last: a cache may have it */
	uint64_t n_taken;
	uint64_t n_ready; /* all before this number are */
	uint64_t n_written;
	bool reading; /* a worker reads the stream */
	bool writing; /* a worker has the sink, the progress and err */
	bool ended;   /* no batch will be taken any more */
	bool failed;  /* none will be written any more */
	struct error *err;
};

struct pipeline_options pipeline_options_for(unsigned n_workers, size_t memory,
					     size_t best_slot)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const unsigned n_slots = n_workers == 1 ? 1 : 2 * n_workers + 4;
	size_t slot_bytes = (memory / n_slots / 2) & ~(page - 1);

	if (slot_bytes > best_slot)
		slot_bytes = best_slot;
	if (slot_bytes < PLAN_MIN_SLOT)
		slot_bytes = PLAN_MIN_SLOT;
	return (struct pipeline_options){ n_workers, n_slots, slot_bytes };
}

/* Takes no more batches. Under the lock. */
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

static int open_slot(struct pipeline *p, struct slot *slot)
{
	struct device_slot *const buffers = &slot->buffers;

	if (p->sink->blake3) {
		slot->parts = reallocarray(NULL, PLAN_BATCH_ITEMS,
					   sizeof(*slot->parts));
		if (!slot->parts)
			return error_errno(&slot->err, "cannot allocate the "
					   "hashes of a batch");
	}
	if (p->dev->hashes) {
		buffers->blake3 = p->sink->blake3;
		buffers->parts_only = p->sink->parts_only;
	}
	return p->dev->slot_open(p->dev, buffers, p->slot_bytes, &slot->err);
}

static int open_and_read(struct pipeline *p, struct slot *slot)
{
	if (!slot->buffers.out && open_slot(p, slot))
		return -1;
	for (size_t i = 0; slot->parts && i < slot->batch.n_items; i++)
		slot->batch.items[i].part = &slot->parts[i];
	return read_batch(slot);
}

/* Hashes what the device did not: while a cache has it. */
static void hash_items(const struct pipeline *p, const struct slot *slot)
{
	for (size_t i = 0; i < slot->batch.n_items; i++) {
		const struct work_item *const item = &slot->batch.items[i];

		if (!slot->buffers.blake3 || item->tensor->verbatim)
			blake3_part_hash(item->part, p->sink->blake3,
					 (char *)slot->buffers.out + item->out,
					 item->dst_bytes, item->dst_offset,
					 item->tensor->dst_bytes);
	}
}

static bool can_take(const struct pipeline *p)
{
	return !p->ended && !p->reading && p->free &&
	       p->n_ready - p->n_written < ENOUGH;
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

/* Takes the next batch, reads and converts it. Under the lock, which it gives
 * up in between. */
static void take(struct pipeline *p)
{
	struct slot *const slot = p->free;
	int result;

	if (!plan_next(&p->cursor, &slot->batch)) {
		end_taking(p);
		return;
	}
	p->free = slot->next;
	p->taken[p->n_taken++ % p->n_slots] = slot;
	p->reading = p->stream;
	pthread_mutex_unlock(&p->lock);

	result = open_and_read(p, slot);
	if (p->stream)
		pass_stream_on(p);
	if (!result && slot->batch.in_bytes)
		result = p->dev->convert(p->dev, &slot->buffers, &slot->batch,
					 p->type, &slot->err);
	if (!result && slot->parts)
		hash_items(p, slot);
	if (!result && p->sink->prepare)
		result = p->sink->prepare(p->sink, &slot->batch,
					  slot->buffers.out, &slot->err);

	pthread_mutex_lock(&p->lock);
	set_ready(p, slot, result);
}

static bool can_write(const struct pipeline *p)
{
	return !p->writing && !p->failed && p->n_written < p->n_ready;
}

static int write_slot(struct pipeline *p, struct slot *slot)
{
	if (slot->result) {
		*p->err = slot->err;
		return -1;
	}
	if (p->sink->write(p->sink, &slot->batch, slot->buffers.out, p->err))
		return -1;
	if (p->progress)
		progress_update(p->progress, &slot->batch);
	return 0;
}

/* Writes the oldest batch, or returns its error. Under the lock, which it gives
 * up in between. */
static void write_oldest(struct pipeline *p)
{
	struct slot *const slot = p->taken[p->n_written % p->n_slots];
	int result;

	p->writing = true;
	pthread_mutex_unlock(&p->lock);
	result = write_slot(p, slot);
	pthread_mutex_lock(&p->lock);

	p->writing = false;
	p->n_written++;
	slot->ready = false;
	slot->next = p->free;
	p->free = slot;
	if (result) {
		p->failed = true;
		end_taking(p);
	}
	/* To wake one for every batch would cost more than it gains. */
	if (p->n_idle && p->n_ready - p->n_written <= ENOUGH / 2)
		pthread_cond_signal(&p->idle);
}

/* The last worker that has something to do never waits: with nobody writing,
 * reading or converting, the oldest batch is ready, or else a slot is free. */
static void *work(void *arg)
{
	struct pipeline *const p = arg;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		if (can_write(p)) {
			write_oldest(p);
		} else if (can_take(p)) {
			take(p);
		} else if (p->ended) {
			break; /* who is still at work will write the rest */
		} else {
			p->n_idle++;
			pthread_cond_wait(&p->idle, &p->lock);
			p->n_idle--;
		}
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* Starts n threads. Returns how many there are. */
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
	for (unsigned i = 0; i < p->n_slots; i++) {
		p->slots[i].next = p->free;
		p->free = &p->slots[i];
	}
	return 0;
}

static void close_slots(struct pipeline *p)
{
	for (unsigned i = 0; p->slots && i < p->n_slots; i++) {
		if (p->slots[i].buffers.out)
			p->dev->slot_close(p->dev, &p->slots[i].buffers);
		free(p->slots[i].parts);
	}
	free(p->slots);
	free(p->taken);
}

static int run(const struct plan *plan, struct device *dev, struct sink *sink,
	       const struct pipeline_options *options,
	       struct progress *progress, struct error *err)
{
	struct pipeline p = {
		.dev = dev,
		.sink = sink,
		.progress = progress,
		.n_slots = options->n_slots,
		.slot_bytes = options->slot_bytes,
		.type = plan->type,
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

/* For a sink that takes the tensors as the plan has them, and no other way. */
static int run_in_order(const struct plan *plan, struct device *dev,
			struct sink *sink,
			const struct pipeline_options *options,
			struct progress *progress, struct error *err)
{
	if (reads_stream(plan) && !plan_is_sequential(plan) && spool(plan, err))
		return -1;
	return run(plan, dev, sink, options, progress, err);
}

int pipeline_run(const struct plan *plan, struct device *dev, struct sink *sink,
		 const struct pipeline_options *options,
		 struct progress *progress, struct error *err)
{
	struct plan sorted;
	int result;

	if (sink->any_order) {
		if (!reads_stream(plan) || plan_is_sequential(plan))
			return run(plan, dev, sink, options, progress, err);
		if (plan_init_by_source(&sorted, plan, err))
			return -1;
		result = run(&sorted, dev, sink, options, progress, err);
	} else {
		if (plan_is_in_order(plan))
			return run_in_order(plan, dev, sink, options, progress,
					    err);
		if (plan_init_by_output(&sorted, plan, err))
			return -1;
		result = run_in_order(&sorted, dev, sink, options, progress,
				      err);
	}
	plan_release(&sorted);
	return result;
}

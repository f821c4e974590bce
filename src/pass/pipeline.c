#include "pass/pipeline.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "hash/blake3.h"
#include "io/cleanup.h"
#include "pass/scales.h"
#include "pass/view.h"

_Static_assert(PLAN_PART % BLAKE3_CHUNK_BYTES == 0, "items begin at a chunk");

/* The state of one batch. */
struct slot {
	struct slot *next; /* in the list of free or of closed slots, or in its
			      track */
	struct device_slot buffers;
	bool is_open;
	struct work_batch batch;
	struct view_scratch scratch;
	char *notes; /* for each observer, one per item */
	bool ready;  /* to be committed, or to end the run with the error */
	int result;
	struct error err;
};

/*
 * A run of whole files of the output or, without one, of whole tensors: small
 * ones together, so that most batches are full. Its batches are taken and
 * committed in order, but those of several tracks side by side.
 */
struct track {
	size_t first;     /* number of its first tensor in the walk */
	struct plan part; /* its tensors; none: the track is closed */
	struct plan_cursor cursor;
	struct slot *oldest, **end; /* taken, but not committed, in order */
	unsigned n_ready;   /* of these, from the oldest on … */
	struct slot *after; /* … to this one, which is not; or NULL */
	bool failing;     /* a batch has an error: the last one taken */
	bool committing;  /* a worker commits its oldest batch */
};

/*
 * Batches are converted in any order. A batch's slot belongs to the worker that
 * took it until it is `ready`, then to the worker that commits it.
 */
struct pipeline {
	const struct pass *pass;
	const struct plan *plan; /* in the order of the walk */
	struct pass_needs needs;
	struct slot *slots;
	unsigned n_slots;
	unsigned n_tracks; /* 1: a single one for the whole plan */
	unsigned enough;   /* most batches of a track that may wait to be
			      committed: so many that waking a worker is never
			      urgent */
	bool spares; /* there are more slots than workers */
	bool stream; /* batches must be read in order */
	struct view_scratch scratch; /* of who reads the stream */
	struct view_cache cache;

	pthread_mutex_t alone; /* held to call what cannot be called by several
				  threads at once, and never for `lock` */

	pthread_mutex_t lock; /* protects everything below */
	pthread_cond_t idle;  /* workers without work wait here */
	unsigned n_idle;
	struct track tracks[PLAN_MAX_TRACKS];
	struct track *newest;
	size_t next; /* tensor that the next track begins with */
	size_t stop; /* tensor: tracks that begin there or later have ended,
			because there is an error before */
	size_t slot_bytes;
	size_t in_bytes;   /* of the slots' input */
	size_t kept_bytes; /* see struct device_slot */
	struct slot *free;
	struct slot *closed; /* opened when they are needed */
	struct slot *broken; /* could not be opened: the next batch's error */
	unsigned n_open, n_opening;
	unsigned n_ready; /* of all tracks */
	bool reading; /* a worker reads the stream */
	bool failed;
	struct error *err;
};

struct worker {
	struct pipeline *pipeline;
	struct track *track; /* of its last batch, or NULL */
	struct slot *spare;  /* a free one, which may still be in its caches; or
				NULL */
};

static int name_tensor(struct error *err, const struct work_item *item)
{
	return error_append(err, ", for tensor '%s'",
			    ESCAPED(item->tensor->tensor->info->name));
}

/* The bytes of a verbatim tensor. */
static char *verbatim_item(const struct slot *slot,
			   const struct work_item *item)
{
	return slot->buffers.kept_bytes ? (char *)slot->buffers.in + item->in :
					  (char *)slot->buffers.out + item->out;
}

static int read_item(struct pipeline *p, struct slot *slot,
		     const struct work_item *item)
{
	const struct plan_tensor *const tensor = item->tensor;
	struct source *const source = tensor->tensor->source;
	const struct gguf_tensor *const info = tensor->tensor->info;
	const size_t header = info->format->header_bytes;
	char *const to = tensor->verbatim ? verbatim_item(slot, item) :
					    (char *)slot->buffers.in + item->in;

	if (tensor->view)
		return view_read(tensor->view, p->pass->rows,
				 p->stream ? &p->scratch : &slot->scratch,
				 item->src_offset - info->offset, to,
				 item->src_bytes, &slot->err);
	if (source_read(source, item->src_offset, to, item->src_bytes,
			&slot->err))
		return -1;
	if (tensor->verbatim || info->format->group_rows)
		return 0;
	return source_read(source, info->offset + info->bytes - header,
			   to + item->src_bytes, header, &slot->err);
}

static int read_batch(struct pipeline *p, struct slot *slot)
{
	for (size_t i = 0; i < slot->batch.n_items; i++) {
		const struct work_item *const item = &slot->batch.items[i];

		if (read_item(p, slot, item))
			return name_tensor(&slot->err, item);
	}
	return 0;
}

static int open_slot(struct pipeline *p, struct slot *slot, size_t slot_bytes)
{
	struct device *const dev = p->pass->device;
	struct device_slot *const buffers = &slot->buffers;
	const size_t notes = p->needs.note_bytes;

	buffers->in_bytes = p->in_bytes;
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
		buffers->kept_bytes = p->kept_bytes;
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

static void free_slot(struct pipeline *p, struct slot *slot)
{
	push(slot->is_open ? &p->free : &p->broken, slot);
}

/* If values are kept, verbatim tensors are read into the input, too. */
static void set_slot_bytes(struct pipeline *p, size_t bytes)
{
	const size_t most = bytes * PASS_KEPT_RATIO;

	p->slot_bytes = bytes;
	p->kept_bytes = p->needs.kept_bytes < most ? p->needs.kept_bytes : most;
	p->in_bytes = p->needs.kept_bytes ? bytes :
					    plan_input_bytes(p->plan, bytes);
}

/* Called before any slot is open, hence before any batch is taken. */
static bool halve_slots(struct pipeline *p)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const size_t half = p->slot_bytes / 2 & ~(page - 1);

	if (half < p->needs.min_slot)
		return false;
	set_slot_bytes(p, half);
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
	const size_t slot_bytes = p->slot_bytes;
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
	} else if (result == DEVICE_NO_MEMORY && halve_slots(p)) {
		push(&p->closed, slot);
	} else {
		slot->result = result;
		slot->is_open = !result;
		p->n_open += slot->is_open;
		free_slot(p, slot);
	}
}

/* Hashes what the device did not, while it is in a cache. */
static void hash_batch(const struct pipeline *p, const struct slot *slot)
{
	for (size_t i = 0; i < slot->batch.n_items; i++) {
		const struct work_item *const item = &slot->batch.items[i];
		const bool verbatim = item->tensor->verbatim;

		if (slot->buffers.blake3 && plan_is_for_device(item->tensor))
			continue;
		blake3_part_hash(&slot->buffers.parts[i], p->needs.blake3,
				 verbatim ? verbatim_item(slot, item) :
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

/* --------------------------------- tracks --------------------------------- */

static bool is_open(const struct track *track)
{
	return track->part.n_tensors;
}

static bool has_ended(const struct pipeline *p, const struct track *track)
{
	return track->failing || track->first >= p->stop;
}

static bool has_next(const struct pipeline *p, struct track *track)
{
	return is_open(track) && !has_ended(p, track) &&
	       plan_has_next(&track->cursor);
}

static bool has_room(const struct pipeline *p, const struct track *track)
{
	return track->n_ready < p->enough;
}

static size_t file_of(const struct pipeline *p, size_t tensor)
{
	const struct sink *const sink = p->pass->sink;
	const struct plan_tensor *const t = &p->plan->tensors[tensor];

	return sink && sink->file_of ? sink->file_of(sink, t) : t->index;
}

/* The end of a track that begins with tensor number `first`. */
static size_t find_end(const struct pipeline *p, size_t first)
{
	const size_t n = p->plan->n_tensors;
	const size_t full = p->kept_bytes ? p->kept_bytes : p->slot_bytes;
	uint64_t bytes = 0;
	size_t end = first;

	if (p->n_tracks == 1)
		return n;
	do {
		const size_t file = file_of(p, end);

		do
			bytes += p->plan->tensors[end++].dst_bytes;
		while (end < n && file_of(p, end) == file);
	} while (end < n && end - first < PLAN_BATCH_ITEMS &&
		 bytes <= full / 2);
	return end;
}

/* Opens the next track that has a batch. NULL if there is none, or if there are
 * enough. */
static struct track *open_track(struct pipeline *p)
{
	struct track *track = p->tracks;

	while (track < p->tracks + p->n_tracks && is_open(track))
		track++;
	if (track == p->tracks + p->n_tracks)
		return NULL;
	while (p->next < p->plan->n_tensors && p->next < p->stop) {
		const size_t end = find_end(p, p->next);

		*track = (struct track){
			.first = p->next,
			.part = { .tensors = p->plan->tensors + p->next,
				  .n_tensors = end - p->next },
			.cursor = { .plan = &track->part,
				    .track = (unsigned)(track - p->tracks) },
			.end = &track->oldest,
		};
		p->next = end;
		if (plan_has_next(&track->cursor))
			return p->newest = track;
		track->part.n_tensors = 0;
	}
	return NULL;
}

/* Makes room for another track once all of this one is done. */
static void close_track(struct pipeline *p, struct track *track)
{
	if (!track->oldest && !track->committing && !has_next(p, track))
		track->part.n_tensors = 0;
}

/* A track that other workers take from, too: the one that needs it most. */
static struct track *join_track(struct pipeline *p)
{
	struct track *best = NULL;

	for (unsigned i = 0; i < p->n_tracks; i++) {
		struct track *const track = &p->tracks[i];

		if (has_next(p, track) && has_room(p, track) &&
		    (!best || track->n_ready < best->n_ready))
			best = track;
	}
	return best;
}

/*
 * The track from which a worker takes its next batch: the same as before, so
 * that each worker writes what is in its own cache; else a new one; else any.
 * NULL if there is no batch, or it must wait.
 */
static struct track *choose_track(struct pipeline *p,
				  const struct worker *worker)
{
	struct track *track = p->stream ? p->newest : worker->track;

	if (p->reading ||
	    (!worker->spare && !p->free && !p->closed && !p->broken))
		return NULL;
	if (track && has_next(p, track)) {
		if (has_room(p, track))
			return track;
		if (p->stream)
			return NULL;
	}
	track = open_track(p);
	return track || p->stream ? track : join_track(p);
}

static bool all_is_taken(struct pipeline *p)
{
	for (unsigned i = 0; i < p->n_tracks; i++)
		if (has_next(p, &p->tracks[i]))
			return false;
	return p->next >= p->plan->n_tensors || p->next >= p->stop;
}

static bool can_commit(const struct track *track)
{
	return track && track->n_ready && !track->committing;
}

/* The track of the worker's last batch, if it can be committed; else any. */
static struct track *find_ready(struct pipeline *p,
				const struct worker *worker)
{
	if (can_commit(worker->track))
		return worker->track;
	for (unsigned i = 0; p->n_ready && i < p->n_tracks; i++)
		if (can_commit(&p->tracks[i]))
			return &p->tracks[i];
	return NULL;
}

/* --------------------------------- workers -------------------------------- */

/* Lets another worker read the stream, while this one converts. */
static void pass_stream_on(struct pipeline *p)
{
	pthread_mutex_lock(&p->lock);
	p->reading = false;
	if (p->n_idle)
		pthread_cond_signal(&p->idle);
	pthread_mutex_unlock(&p->lock);
}

/* What begins after a tensor has ended. */
static void stop_at(struct pipeline *p, size_t tensor)
{
	if (p->stop > tensor)
		p->stop = tensor;
}

static void count_ready(struct pipeline *p, struct track *track)
{
	while (track->after && track->after->ready) {
		track->after = track->after->next;
		track->n_ready++;
		p->n_ready++;
	}
}

/* Lets the slot's batch be committed once those before it are. */
static void set_ready(struct pipeline *p, struct track *track,
		      struct slot *slot, int result)
{
	slot->result = result;
	slot->ready = true;
	count_ready(p, track);
	if (!result)
		return;
	track->failing = true;
	stop_at(p, track->first + 1);
}

static struct slot *add_batch(struct pipeline *p, struct worker *worker,
			      struct track *track)
{
	struct slot *const slot = p->broken ? pop(&p->broken) :
				  worker->spare ? worker->spare :
						  pop(&p->free);

	if (slot == worker->spare)
		worker->spare = NULL;
	track->cursor.slot_bytes = p->slot_bytes;
	track->cursor.in_bytes = p->in_bytes;
	track->cursor.kept_bytes = p->kept_bytes;
	(void)plan_next(&track->cursor, &slot->batch);
	slot->next = NULL;
	if (!track->after)
		track->after = slot;
	*track->end = slot;
	track->end = &slot->next;
	return slot;
}

/* Takes, reads, converts and prepares the next batch. Called under the lock,
 * which it releases in between. */
static void take_batch(struct pipeline *p, struct worker *worker,
		       struct track *track)
{
	struct slot *const slot = add_batch(p, worker, track);
	int result = slot->result;

	p->reading = p->stream;
	pthread_mutex_unlock(&p->lock);

	if (!result)
		result = read_batch(p, slot);
	if (p->stream)
		pass_stream_on(p);
	if (!result)
		result = convert_batch(p, slot);
	if (!result)
		result = prepare(p, slot);

	pthread_mutex_lock(&p->lock);
	set_ready(p, track, slot, result);
}

/* Takes a batch, or makes a slot for it. Under the lock, which it gives up in
 * between. */
static void take_next(struct pipeline *p, struct worker *worker,
		      struct track *track)
{
	worker->track = track;
	if (p->broken || worker->spare || p->free)
		take_batch(p, worker, track);
	else
		open_another(p);
}

static int commit_to(struct pipeline *p, struct observer *observer,
		     const struct observed *observed, const void *notes,
		     struct error *err)
{
	int result;

	if (!observer->commit)
		return 0;
	if (observer->any_tracks)
		return observer->commit(observer, observed, notes, err);
	pthread_mutex_lock(&p->alone);
	result = observer->commit(observer, observed, notes, err);
	pthread_mutex_unlock(&p->alone);
	return result;
}

static int write_batch(struct pipeline *p, struct slot *slot)
{
	struct sink *const sink = p->pass->sink;
	int result;

	if (!sink)
		return 0;
	if (sink->file_of)
		return sink->write(sink, &slot->batch, slot->buffers.out,
				   &slot->err);
	pthread_mutex_lock(&p->alone);
	result = sink->write(sink, &slot->batch, slot->buffers.out, &slot->err);
	pthread_mutex_unlock(&p->alone);
	return result;
}

static void show_progress(struct pipeline *p, const struct slot *slot)
{
	if (!p->pass->progress)
		return;
	pthread_mutex_lock(&p->alone);
	progress_update(p->pass->progress, &slot->batch);
	pthread_mutex_unlock(&p->alone);
}

static int commit(struct pipeline *p, struct slot *slot)
{
	const struct pass *const pass = p->pass;
	const struct observed observed = observe(slot);
	char *notes = first_notes(p, slot);

	if (slot->result)
		return -1;
	for (size_t i = 0; i < pass->n_observers; i++) {
		struct observer *const observer = pass->observers[i];

		if (commit_to(p, observer, &observed, notes, &slot->err))
			return -1;
		notes = next_notes(observer, notes);
	}
	if (write_batch(p, slot))
		return -1;
	show_progress(p, slot);
	return 0;
}

/* Removes the oldest batch from the track. */
static struct slot *take_oldest(struct pipeline *p, struct track *track)
{
	struct slot *const slot = track->oldest;

	track->oldest = slot->next;
	if (!track->oldest)
		track->end = &track->oldest;
	track->n_ready--;
	p->n_ready--;
	slot->ready = false;
	return slot;
}

/* Commits the oldest batch, or drops it after an error in an earlier one or in
 * an earlier track. Called under the lock, which it releases in between. */
static void commit_oldest(struct pipeline *p, struct worker *worker,
			  struct track *track)
{
	struct slot *const slot = take_oldest(p, track);
	int result = 0;

	track->committing = true;
	if (track->first < p->stop) {
		pthread_mutex_unlock(&p->lock);
		result = commit(p, slot);
		pthread_mutex_lock(&p->lock);
	}
	track->committing = false;
	/* Meanwhile an earlier track may have failed, too. */
	if (result && track->first < p->stop) {
		*p->err = slot->err;
		p->failed = true;
		stop_at(p, track->first);
	}
	if (slot->is_open)
		slot->result = 0;
	if (p->spares && slot->is_open && !worker->spare)
		worker->spare = slot;
	else
		free_slot(p, slot);
	close_track(p, track);
	/* Waking a worker for every batch would cost more than it gains. */
	if (p->n_idle && track->n_ready <= p->enough / 2)
		pthread_cond_signal(&p->idle);
}

/*
 * A worker waits only if it can neither commit nor take a batch. If all did, no
 * batch would be under way: none that is not ready, since nobody converts, and
 * none that is, since nobody commits. So all slots would be free, and the next
 * batch could be taken.
 */
static void *work(void *arg)
{
	struct worker *const worker = arg;
	struct pipeline *const p = worker->pipeline;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		struct track *const ready = find_ready(p, worker);
		struct track *const next =
			ready ? NULL : choose_track(p, worker);

		if (ready) {
			commit_oldest(p, worker, ready);
		} else if (next) {
			take_next(p, worker, next);
		} else if (worker->spare) {
			push(&p->free, worker->spare);
			worker->spare = NULL;
		} else if (all_is_taken(p)) {
			break; /* workers that are still busy commit the rest */
		} else {
			p->n_idle++;
			pthread_cond_wait(&p->idle, &p->lock);
			p->n_idle--;
		}
	}
	pthread_cond_broadcast(&p->idle);
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* Starts n threads. Returns how many were started. */
static unsigned start_threads(pthread_t *threads, unsigned n,
			      struct worker *workers, int *error)
{
	sigset_t before;
	unsigned i;

	cleanup_block_signals(&before);
	*error = 0;
	for (i = 0; i < n && !*error; i++)
		*error = pthread_create(&threads[i], NULL, work, &workers[i]);
	cleanup_restore_signals(&before);
	return *error ? i - 1 : i;
}

/* Also if no batch was left for a slot that could not be opened: a GPU that
 * fails must not go unnoticed. */
static int result_of(const struct pipeline *p)
{
	if (!p->failed && !p->broken)
		return 0;
	if (!p->failed)
		*p->err = p->broken->err;
	return -1;
}

/* Runs `n` workers, of which this thread is the last one, unless they wait for
 * a GPU: that may hang, and this thread must get signals. */
static int run_threads(struct pipeline *p, struct worker *workers,
		       pthread_t *threads, unsigned n)
{
	const unsigned own = p->pass->device->n_workers ? 0 : 1;
	unsigned n_threads;
	int error;

	n_threads = start_threads(threads, n - own, workers, &error);
	if (error) {
		pthread_mutex_lock(&p->lock);
		stop_at(p, 0);
		pthread_mutex_unlock(&p->lock);
	}
	if (own)
		work(&workers[n - 1]);
	for (unsigned i = 0; i < n_threads; i++)
		pthread_join(threads[i], NULL);
	if (!error)
		return result_of(p);
	errno = error;
	return error_errno(p->err, "cannot start thread %u of %u",
			   n_threads + 1 + own, n);
}

static int run_workers(struct pipeline *p, unsigned n)
{
	struct worker *const workers = calloc(n, sizeof(*workers));
	pthread_t *const threads = calloc(n, sizeof(*threads));
	int result;

	for (unsigned i = 0; workers && i < n; i++)
		workers[i].pipeline = p;
	if (workers && threads)
		result = run_threads(p, workers, threads, n);
	else
		result = error_errno(p->err, "cannot start %u threads", n);
	free(workers);
	free(threads);
	return result;
}

static bool reads_stream(const struct plan *plan)
{
	const struct model_tensor *stored;

	for (size_t i = 0; i < plan->n_tensors; i++)
		for (unsigned k = 0;
		     (stored = plan_stored(&plan->tensors[i], k)); k++)
			if (!stored->source->seekable)
				return true;
	return false;
}

static int open_slots(struct pipeline *p, struct error *err)
{
	p->slots = calloc(p->n_slots, sizeof(*p->slots));
	if (!p->slots)
		return error_errno(err, "cannot allocate %u slots", p->n_slots);
	for (unsigned i = 0; i < p->n_slots; i++) {
		p->slots[i].scratch.cache = &p->cache;
		push(&p->closed, &p->slots[i]);
	}
	return 0;
}

static void close_slots(struct pipeline *p)
{
	for (unsigned i = 0; p->slots && i < p->n_slots; i++) {
		if (p->slots[i].is_open)
			p->pass->device->slot_close(p->pass->device,
						    &p->slots[i].buffers);
		view_scratch_release(&p->slots[i].scratch);
		free(p->slots[i].notes);
	}
	view_scratch_release(&p->scratch);
	view_cache_release(&p->cache);
	free(p->slots);
}

/* `what`, which takes up to `most` bytes, is too small for the plan's rows. */
static int refuse_rows(const struct plan *plan, const char *what, size_t most,
		       const char *advice, struct error *err)
{
	const struct plan_tensor *tensor;
	const size_t least = plan_min_slot(plan, &tensor);
	const struct gguf_tensor *const info = tensor->tensor->info;

	return error_set(err, "'%s': tensor '%s' has rows of %" PRIu64
			 " weights in %s, which are converted as a whole: %zu "
			 "bytes, but %s %zu; %s", tensor->tensor->source->name,
			 ESCAPED(info->name), info->dims[0], info->format->name,
			 least, what, most, advice);
}

static int check_rows(const struct plan *plan, const struct pass_needs *needs,
		      size_t slot_bytes, struct error *err)
{
	if (needs->blake3 && needs->min_slot > BLAKE3_PART_BYTES)
		return refuse_rows(plan, "BLAKE3 takes at most",
				   BLAKE3_PART_BYTES, "use another checksum",
				   err);
	if (slot_bytes < needs->min_slot)
		return refuse_rows(plan, "a buffer has", slot_bytes,
				   "raise --memory", err);
	return 0;
}

static int run_plan(const struct plan *plan, const struct pass *pass,
		    const struct pass_options *options, struct error *err)
{
	struct pipeline p = {
		.pass = pass,
		.plan = plan,
		.needs = pass_needs(pass),
		.n_slots = options->n_slots,
		.spares = options->n_slots > options->n_workers,
		.n_tracks = options->n_tracks,
		.enough = options->n_workers < 8 ? 4 : options->n_workers / 2,
		.stream = reads_stream(plan),
		.alone = PTHREAD_MUTEX_INITIALIZER,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.idle = PTHREAD_COND_INITIALIZER,
		.stop = SIZE_MAX,
		.err = err,
	};
	int result;

	view_cache_init(&p.cache, options->window_bytes);
	set_slot_bytes(&p, options->slot_bytes);
	if (!p.needs.tracks || !p.n_tracks)
		p.n_tracks = 1;
	if (check_rows(plan, &p.needs, options->slot_bytes, err))
		return -1;
	result = open_slots(&p, err);
	if (!result)
		result = run_workers(&p, options->n_workers);
	close_slots(&p);
	return result;
}

static int spool(const struct plan *plan, struct error *err)
{
	const struct model_tensor *stored;

	for (size_t i = 0; i < plan->n_tensors; i++)
		for (unsigned k = 0;
		     (stored = plan_stored(&plan->tensors[i], k)); k++)
			if (source_spool(stored->source, err))
				return -1;
	return 0;
}

/* Runs the tensors in the order of `plan`. */
static int run_in_order(const struct plan *plan, const struct pass *pass,
			const struct pass_options *options, struct error *err)
{
	if (reads_stream(plan) &&
	    !plan_is_sequential(plan, options->window_bytes) &&
	    spool(plan, err))
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
	    plan_is_sequential(plan, options->window_bytes))
		return run_in_order(plan, pass, options, err);
	return run_sorted(plan_init_by_source(&sorted, plan, err), &sorted,
			  pass, options, err);
}

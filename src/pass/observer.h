/* observer.h - sees the values of a pass on their way to the sink. */
#ifndef PASS_OBSERVER_H
#define PASS_OBSERVER_H

#include "hash/blake3.h"
#include "pass/plan.h"

/* A batch that was read and converted. */
struct observed {
	const struct work_batch *batch;
	const char *blocks; /* of each item that is not verbatim, at item->in */
	const char *values; /* at item->out */
	const struct blake3_part *parts; /* one per item, if any observer of
					    the pass asks for them */
	bool fits_f16; /* as the device said: see device.h */
};

/*
 * For each batch the pass calls prepare in the thread that converted it, while
 * the values are in that thread's cache; several threads may do so at once.
 * Then it calls commit, in the order in which the sink gets the batches, from
 * one thread at a time, unless any_tracks. After all batches it calls finish
 * once. Each function may be NULL. After an error in one, only close follows.
 */
struct observer {
	/* Tensors may come in any order, not only that of the raw output. */
	bool any_order;

	/* Several threads may call commit at once, for batches of different
	 * tracks: a tensor is in one track. */
	bool any_tracks;
	bool wants_tracks; /* commit takes so long that they should */

	/* The observer reads the values. If none does and there is no sink,
	 * they are unspecified. */
	bool reads_values;

	/* Not NULL if the observer needs each item's BLAKE3 part: from a device
	 * that hashes or, on the CPU, from these functions. */
	const struct blake3_lanes *blake3;

	/* Bytes per item that prepare can pass to commit, aligned to 8. */
	size_t note_bytes;

	int (*prepare)(struct observer *observer,
		       const struct observed *observed, void *notes,
		       struct error *err);
	int (*commit)(struct observer *observer,
		      const struct observed *observed, const void *notes,
		      struct error *err);
	int (*finish)(struct observer *observer, struct error *err);
	void (*close)(struct observer *observer); /* frees it */
};

#endif

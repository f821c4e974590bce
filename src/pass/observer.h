/* observer.h - what looks at the values of a pass on their way. */
#ifndef PASS_OBSERVER_H
#define PASS_OBSERVER_H

#include "hash/blake3.h"
#include "pass/plan.h"

/* A batch that was read and converted. */
struct observed {
	const struct work_batch *batch;
	const char *blocks; /* of each item but a verbatim one, at item->in */
	const char *values; /* at item->out */
	const struct blake3_part *parts; /* one per item, if any observer of
					    the pass asks for them */
	bool fits_f16; /* as the device said: see device.h */
};

/*
 * For each batch the pass calls prepare, on the thread that converted it, while
 * the values are in that thread's cache; threads call it side by side. Then it
 * calls commit, from one thread at a time, batch after batch in the order in
 * which the sink gets them. After all batches it calls finish, once. Each may
 * be NULL. After an error of one, no other call follows but close.
 */
struct observer {
	/* Tensors may come in another order than that of the raw output. */
	bool any_order;

	/* It reads the values. If no observer does, and there is no sink, a
	 * device may keep what it converts: then the values that observers get
	 * are unspecified, but not those of verbatim items. */
	bool reads_values;

	/* Not NULL: it wants each item's BLAKE3 part, from a device that hashes
	 * or, on the CPU, by these. */
	const struct blake3_lanes *blake3;

	/* For each item: room for what prepare tells commit, aligned to 8. */
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

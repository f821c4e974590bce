/* device.h - what turns blocks into values: the CPU, or a GPU. */
#ifndef PASS_DEVICE_H
#define PASS_DEVICE_H

#include "pass/plan.h"

/* The buffers of one batch. One thread uses a slot at a time. */
struct device_slot {
	void *in;  /* the pipeline reads blocks into it */
	void *out; /* convert leaves the values here, beside what the pipeline
		      read of verbatim tensors */
	void *own; /* the device's */

	/* Set before slot_open, of a device that hashes, if BLAKE3 parts are
	 * wanted: convert makes those of what it converts in parts[], by the
	 * number of the item, */
	const struct blake3_lanes *blake3;
	struct blake3_part *parts;
	bool parts_only; /* and may leave what it converts out of `out` */

	/* Set by convert: no weight of the batch is infinite only as F16. False
	 * if the device does not know. */
	bool fits_f16;
};

#define DEVICE_NO_MEMORY 1

struct device {
	const char *description; /* what it is, for a person; its own */
	unsigned n_workers; /* that keep it busy; 0: one a CPU */
	size_t best_slot;   /* bytes; larger is no faster, smaller costs more */
	bool hashes;        /* see struct device_slot; else the CPU does */

	/* Makes a slot with both buffers of slot_bytes, aligned to a page.
	 * Returns DEVICE_NO_MEMORY, with an error as well, if fewer or smaller
	 * slots may be had. */
	int (*slot_open)(struct device *dev, struct device_slot *slot,
			 size_t slot_bytes, struct error *err);
	void (*slot_close)(struct device *dev, struct device_slot *slot);

	/* The blocks of slot->in → values of the tensor's type in slot->out,
	 * for each item whose tensor isn't verbatim. Returns when they are
	 * there. Threads call it side by side. */
	int (*convert)(struct device *dev, struct device_slot *slot,
		       const struct work_batch *batch, struct error *err);

	void (*close)(struct device *dev);
};

#endif

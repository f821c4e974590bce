/* device.h - converts blocks to values: the CPU, or GPUs. */
#ifndef PASS_DEVICE_H
#define PASS_DEVICE_H

#include "pass/plan.h"

/* The buffers of one batch. One thread uses a slot at a time. */
struct device_slot {
	void *in;  /* the pipeline reads blocks into it */
	void *out; /* convert stores values here; the pipeline reads verbatim
		      tensors into it */
	void *own; /* the device's */

	/* Set before slot_open for a device that hashes, if BLAKE3 parts are
	 * wanted. convert then computes the part of each item that it converts,
	 * in parts[], by the number of the item, */
	const struct blake3_lanes *blake3;
	struct blake3_part *parts;
	bool parts_only; /* and may leave what it converts out of `out` */

	/* Set before slot_open: at most so many bytes of `in` are used. */
	size_t in_bytes;

	/* Not 0 if nobody needs the values: the slot has no `out`, but space
	 * for so many bytes of values on the device. Verbatim tensors, which it
	 * does not hash, are in `in`. */
	size_t kept_bytes;

	/* Set by convert: no weight of the batch is infinite only as F16. False
	 * if the device does not know. */
	bool fits_f16;
};

#define DEVICE_NO_MEMORY 1

struct device {
	const char *description; /* for a person; owned by the device */
	unsigned n_workers; /* that wait for it; 0: none do, one per CPU works.
			       They block cleanup_signals for the threads that
			       its runtime may start in slot_open or convert */
	unsigned n_copying; /* more of them, which copy input or output at the
			       speed of its link */
	size_t best_slot;   /* bytes; a larger slot would not be faster */
	bool hashes;        /* see struct device_slot; otherwise the CPU does */
	size_t kept_bytes;  /* the best for such a slot, at most
			       BLAKE3_PART_BYTES; 0: there are none */
	bool few_slots;     /* a slot takes long to make: no more than keep the
			       workers busy */

	/* Makes a slot: `in` has in_bytes, and `out` slot_bytes unless the
	 * values are kept; both are aligned to 256 bytes. To hash, the device
	 * may take 32 bytes of the host's memory for each KiB of values, and
	 * for each item. Returns DEVICE_NO_MEMORY and sets the error if fewer
	 * or smaller slots may still be possible. */
	int (*slot_open)(struct device *dev, struct device_slot *slot,
			 size_t slot_bytes, struct error *err);
	void (*slot_close)(struct device *dev, struct device_slot *slot);

	/* Converts the blocks in slot->in to values of the tensor's type in
	 * slot->out, for each item that is not verbatim. Returns when they are
	 * stored. Several threads may call it at once. */
	int (*convert)(struct device *dev, struct device_slot *slot,
		       const struct work_batch *batch, struct error *err);

	void (*close)(struct device *dev);
};

#endif

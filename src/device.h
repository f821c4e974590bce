/* device.h - what turns blocks into values: the CPU, or a GPU. */
#ifndef DEVICE_H
#define DEVICE_H

#include "plan.h"

/* The buffers of one batch. One thread uses a slot at a time. */
struct device_slot {
	void *in;  /* the pipeline reads blocks into it */
	void *out; /* convert leaves the values here, beside what the pipeline
		      read of verbatim tensors */
};

struct device {
	/* Makes a slot with both buffers of slot_bytes, aligned to a page. */
	int (*slot_open)(struct device *dev, struct device_slot *slot,
			 size_t slot_bytes, struct error *err);
	void (*slot_close)(struct device *dev, struct device_slot *slot);

	/* The blocks of slot->in → values of type `type` in slot->out, for each
	 * item whose tensor isn't verbatim. Returns when they are there.
	 * Threads call it side by side. */
	int (*convert)(struct device *dev, struct device_slot *slot,
		       const struct work_batch *batch, enum output_type type,
		       struct error *err);

	void (*close)(struct device *dev);
};

/* The CPU, with the row functions of one instruction set (see cpu_rows.h).
 * Closed by its close(), which frees it. NULL on error. */
struct cpu_rows;
struct device *device_cpu_open(const struct cpu_rows *rows, struct error *err);

#endif

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

	/* Set before slot_open, of a device that hashes, where the sink wants
	 * hashes: convert makes the parts of what it converts, */
	const struct blake3_lanes *blake3;
	bool parts_only; /* and may leave what it converts out of `out` */
};

struct device {
	const char *description; /* what it is, for a person; its own */
	unsigned n_workers; /* that keep it busy; 0: one a CPU */
	size_t best_slot;   /* bytes; larger is no faster, smaller costs more */
	bool hashes;        /* see struct device_slot; else the CPU does */

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

/* The CPU, with the row functions of one instruction set (see cpu/rows.h).
 * Closed by its close(), which frees it. NULL on error. */
struct cpu_rows;
struct device *device_cpu_open(const struct cpu_rows *rows, struct error *err);

/*
 * The GPUs of those numbers, as gpus_init counts them, or without any the first
 * one that this program has code for. Slots are page-locked, so that copies run
 * beside all else; several GPUs take turns at them. Closed by its close(),
 * which frees it. NULL on error. Threads that it starts block cleanup_signals.
 */
struct device *device_gpu_open(const unsigned *numbers, size_t n,
			       struct error *err);

/* The GPU, of which every value is compared with the CPU's: the first one that
 * isn't equal is an error that differs. Takes gpu over, also on error. */
struct device *device_verify_open(struct device *gpu,
				  const struct cpu_rows *rows,
				  struct error *err);

#endif

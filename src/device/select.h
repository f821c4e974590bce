/* select.h - opens the device that the user requests. */
#ifndef DEVICE_SELECT_H
#define DEVICE_SELECT_H

#include "pass/device.h"

enum device_kind { DEVICE_AUTO, DEVICE_CPU, DEVICE_GPU };

#define DEVICE_MAX_GPUS 16

struct device_choice {
	enum device_kind kind;
	unsigned gpus[DEVICE_MAX_GPUS]; /* numbers, as in gpus_init */
	size_t n_gpus;                  /* 0: any GPU */
};

/*
 * Opens the device of that choice; `threads` is how many the CPU would use.
 * "auto" takes a GPU if there is one and it pays for this plan; otherwise the
 * CPU. NULL on error.
 */
struct device *device_select(const struct device_choice *choice,
			     const struct plan *plan, unsigned threads,
			     struct error *err);

#endif

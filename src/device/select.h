/* select.h - opens the device that the user requests. */
#ifndef DEVICE_SELECT_H
#define DEVICE_SELECT_H

#include "device/devices.h"

enum device_kind { DEVICE_AUTO, DEVICE_CPU, DEVICE_GPU };

struct device_choice {
	enum device_kind kind;
	unsigned gpus[DEVICE_MAX_GPUS]; /* numbers, as in gpus_init */
	size_t n_gpus;                  /* 0: any GPU */
};

/* What the device is for. */
struct device_work {
	const struct plan *plan;
	unsigned threads; /* that the CPU would use */
	bool hashes;      /* with BLAKE3 */
	enum {
		DEVICE_WRITES_NOTHING,
		DEVICE_WRITES_FILE,
		DEVICE_WRITES_FILES, /* side by side */
	} output;
};

/*
 * Opens the device of that choice. "auto" takes a GPU if there is one and it
 * would take less than half of the time; otherwise the CPU. NULL on error.
 */
struct device *device_select(const struct device_choice *choice,
			     const struct device_work *work, struct error *err);

#endif

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

/* The work that a device is needed for. */
struct device_work {
	const struct plan *plan;
	unsigned threads; /* that the CPU would use, each on a core */
	bool hashes;      /* with BLAKE3 */
	bool compares;    /* values with those of a file */
	enum {
		DEVICE_WRITES_NOTHING,
		DEVICE_WRITES_FILE,
		DEVICE_WRITES_FILES, /* side by side */
	} output;
};

/* Whether a GPU should take less than half of the time of a CPU, which has AVX2
 * unless is_baseline. Pure. */
bool device_gpu_pays(const struct device_work *work, bool is_baseline);

/*
 * Opens the device of that choice. "auto" takes a GPU if one works and it pays;
 * otherwise the CPU. NULL on error.
 */
struct device *device_select(const struct device_choice *choice,
			     const struct device_work *work, struct error *err);

#endif

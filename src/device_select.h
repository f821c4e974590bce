/* device_select.h - the device that the user asks for, opened. */
#ifndef DEVICE_SELECT_H
#define DEVICE_SELECT_H

#include "device.h"
#include "options.h"

/*
 * Opens the device of the options, with the comparison of --verify around it;
 * `threads` is how many the CPU would use. By itself ("auto") it takes a GPU
 * that is there and pays for this plan, else the CPU. NULL on error.
 */
struct device *device_select(const struct options *options,
			     const struct plan *plan, unsigned threads,
			     struct error *err);

/* What the CPU uses, whatever the device: its best instruction set, or the one
 * that GGUF_DEQUANT_ISA names. NULL on error. */
const struct cpu_rows *device_select_rows(struct error *err);

#endif

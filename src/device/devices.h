/* devices.h - the devices that there are. */
#ifndef DEVICE_DEVICES_H
#define DEVICE_DEVICES_H

#include "pass/device.h"

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

#endif

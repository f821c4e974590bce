/* devices.h - the devices: the CPU, and GPUs. */
#ifndef DEVICE_DEVICES_H
#define DEVICE_DEVICES_H

#include "pass/device.h"

/* The CPU, with the row functions of one instruction set (see cpu/rows.h). Its
 * close() frees it. NULL on error. */
struct cpu_rows;
struct device *device_cpu_open(const struct cpu_rows *rows, struct error *err);

#define DEVICE_MAX_GPUS 16

/*
 * The GPUs with these numbers, as counted by gpus_init or, if n is 0, the first
 * one that this program has code for; at most DEVICE_MAX_GPUS. Slots are
 * page-locked, so that copies run in the background, and are assigned to the
 * GPUs in turn. close() frees the device. NULL on error. The caller blocks
 * cleanup_signals, so that the threads which a runtime starts do not get them.
 */
struct device *device_gpu_open(const unsigned *numbers, size_t n,
			       struct error *err);

#endif

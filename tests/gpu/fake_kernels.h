/* fake_kernels.h - the GPU kernels as the host compiles them, by name. */
#ifndef FAKE_KERNELS_H
#define FAKE_KERNELS_H

#include <stdint.h>

struct fake_kernel {
	const char *name;
	void (*run)(const void *blocks, void *values, uint64_t n_blocks);
	unsigned block_bytes;
	unsigned block_values; /* bytes of a block's values */
};

/* NULL where there is none of that name. */
const struct fake_kernel *fake_kernel_find(const char *name);

/* Runs each thread of each group, one after the other. */
void fake_kernel_run(const struct fake_kernel *kernel, unsigned groups,
		     unsigned threads, const void *blocks, void *values,
		     uint64_t n_blocks);

#endif

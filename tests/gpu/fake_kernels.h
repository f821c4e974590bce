/* fake_kernels.h - the GPU kernels compiled for the host, by name. */
#ifndef FAKE_KERNELS_H
#define FAKE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/launch.h"

struct fake_kernel {
	const char *name;
	void (*run)(const void *blocks, void *values, uint64_t n_blocks);
	/* Set instead if blocks are not a run. */
	void (*run_rows)(const void *blocks, void *values, uint64_t n_blocks,
			 uint32_t row_blocks, uint32_t reciprocal,
			 uint32_t shift);
	/* Set instead for BLAKE3, with the parameters of launch.h. */
	void (*hash)(const void *from, void *values, uint64_t n,
		     uint64_t first, uint64_t total);
	unsigned block_bytes;
	unsigned header_bytes; /* per row */
	unsigned block_values; /* bytes of a block's values; BLAKE3's: 0 */
};

/* NULL if no kernel has that name. */
const struct fake_kernel *fake_kernel_find(const char *name);

/* The parameters of any kernel; they begin alike. */
union fake_parameters {
	struct dq_parameters of_blocks;
	struct dq_hash_parameters of_hash;
};

/* Sets *p to what a launch passes. */
void fake_kernel_take(const struct fake_kernel *kernel, void **parameters,
		      union fake_parameters *p);

/* The numbers of bytes that the kernel reads and writes. */
size_t fake_kernel_reads(const struct fake_kernel *kernel,
			 const union fake_parameters *p);
size_t fake_kernel_makes(const struct fake_kernel *kernel,
			 const union fake_parameters *p);

/* Runs all threads of all groups, one after the other. */
void fake_kernel_run(const struct fake_kernel *kernel, unsigned groups,
		     unsigned threads, const union fake_parameters *p);

#endif

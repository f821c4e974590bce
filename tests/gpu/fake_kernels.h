/* fake_kernels.h - the GPU kernels compiled for the host, by name. */
#ifndef FAKE_KERNELS_H
#define FAKE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

struct fake_kernel {
	const char *name;
	void (*run)(const void *blocks, void *values, uint64_t n_blocks);
	/* Set instead for BLAKE3, with the parameters of launch.h. */
	void (*hash)(const void *from, void *values, uint64_t n,
		     uint64_t first, uint64_t total);
	unsigned block_bytes;
	unsigned block_values; /* bytes of a block's values; BLAKE3's: 0 */
};

/* NULL if no kernel has that name. */
const struct fake_kernel *fake_kernel_find(const char *name);

/* The parameters of one of BLAKE3; another takes the first three. */
struct dq_hash_parameters;

/* The number of bytes that the kernel writes. */
size_t fake_kernel_makes(const struct fake_kernel *kernel,
			 const struct dq_hash_parameters *p);

/* Runs all threads of all groups, one after the other. */
void fake_kernel_run(const struct fake_kernel *kernel, unsigned groups,
		     unsigned threads, const struct dq_hash_parameters *p);

#endif

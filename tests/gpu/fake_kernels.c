#include "fake_kernels.h"

#include "kernels/dequant.hip"

_Thread_local struct dq_position dq_position;

#define ROW(TYPE, type, bytes, nan, file_type, name, weights)            \
	{ "dq_" #name "_" #type, dq_##name##_##type, NULL,               \
	  sizeof(struct dq_##name), (weights) * (bytes) },
#define DQ_QUANT(NAME, name, id, weights, bytes, span) \
	DQ_OUTPUT_TYPES(ROW, name, weights)
#define DQ_FLOAT(NAME, name, id, bytes) DQ_OUTPUT_TYPES(ROW, name, 1)

/* This kernel overwrites its input, which the type declares const. */
static void run_groups(const void *chunks, void *values, uint64_t n,
		   uint64_t first, uint64_t total)
{
	dq_blake3_groups((void *)(uintptr_t)chunks, values, n, first, total);
}

static const struct fake_kernel kernels[] = {
	{ "dq_blake3_chunks", NULL, dq_blake3_chunks, 1, 0 },
	{ "dq_blake3_groups", NULL, run_groups, sizeof(struct hash_value), 0 },
#include "kernels/formats.def"
};

const struct fake_kernel *fake_kernel_find(const char *name)
{
	for (size_t i = 0; i < sizeof(kernels) / sizeof(*kernels); i++)
		if (!strcmp(kernels[i].name, name))
			return &kernels[i];
	return NULL;
}

size_t fake_kernel_makes(const struct fake_kernel *kernel,
			 const struct dq_hash_parameters *p)
{
	uint64_t n = (p->n + BLAKE3_CHUNK - 1) / BLAKE3_CHUNK;

	if (!kernel->hash)
		return p->n * kernel->block_values;
	if (kernel->hash == run_groups)
		n = dq_hash_layout(p->n, p->first, p->total).n_values;
	return n * sizeof(struct hash_value);
}

void fake_kernel_run(const struct fake_kernel *kernel, unsigned groups,
		     unsigned threads, const struct dq_hash_parameters *p)
{
	for (unsigned group = 0; group < groups; group++)
		for (unsigned thread = 0; thread < threads; thread++) {
			dq_position.group = group;
			dq_position.thread = thread;
			if (kernel->hash)
				kernel->hash(p->from, p->values, p->n,
					     p->first, p->total);
			else
				kernel->run(p->from, p->values, p->n);
		}
}

#include "fake_kernels.h"

#include "../../kernels/dequant.hip"

_Thread_local struct dq_position dq_position;

#define ROW(name, weights, type, bytes)                                  \
	{ "dq_" #name "_" #type, dq_##name##_##type,                     \
	  sizeof(struct dq_##name), (weights) * (bytes) },
#define ROWS(name, weights)         \
	ROW(name, weights, f32, 4)  \
	ROW(name, weights, f16, 2)  \
	ROW(name, weights, bf16, 2)
#define DQ_QUANT(NAME, name, id, weights, bytes, span) ROWS(name, weights)
#define DQ_FLOAT(NAME, name, id, bytes) ROWS(name, 1)

static const struct fake_kernel kernels[] = {
#include "../../kernels/formats.def"
};

const struct fake_kernel *fake_kernel_find(const char *name)
{
	for (size_t i = 0; i < sizeof(kernels) / sizeof(*kernels); i++)
		if (!strcmp(kernels[i].name, name))
			return &kernels[i];
	return NULL;
}

void fake_kernel_run(const struct fake_kernel *kernel, unsigned groups,
		     unsigned threads, const void *blocks, void *values,
		     uint64_t n_blocks)
{
	for (unsigned group = 0; group < groups; group++)
		for (unsigned thread = 0; thread < threads; thread++) {
			dq_position.group = group;
			dq_position.thread = thread;
			kernel->run(blocks, values, n_blocks);
		}
}

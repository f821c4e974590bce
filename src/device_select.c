#include "device_select.h"

#include <stdlib.h>

#include "cpu_rows.h"

/*
 * Whether a GPU pays. What bounds both is the output: a file or a pipe takes 3
 * to 6 GB/s. A thread with AVX2 makes 10 or more, so that beside an H200 a
 * single one was as fast. Without AVX2 it makes 1 to 6 of F16 and BF16. And a
 * GPU's runtime takes 0.3 s to start.
 */
static bool gpu_pays(const struct plan *plan, const struct cpu_rows *rows,
		     unsigned threads)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < plan->n_tensors; i++)
		if (!plan->tensors[i].verbatim)
			bytes += plan->tensors[i].dst_bytes;
	return rows == cpu_rows_at(0) && threads < 4 &&
	       bytes >= (uint64_t)4 << 30;
}

const struct cpu_rows *device_select_rows(struct error *err)
{
	const char *const isa = getenv("GGUF_DEQUANT_ISA");

	return cpu_rows_select(isa && *isa ? isa : NULL, err);
}

static struct device *open_gpu(const struct options *options,
			       const struct cpu_rows *rows, struct error *err)
{
	struct device *const gpu =
		device_gpu_open(options->gpus, options->n_gpus, err);

	return gpu && options->verify ? device_verify_open(gpu, rows, err) :
					gpu;
}

struct device *device_select(const struct options *options,
			     const struct plan *plan, unsigned threads,
			     struct error *err)
{
	const struct cpu_rows *const rows = device_select_rows(err);
	struct device *dev = NULL;

	if (!rows)
		return NULL;
	if (options->device == DEVICE_GPU)
		return open_gpu(options, rows, err);
	if (options->device == DEVICE_AUTO && gpu_pays(plan, rows, threads))
		dev = open_gpu(options, rows, err);
	return dev ? dev : device_cpu_open(rows, err);
}

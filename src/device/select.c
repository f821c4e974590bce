#include "device/select.h"

#include "cpu/rows.h"
#include "device/devices.h"

/*
 * Whether a GPU would be faster. Both are limited by the output: a file or a
 * pipe takes 3 to 6 GB/s. One CPU thread with AVX2 makes 10 GB/s or more, as
 * much as an H200 could write. Without AVX2 it makes 1 to 6 GB/s of F16 and
 * BF16. A GPU runtime takes 0.3 s to start.
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

struct device *device_select(const struct device_choice *choice,
			     const struct plan *plan, unsigned threads,
			     struct error *err)
{
	const struct cpu_rows *const rows = cpu_rows_chosen(err);
	struct device *dev = NULL;

	if (!rows)
		return NULL;
	if (choice->kind == DEVICE_GPU)
		return device_gpu_open(choice->gpus, choice->n_gpus, err);
	if (choice->kind == DEVICE_AUTO && gpu_pays(plan, rows, threads))
		dev = device_gpu_open(choice->gpus, choice->n_gpus, err);
	return dev ? dev : device_cpu_open(rows, err);
}

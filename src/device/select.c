#include "device/select.h"

#include <pthread.h>

#include "cpu/rows.h"
#include "io/cleanup.h"
#include "pass/prefetch.h"

/*
 * What work costs, in GB/s of output: measured with Q4_K to F32 on 16 cores of
 * an Intel Xeon with AVX-512 and an H100 on PCIe 5, from and to memory. See
 * man/performance.md.
 */
static const struct {
	double convert;          /* a thread with AVX2 or AVX-512 */
	double convert_baseline; /* a thread without */
	double hash;             /* the same thread, on top: BLAKE3 */
	double write_file;       /* any number of threads */
	double write_files;      /* each of several */
	double gpu_download;     /* values that come back */
	double gpu_upload;       /* of input: blocks, if nothing comes back */
	double gpu_start;        /* seconds */
} cost = {
	.convert = 5.7,
	.convert_baseline = 1.5,
	.hash = 4.3,
	.write_file = 2.9,
	.write_files = 2.2,
	.gpu_download = 50,
	.gpu_upload = 38,
	.gpu_start = 0.3,
};

static double larger(double a, double b)
{
	return a > b ? a : b;
}

/* What both have to wait for. */
static double write_seconds(const struct device_work *work, double gigabytes)
{
	switch (work->output) {
	case DEVICE_WRITES_FILE:
		return gigabytes / cost.write_file;
	case DEVICE_WRITES_FILES:
		return gigabytes / cost.write_files / work->threads;
	default:
		return 0;
	}
}

static double cpu_seconds(const struct device_work *work, bool is_baseline,
			  double gigabytes)
{
	const double convert = is_baseline ? cost.convert_baseline :
					     cost.convert;
	const double each = 1 / convert + (work->hashes ? 1 / cost.hash : 0);

	return larger(gigabytes * each / work->threads,
		      write_seconds(work, gigabytes));
}

static double gpu_seconds(const struct device_work *work, double gigabytes,
			  double input)
{
	const bool kept = work->hashes && !work->compares &&
			  work->output == DEVICE_WRITES_NOTHING;
	const double copy = kept ? input / cost.gpu_upload :
				   gigabytes / cost.gpu_download;

	return cost.gpu_start + larger(copy, write_seconds(work, gigabytes));
}

bool device_gpu_pays(const struct device_work *work, bool is_baseline)
{
	double input = 0, output = 0;

	for (size_t i = 0; i < work->plan->n_tensors; i++) {
		const struct plan_tensor *const tensor =
			&work->plan->tensors[i];

		if (!plan_is_for_device(tensor))
			continue;
		input += (double)tensor->tensor->info->bytes * 1e-9;
		output += (double)tensor->dst_bytes * 1e-9;
	}
	return gpu_seconds(work, output, input) <
	       cpu_seconds(work, is_baseline, output) / 2;
}

/* GPUs that are being opened. */
struct opening {
	const struct device_choice *choice;
	struct device *dev;
	struct error *err;
};

static void *open_gpus(void *arg)
{
	struct opening *const opening = arg;

	opening->dev = device_gpu_open(opening->choice->gpus,
				       opening->choice->n_gpus, opening->err);
	return NULL;
}

/* A driver may hang, and this thread must get signals: unless it can't be
 * started, another one opens the GPUs. */
static struct device *open_in_thread(const struct device_choice *choice,
				     struct error *err)
{
	struct opening opening = { choice, NULL, err };
	pthread_t thread;
	sigset_t before;
	int failed;

	cleanup_block_signals(&before);
	failed = pthread_create(&thread, NULL, open_gpus, &opening);
	if (failed)
		(void)open_gpus(&opening);
	cleanup_restore_signals(&before);
	if (!failed)
		(void)pthread_join(thread, NULL);
	return opening.dev;
}

/* While the driver starts, the model is read into the page cache. */
static struct device *open_gpu(const struct device_choice *choice,
			       const struct plan *plan, struct error *err)
{
	struct prefetch prefetch;
	struct device *dev;

	prefetch_start(&prefetch, plan);
	dev = open_in_thread(choice, err);
	prefetch_stop(&prefetch);
	return dev;
}

struct device *device_select(const struct device_choice *choice,
			     const struct device_work *work, struct error *err)
{
	const struct cpu_rows *const rows = cpu_rows_chosen(err);
	struct device *dev = NULL;

	if (!rows)
		return NULL;
	if (choice->kind == DEVICE_GPU)
		return open_gpu(choice, work->plan, err);
	if (choice->kind == DEVICE_AUTO &&
	    device_gpu_pays(work, rows == cpu_rows_at(0)))
		dev = open_gpu(choice, work->plan, err);
	return dev ? dev : device_cpu_open(rows, err);
}

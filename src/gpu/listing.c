#include "gpu/listing.h"

#include "gpu/gpu.h"

static void print_gpu(FILE *stream, const struct gpu *gpu)
{
	struct gpu_kernels kernels;
	char text[GPU_DESCRIPTION_SIZE];
	struct error err;

	if (gpu_kernels_open(&kernels, gpu, &err)) {
		fprintf(stream, "%s\n", err.message);
		return;
	}
	if (gpu_describe(&kernels, text, &err))
		fprintf(stream, "%s\n", err.message);
	else
		fprintf(stream, "%s: %.1f GiB, %s, %s\n", gpu->label,
			(double)gpu->memory / (1 << 30), text,
			gpu->runtime->path);
	gpu_kernels_close(&kernels);
}

void gpu_listing(FILE *stream)
{
	static const char *const names[] = { [GPU_HIP] = "HIP",
					     [GPU_CUDA] = "CUDA" };
	struct gpus gpus;

	gpus_init(&gpus);
	for (size_t i = 0; i < gpus.n; i++)
		print_gpu(stream, &gpus.list[i]);
	for (int api = 0; api < GPU_APIS; api++)
		if (*gpus.missing[api].message)
			fprintf(stream, "no %s GPU: %s\n", names[api],
				gpus.missing[api].message);
	gpus_release(&gpus);
}

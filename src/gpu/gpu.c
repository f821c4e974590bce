#include "gpu/gpu.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/escape.h"
#include "gpu/amd.h"
#include "kernels/launch.h"

static const struct dq_image *find_image(const char *target)
{
	for (const struct dq_image *image = dq_images; image->target; image++)
		if (!strcmp(image->target, target))
			return image;
	return NULL;
}

/* Its own code, or that of its family. */
static const struct dq_image *find_hip_image(const struct gpu *gpu)
{
	const struct dq_image *const own = find_image(gpu->arch);
	const struct amd_family *const family = amd_family(gpu->arch);

	if (own || !family ||
	    gpu->runtime->version_number < AMD_GENERIC_VERSION)
		return own;
	return find_image(family->generic);
}

static int find_hip_arch(struct gpu *gpu, struct error *err)
{
	_Alignas(16) char properties[4096] = ""; /* the struct has 1472 */
	const char *const arch = properties + gpu->runtime->hip_arch_offset;
	int wave;

	if (GPU_CALL(gpu, err, 0, device_properties, properties, gpu->ordinal))
		return -1;
	/* After a colon come features: "gfx90a:sramecc+:xnack-". */
	snprintf(gpu->arch, sizeof(gpu->arch), "%.*s",
		 (int)strcspn(arch, ":"), arch);
	memcpy(&wave, properties + gpu->runtime->hip_wave_offset, sizeof(wave));
	gpu->wave = (unsigned)wave;
	gpu->image = find_hip_image(gpu);
	return 0;
}

static int find_cuda_arch(struct gpu *gpu, struct error *err)
{
	int major, minor;

	if (GPU_CALL(gpu, err, 0, device_attribute, &major,
		     CUDA_ATTRIBUTE_MAJOR, gpu->handle) ||
	    GPU_CALL(gpu, err, 0, device_attribute, &minor,
		     CUDA_ATTRIBUTE_MINOR, gpu->handle))
		return -1;
	snprintf(gpu->arch, sizeof(gpu->arch), "sm_%d%d", major, minor);
	return 0;
}

int gpu_find(struct gpu *gpu, const struct gpu_runtime *rt, size_t number,
	     int ordinal, struct error *err)
{
	char name[64] = "", escaped[GPU_LABEL_SIZE / 2];
	size_t memory;

	*gpu = (struct gpu){ .runtime = rt, .ordinal = ordinal };
	snprintf(gpu->label, sizeof(gpu->label), "device gpu:%zu", number);
	if (GPU_CALL(gpu, err, 0, device_get, &gpu->handle, ordinal) ||
	    GPU_CALL(gpu, err, 0, device_name, name, sizeof(name),
		     gpu->handle))
		return -1;
	name[sizeof(name) - 1] = '\0';
	snprintf(gpu->label, sizeof(gpu->label), "device gpu:%zu '%s'", number,
		 escape_text(escaped, sizeof(escaped), text_of(name)));
	if (GPU_CALL(gpu, err, 0, device_memory, &memory, gpu->handle))
		return -1;
	gpu->memory = memory;
	if (rt->api == GPU_HIP)
		return find_hip_arch(gpu, err);
	gpu->image = find_image("cuda");
	return find_cuda_arch(gpu, err);
}

static int count_gpus(const struct gpu_runtime *rt, int *count,
		      struct error *err)
{
	*count = 0;
	if (gpu_check(rt, rt->library, GPU_FUNCTION_device_count, 0,
		      rt->device_count(count), err))
		return -1;
	if (*count < 1)
		return error_set(err, "%s: no GPU found", rt->library);
	return 0;
}

/* Adds all of the runtime's GPUs to the list. */
static void find_gpus(struct gpus *gpus, const struct gpu_runtime *rt,
		      int count, struct error *err)
{
	struct gpu *const list = realloc(
		gpus->list, (gpus->n + (size_t)count) * sizeof(*list));

	if (!list) {
		error_errno(err, "cannot list %d GPUs", count);
		return;
	}
	gpus->list = list;
	for (int i = 0; i < count; i++) {
		struct gpu *const gpu = &list[gpus->n];
		struct error why;

		if (gpu_find(gpu, rt, gpus->n, i, &why)) {
			gpu->image = NULL;
			gpu->broken = why;
		}
		gpus->n++;
	}
}

void gpus_init(struct gpus *gpus)
{
	*gpus = (struct gpus){ 0 };
	for (int api = 0; api < GPU_APIS; api++) {
		struct gpu_runtime *const rt = &gpus->runtimes[api];
		struct error *const why = &gpus->missing[api];

		int count;

		if (!gpu_runtime_open(rt, (enum gpu_api)api, why) &&
		    !count_gpus(rt, &count, why))
			find_gpus(gpus, rt, count, why);
		else if (api == GPU_HIP && *rt->path)
			amd_explain_no_gpu(rt->path, why);
	}
}

void gpus_release(struct gpus *gpus)
{
	free(gpus->list);
	*gpus = (struct gpus){ 0 };
}

int gpu_select(const struct gpu_kernels *kernels, struct error *err)
{
	const struct gpu *const gpu = kernels->gpu;

	if (gpu->runtime->api == GPU_HIP)
		return GPU_CALL(gpu, err, 0, device_select, gpu->ordinal);
	return GPU_CALL(gpu, err, 0, context_select, kernels->context);
}

static void context_close(struct gpu_kernels *kernels)
{
	const struct gpu *const gpu = kernels->gpu;

	if (gpu->runtime->api == GPU_CUDA)
		gpu->runtime->context_release(gpu->handle);
}

static int context_open(struct gpu_kernels *kernels, struct error *err)
{
	const struct gpu *const gpu = kernels->gpu;

	if (gpu->runtime->api == GPU_HIP)
		return gpu_select(kernels, err);
	if (GPU_CALL(gpu, err, 0, context_set_flags, gpu->handle,
		     CUDA_CONTEXT_YIELD) ||
	    GPU_CALL(gpu, err, 0, context_retain, &kernels->context,
		     gpu->handle))
		return -1;
	if (!gpu_select(kernels, err))
		return 0;
	context_close(kernels);
	return -1;
}

/* Of a GPU without code of its own: what could run there. */
static int explain_family(const struct gpu *gpu, struct error *err)
{
	const struct amd_family *const family = amd_family(gpu->arch);

	if (gpu->runtime->api != GPU_HIP || !family)
		return -1;
	if (find_image(family->generic))
		error_append(err, "; %s needs HIP 6.3 or later, and this is %s",
			     family->generic, gpu->runtime->version_text);
	if (family->alike && find_image(family->alike))
		error_append(err, "; HSA_OVERRIDE_GFX_VERSION=%s may let it be "
			     "used as %s", family->version, family->alike);
	return -1;
}

static int explain_no_image(const struct gpu *gpu, struct error *err)
{
	error_set(err, "%s has architecture %s, but this program ", gpu->label,
		  gpu->arch);
	if (!dq_images->target)
		return error_append(err, "was built without GPU code");
	error_append(err, "has code only for");
	for (const struct dq_image *image = dq_images; image->target; image++)
		error_append(err, " %s", image->target);
	return explain_family(gpu, err);
}

static int load(struct gpu_kernels *kernels, struct error *err)
{
	const struct gpu *const gpu = kernels->gpu;

	if (!gpu->image)
		return explain_no_image(gpu, err);
	return GPU_CALL(gpu, err, 0, module_load, &kernels->module,
			gpu->image->data);
}

int gpu_kernels_load(struct gpu_kernels *kernels, const struct gpu *gpu,
		     struct error *err)
{
	*kernels = (struct gpu_kernels){ .gpu = gpu };
	return load(kernels, err);
}

void gpu_kernels_unload(struct gpu_kernels *kernels)
{
	kernels->gpu->runtime->module_unload(kernels->module);
}

int gpu_kernels_open(struct gpu_kernels *kernels, const struct gpu *gpu,
		     struct error *err)
{
	*kernels = (struct gpu_kernels){ .gpu = gpu };
	if (*gpu->broken.message) {
		*err = gpu->broken;
		return -1;
	}
	if (context_open(kernels, err))
		return -1;
	if (!load(kernels, err))
		return 0;
	context_close(kernels);
	return -1;
}

void gpu_kernels_close(struct gpu_kernels *kernels)
{
	struct error ignored;

	(void)gpu_select(kernels, &ignored);
	gpu_kernels_unload(kernels);
	context_close(kernels);
}

#define HUGE_PAGE ((size_t)2 << 20)

/* Gets the pages of fresh memory, large ones if possible. */
static void touch_pages(void *memory, size_t bytes)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	(void)madvise(memory, bytes & ~(page - 1), MADV_HUGEPAGE);
	for (size_t i = 0; i < bytes; i += page)
		((volatile char *)memory)[i] = 0;
}

/*
 * CUDA: each worker gets its own pages, while cuMemHostAlloc gets those of all
 * workers one after the other. With an H100 and 20 GB of Q4_K, F32 takes 2 %
 * less time, F16 5 %, and BLAKE3 12 %.
 */
static int alloc_registered(const struct gpu *gpu, size_t bytes,
			    struct gpu_host *host, struct error *err)
{
	void *memory;
	int result;

	errno = posix_memalign(&memory, HUGE_PAGE, bytes);
	if (errno) {
		error_errno(err, "cannot allocate %zu bytes", bytes);
		return GPU_ERROR_MEMORY;
	}
	touch_pages(memory, bytes);
	result = gpu->runtime->host_register(memory, bytes, GPU_HOST_PORTABLE);
	if (gpu_check(gpu->runtime, gpu->label, GPU_FUNCTION_host_register,
		      bytes, result, err))
		free(memory);
	else
		*host = (struct gpu_host){ memory, true };
	return result;
}

int gpu_host_alloc(const struct gpu *gpu, size_t bytes, struct gpu_host *host,
		   struct error *err)
{
	int result;

	*host = (struct gpu_host){ NULL, false };
	if (gpu->runtime->api == GPU_CUDA) {
		result = alloc_registered(gpu, bytes, host, err);
		if (!result || result == GPU_ERROR_MEMORY)
			return result;
		/* In confidential computing, only memory that the driver
		 * allocates can be page-locked. */
	}
	result = gpu->runtime->host_alloc(&host->memory, bytes,
					  GPU_HOST_PORTABLE);
	if (gpu_check(gpu->runtime, gpu->label, GPU_FUNCTION_host_alloc, bytes,
		      result, err))
		host->memory = NULL;
	return result;
}

void gpu_host_free(const struct gpu *gpu, struct gpu_host *host)
{
	if (host->is_registered) {
		gpu->runtime->host_unregister(host->memory);
		free(host->memory);
	} else if (host->memory) {
		gpu->runtime->host_free(host->memory);
	}
	*host = (struct gpu_host){ NULL, false };
}

/* Two threads may look up the same function at once and find the same. */
static void *find_by_name(struct gpu_kernels *kernels, const char *name,
			  _Atomic(void *) *known, struct error *err)
{
	void *function = atomic_load(known);

	if (function)
		return function;
	if (GPU_CALL(kernels->gpu, err, 0, module_function, &function,
		     kernels->module, name))
		return NULL;
	atomic_store(known, function);
	return function;
}

static void *find_function(struct gpu_kernels *kernels,
			   const struct format *format, enum output_type type,
			   struct error *err)
{
	char name[64];

	snprintf(name, sizeof(name), DQ_KERNEL_NAME, format->file_name,
		 output_type_at(type)->name);
	return find_by_name(kernels, name,
			    &kernels->functions[type][format->index], err);
}

/* The blocks of a group of rows, which no launch divides; 0 if there are too
 * many. Without rows, 1. */
static uint64_t group_blocks_of(const struct format *format,
				uint64_t row_blocks)
{
	const unsigned rows = format->group_rows ? format->group_rows : 1;

	if (!format_has_rows(format))
		return 1;
	return row_blocks <= DQ_MAX_ROW_BLOCKS / rows ? row_blocks * rows : 0;
}

static struct dq_launch next_launch(const struct format *format,
				    unsigned value_bytes, uint64_t n_blocks,
				    uint64_t group_blocks)
{
	if (!format_has_rows(format))
		return dq_launch(format->block_weights, value_bytes, n_blocks);
	return dq_launch_rows(format->block_weights, value_bytes, n_blocks,
			      group_blocks);
}

int gpu_launch(struct gpu_kernels *kernels, const struct format *format,
	       enum output_type type, const void *blocks, uint64_t n_blocks,
	       uint64_t row_blocks, void *values, void *stream,
	       struct error *err)
{
	void *const function = find_function(kernels, format, type, err);
	const unsigned value_bytes = output_type_at(type)->bytes;
	const size_t block_values = format->block_weights * value_bytes;
	const uint64_t group_blocks = group_blocks_of(format, row_blocks);
	struct dq_parameters p = { .blocks = blocks, .values = values };
	void *parameters[] = { &p.blocks, &p.values, &p.n_blocks,
			       &p.row_blocks, &p.reciprocal, &p.shift, NULL };

	if (!function)
		return -1;
	if (!n_blocks)
		return 0;
	if (!group_blocks || n_blocks % group_blocks)
		return error_set(err, "%s cannot convert %" PRIu64 " blocks in "
				 "rows of %" PRIu64 " at once", format->name,
				 n_blocks, row_blocks);
	if (format_has_rows(format))
		dq_set_divisor(&p, (uint32_t)row_blocks);
	while (n_blocks) {
		const struct dq_launch launch = next_launch(
			format, value_bytes, n_blocks, group_blocks);

		p.n_blocks = launch.n_blocks;
		if (GPU_CALL(kernels->gpu, err, 0, launch, function,
			     launch.groups, 1, 1, DQ_THREADS, 1, 1, 0, stream,
			     parameters, NULL))
			return -1;
		n_blocks -= launch.n_blocks;
		p.blocks = (const char *)p.blocks +
			   format_run_bytes(format, launch.n_blocks,
					    row_blocks);
		p.values = (char *)p.values + launch.n_blocks * block_values;
	}
	return 0;
}

/* Launches one thread for each of n_threads chunks or values. */
static int launch_hash(struct gpu_kernels *kernels, void *function,
		       struct dq_hash_parameters p, uint64_t n_threads,
		       void *stream, struct error *err)
{
	void *parameters[] = { &p.from, &p.values, &p.n, &p.first, &p.total,
			       NULL };

	if (!function)
		return -1;
	return GPU_CALL(kernels->gpu, err, 0, launch, function,
			dq_hash_groups(n_threads), 1, 1, DQ_HASH_THREADS, 1, 1,
			0, stream, parameters, NULL);
}

static uint64_t count_chunks(uint64_t bytes)
{
	return bytes / DQ_HASH_CHUNK + (bytes % DQ_HASH_CHUNK != 0);
}

int gpu_hash(struct gpu_kernels *kernels, const void *bytes, uint64_t n,
	     uint64_t offset, uint64_t total, void *chunks, void *values,
	     size_t *n_values, void *stream, struct error *err)
{
	const uint64_t n_chunks = count_chunks(n);
	struct dq_hash_parameters p = { bytes, chunks, n,
					offset / DQ_HASH_CHUNK,
					count_chunks(total) };
	const struct dq_hash_layout layout =
		dq_hash_layout(n_chunks, p.first, p.total);

	*n_values = (size_t)layout.n_values;
	if (!layout.n_groups)
		p.values = values;
	if (launch_hash(kernels, find_by_name(kernels, "dq_blake3_chunks",
					      &kernels->hash_chunks, err),
			p, n_chunks, stream, err))
		return -1;
	if (!layout.n_groups)
		return 0;
	p.from = chunks;
	p.values = values;
	p.n = n_chunks;
	return launch_hash(kernels, find_by_name(kernels, "dq_blake3_groups",
						 &kernels->hash_groups, err),
			   p, layout.n_values, stream, err);
}

int gpu_describe(struct gpu_kernels *kernels, char *text, struct error *err)
{
	const struct gpu *const gpu = kernels->gpu;
	char code[64], wave[16] = "";
	void *function;
	int ptx, binary;

	if (gpu->runtime->api == GPU_HIP) {
		snprintf(code, sizeof(code), "%s", gpu->image->target);
	} else {
		/* Any function will do. */
		function = find_function(kernels, format_at(FORMAT_F32),
					 OUTPUT_F16, err);
		if (!function ||
		    GPU_CALL(gpu, err, 0, function_attribute, &ptx,
			     CUDA_FUNCTION_PTX_VERSION, function) ||
		    GPU_CALL(gpu, err, 0, function_attribute, &binary,
			     CUDA_FUNCTION_BINARY_VERSION, function))
			return -1;
		snprintf(code, sizeof(code), "sm_%d%s", binary,
			 ptx == binary ? "" : " compiled from PTX");
	}
	if (gpu->wave)
		snprintf(wave, sizeof(wave), " wave%u", gpu->wave);
	snprintf(text, GPU_DESCRIPTION_SIZE, "%s%s, %s, code for %s", gpu->arch,
		 wave, gpu->runtime->version_text, code);
	return 0;
}

#include "api/gguf-dequant.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/gpu.h"

struct gguf_dequant {
	struct gpu_runtime runtime;
	struct gpu gpu;
	struct gpu_kernels kernels;
};

/* Returns -1. */
static int give_error(struct gguf_dequant_error *to, const struct error *err)
{
	_Static_assert(sizeof(to->message) == sizeof(err->message),
		       "a message fits");
	memcpy(to->message, err->message, sizeof(to->message));
	return -1;
}

static int open_current(struct gguf_dequant *gpu, enum gpu_api api,
			struct error *err)
{
	struct gpu_runtime *const rt = &gpu->runtime;
	int ordinal;

	if (gpu_runtime_open(rt, api, err) ||
	    gpu_check(rt, rt->library, GPU_FUNCTION_device_current, 0,
		      rt->device_current(&ordinal), err) ||
	    gpu_find(&gpu->gpu, rt, (size_t)ordinal, ordinal, err))
		return -1;
	return gpu_kernels_load(&gpu->kernels, &gpu->gpu, err);
}

struct gguf_dequant *gguf_dequant_open(enum gguf_dequant_api api,
				       struct gguf_dequant_error *error)
{
	struct gguf_dequant *const gpu = malloc(sizeof(*gpu));
	struct error err;
	int result;

	if (!gpu)
		result = error_errno(&err, "cannot open the GPU");
	else
		result = open_current(gpu, api == GGUF_DEQUANT_HIP ? GPU_HIP :
								     GPU_CUDA,
				      &err);
	if (!result)
		return gpu;
	free(gpu);
	give_error(error, &err);
	return NULL;
}

void gguf_dequant_close(struct gguf_dequant *gpu)
{
	gpu_kernels_unload(&gpu->kernels);
	free(gpu);
}

static const struct format *find_format(uint32_t id)
{
	const struct format *const format = format_by_id(id);

	return format && format->kind != FORMAT_KIND_INTEGER ? format : NULL;
}

/* What a caller asks for. */
struct job {
	const struct format *format;
	const void *blocks;
	uint64_t n_blocks, row_blocks;
	enum output_type type;
	void *values, *stream;
};

static int launch(struct gguf_dequant *gpu, const struct job *job,
		  struct error *err)
{
	if ((unsigned)job->type >= OUTPUT_NATIVE)
		return error_set(err, "invalid output type %d", (int)job->type);
	if (((uintptr_t)job->blocks | (uintptr_t)job->values) % 16)
		return error_set(err, "blocks at %p or values at %p are not "
				 "aligned to 16 bytes", job->blocks,
				 job->values);
	return gpu_launch(&gpu->kernels, job->format, job->type, job->blocks,
			  job->n_blocks, job->row_blocks, job->values,
			  job->stream, err);
}

static int refuse_id(uint32_t id, struct error *err)
{
	return error_set(err, "tensor type %" PRIu32 " cannot be dequantized",
			 id);
}

int gguf_dequant_launch(struct gguf_dequant *gpu, uint32_t id,
			const void *blocks, uint64_t n_blocks,
			enum gguf_dequant_type type, void *values,
			void *stream, struct gguf_dequant_error *error)
{
	const struct job job = { find_format(id), blocks, n_blocks, 0,
				 (enum output_type)type, values, stream };
	struct error err;
	int result;

	_Static_assert((int)GGUF_DEQUANT_F32 == (int)OUTPUT_F32 &&
		       (int)GGUF_DEQUANT_F16 == (int)OUTPUT_F16 &&
		       (int)GGUF_DEQUANT_BF16 == (int)OUTPUT_BF16,
		       "the types have the same numbers");
	_Static_assert(GGUF_DEQUANT_MXFP6_E2M3 == FORMAT_OWN_IDS,
		       "the formats of our own have the same ids");
	if (!job.format)
		result = refuse_id(id, &err);
	else if (format_has_rows(job.format))
		result = error_set(&err, "%s needs gguf_dequant_launch_rows",
				   job.format->name);
	else
		result = launch(gpu, &job, &err);
	return result ? give_error(error, &err) : 0;
}

/* Sets the numbers of blocks; false if the rows are not whole blocks. */
static bool count_blocks(struct job *job, uint64_t row_weights, uint64_t n_rows)
{
	job->row_blocks = row_weights / job->format->block_weights;
	if (row_weights % job->format->block_weights ||
	    __builtin_mul_overflow(job->row_blocks, n_rows, &job->n_blocks))
		return false;
	if (!job->format->group_rows)
		job->row_blocks = job->n_blocks;
	return true;
}

int gguf_dequant_launch_rows(struct gguf_dequant *gpu, uint32_t id,
			     const void *rows, uint64_t row_weights,
			     uint64_t n_rows, enum gguf_dequant_type type,
			     void *values, void *stream,
			     struct gguf_dequant_error *error)
{
	struct job job = { find_format(id), rows, 0, 0, (enum output_type)type,
			   values, stream };
	struct error err;
	int result;

	if (!job.format)
		result = refuse_id(id, &err);
	else if (!count_blocks(&job, row_weights, n_rows))
		result = error_set(&err, "%s cannot have %" PRIu64 " rows of %"
				   PRIu64 " weights: its blocks have %u",
				   job.format->name, n_rows, row_weights,
				   job.format->block_weights);
	else
		result = launch(gpu, &job, &err);
	return result ? give_error(error, &err) : 0;
}

unsigned gguf_dequant_block_weights(uint32_t id)
{
	const struct format *const format = find_format(id);

	return format ? format->block_weights : 0;
}

unsigned gguf_dequant_block_bytes(uint32_t id)
{
	const struct format *const format = find_format(id);

	return format ? format->block_bytes : 0;
}

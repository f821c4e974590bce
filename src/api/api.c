#include "api/gguf-dequant.h"

#include <inttypes.h>
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

static int launch(struct gguf_dequant *gpu, uint32_t id, const void *blocks,
		  uint64_t n_blocks, enum output_type type, void *values,
		  void *stream, struct error *err)
{
	const struct format *const format = find_format(id);

	if (!format)
		return error_set(err, "tensor type %" PRIu32 " cannot be "
				 "dequantized", id);
	if ((unsigned)type >= OUTPUT_NATIVE)
		return error_set(err, "invalid output type %d", (int)type);
	if (((uintptr_t)blocks | (uintptr_t)values) % 16)
		return error_set(err, "blocks at %p or values at %p are not "
				 "aligned to 16 bytes", blocks, values);
	return gpu_launch(&gpu->kernels, format, type, blocks, n_blocks,
			  values, stream, err);
}

int gguf_dequant_launch(struct gguf_dequant *gpu, uint32_t id,
			const void *blocks, uint64_t n_blocks,
			enum gguf_dequant_type type, void *values,
			void *stream, struct gguf_dequant_error *error)
{
	struct error err;

	_Static_assert((int)GGUF_DEQUANT_F32 == (int)OUTPUT_F32 &&
		       (int)GGUF_DEQUANT_F16 == (int)OUTPUT_F16 &&
		       (int)GGUF_DEQUANT_BF16 == (int)OUTPUT_BF16,
		       "the types have the same numbers");
	_Static_assert(GGUF_DEQUANT_MXFP6_E2M3 == FORMAT_OWN_IDS,
		       "the formats of our own have the same ids");
	if (launch(gpu, id, blocks, n_blocks, (enum output_type)type, values,
		   stream, &err))
		return give_error(error, &err);
	return 0;
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

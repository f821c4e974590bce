/* gpu.h - the GPUs of this machine, and the kernels on them. */
#ifndef GPU_GPU_H
#define GPU_GPU_H

#include <stdint.h>

#include "kernels/images.h"
#include "base/output_type.h"
#include "gpu/runtime.h"

#define GPU_LABEL_SIZE 160

struct gpu {
	const struct gpu_runtime *runtime;
	int ordinal; /* in the runtime's numbering */
	int handle;
	char label[GPU_LABEL_SIZE]; /* "device gpu:0 'NVIDIA H200'" */
	char arch[32];		    /* "gfx90a", "sm_90" */
	unsigned wave;		    /* AMD: lanes of a wavefront */
	uint64_t memory;	    /* bytes */
	const struct dq_image *image; /* built for it, or NULL */
	struct error broken; /* why it can't be used; "" */
};

/* HIP's GPUs, then CUDA's. The user calls number N gpu:N. */
struct gpus {
	struct gpu *list;
	size_t n;
	struct gpu_runtime runtimes[GPU_APIS];
	struct error missing[GPU_APIS]; /* why a runtime gave no GPU; "" */
};

/* The runtime's GPU of that ordinal, which messages call gpu:<number>. */
int gpu_find(struct gpu *gpu, const struct gpu_runtime *rt, size_t number,
	     int ordinal, struct error *err);

/* Finds the GPUs, broken ones among them, so that each has the same number
 * always. *gpus must not be moved; the caller releases it. */
void gpus_init(struct gpus *gpus);
void gpus_release(struct gpus *gpus);

/*
 * One GPU's kernels, loaded. A thread's calls of the runtime apply to the GPU
 * that it selected last.
 */
struct gpu_kernels {
	const struct gpu *gpu;
	void *context; /* CUDA's */
	void *module;
	_Atomic(void *) functions[OUTPUT_NATIVE][FORMAT_COUNT];
	_Atomic(void *) hash_chunks, hash_groups;
};

/* Also selects the GPU. The caller closes kernels after success. */
int gpu_kernels_open(struct gpu_kernels *kernels, const struct gpu *gpu,
		     struct error *err);
void gpu_kernels_close(struct gpu_kernels *kernels);

/* The same in the context that the caller has selected, which remains the
 * caller's. */
int gpu_kernels_load(struct gpu_kernels *kernels, const struct gpu *gpu,
		     struct error *err);
void gpu_kernels_unload(struct gpu_kernels *kernels);

/*
 * Describes what runs: "gfx90a wave64, HIP 6.4.43482, code for gfx90a". For
 * CUDA, the driver tells whether it took built-in code or compiled PTX. The GPU
 * must be selected.
 */
#define GPU_DESCRIPTION_SIZE 160
int gpu_describe(struct gpu_kernels *kernels, char *text, struct error *err);

int gpu_select(const struct gpu_kernels *kernels, struct error *err);

/* Host memory, aligned to a page, that is page-locked for every GPU, so that
 * copies run in the background. */
struct gpu_host {
	void *memory; /* NULL: there is none */
	bool is_registered; /* and from malloc; otherwise from the runtime */
};

/*
 * Returns 0, or the runtime's error number (GPU_ERROR_MEMORY if there is not
 * enough) and sets the error. A GPU of the runtime must be selected. The caller
 * frees the memory after success.
 */
int gpu_host_alloc(const struct gpu *gpu, size_t bytes, struct gpu_host *host,
		   struct error *err);
void gpu_host_free(const struct gpu *gpu, struct gpu_host *host);

/*
 * Launches the conversion of n_blocks > 0 blocks of `format`, not an integer
 * one, from `blocks` to values of `type` at `values`. Both are addresses on the
 * GPU and multiples of 16, and do not overlap. If the blocks are not one run
 * (format_has_rows), they are whole groups of rows of row_blocks blocks, with
 * their headers; otherwise row_blocks is ignored. The GPU must be selected. Any
 * thread may call it.
 */
int gpu_launch(struct gpu_kernels *kernels, const struct format *format,
	       enum output_type type, const void *blocks, uint64_t n_blocks,
	       uint64_t row_blocks, void *values, void *stream,
	       struct error *err);

/*
 * Launches BLAKE3 of the n bytes at `bytes`, an even number from 2 to 2^32,
 * which are at `offset`, a multiple of 1024, in an input of `total` bytes. The
 * input of blake3_part_join, with groups of 2^DQ_HASH_LEVEL, goes to `values`,
 * and its number to *n_values. `values` and `chunks`, a temporary buffer, need
 * 32 bytes per chunk. Addresses are as for gpu_launch.
 */
int gpu_hash(struct gpu_kernels *kernels, const void *bytes, uint64_t n,
	     uint64_t offset, uint64_t total, void *chunks, void *values,
	     size_t *n_values, void *stream, struct error *err);

/* Calls `function` of the GPU's runtime. An error names the GPU, the function,
 * `bytes` unless 0, and the runtime's own message. */
#define GPU_CALL(gpu, err, bytes, function, ...)                            \
	gpu_check((gpu)->runtime, (gpu)->label, GPU_FUNCTION_##function,    \
		  bytes, (gpu)->runtime->function(__VA_ARGS__), err)

#endif

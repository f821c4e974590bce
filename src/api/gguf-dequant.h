/*
 * gguf-dequant.h - dequantizes GGUF tensors on a GPU, bit for bit as ggml does,
 * from device memory to device memory, on the caller's stream.
 *
 * Link with `pkg-config --libs gguf-dequant`. The library needs neither the HIP
 * runtime nor the CUDA driver to link: it uses the one that the process has
 * loaded, or opens it at run time.
 */
#ifndef GGUF_DEQUANT_H
#define GGUF_DEQUANT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum gguf_dequant_api { GGUF_DEQUANT_HIP, GGUF_DEQUANT_CUDA };

enum gguf_dequant_type {
	GGUF_DEQUANT_F32,
	GGUF_DEQUANT_F16,
	GGUF_DEQUANT_BF16
};

/* Block formats of OCP Microscaling that ggml has no id for: a scale and 32
 * elements in 25 bytes. */
#define GGUF_DEQUANT_MXFP6_E2M3 UINT32_C(0x10000)
#define GGUF_DEQUANT_MXFP6_E3M2 UINT32_C(0x10001)

/* A message for a person, without a newline. Every failing call sets it. */
struct gguf_dequant_error {
	char message[2048];
};

struct gguf_dequant; /* opaque */

/*
 * Loads the kernels for the calling thread's current device (HIP) or context
 * (CUDA; the runtime API uses the primary context). Returns NULL on error.
 */
struct gguf_dequant *gguf_dequant_open(enum gguf_dequant_api api,
				       struct gguf_dequant_error *err);

/*
 * Unloads the kernels and frees gpu. The device or context for which it was
 * opened must be current, and all launches must have finished.
 */
void gguf_dequant_close(struct gguf_dequant *gpu);

/*
 * Launches the conversion of n_blocks blocks at `blocks` to values of `type` at
 * `values`, and does not wait for it. `id` is ggml's id of the tensor type, or
 * one of those above. `stream` is a hipStream_t or CUstream, or NULL for the
 * default stream. Both addresses are device pointers, aligned to 16 bytes, to
 * memory that does not overlap; the blocks must be readable up to the next
 * multiple of 4 bytes. The device or context for which gpu was opened must be
 * current. Any thread may call this at any time. Returns 0, or -1 on error.
 */
int gguf_dequant_launch(struct gguf_dequant *gpu, uint32_t id,
			const void *blocks, uint64_t n_blocks,
			enum gguf_dequant_type type, void *values,
			void *stream, struct gguf_dequant_error *err);

/*
 * The same for n_rows rows of row_weights weights, of any tensor type. Types of
 * ik_llama.cpp need it if their blocks are not one run: their rows have
 * headers, or are interleaved. Then n_rows is a multiple of the rows that are.
 */
int gguf_dequant_launch_rows(struct gguf_dequant *gpu, uint32_t id,
			     const void *rows, uint64_t row_weights,
			     uint64_t n_rows, enum gguf_dequant_type type,
			     void *values, void *stream,
			     struct gguf_dequant_error *err);

/* The weights and bytes per block of the tensor type with that id; 0 if there
 * is no such type, or it is an integer type, which is not converted. The bytes
 * are those of one row if rows are interleaved. */
unsigned gguf_dequant_block_weights(uint32_t id);
unsigned gguf_dequant_block_bytes(uint32_t id);

#ifdef __cplusplus
}
#endif

#endif

/*
 * gguf-dequant.h - dequantizes GGUF tensors on a GPU, bit for bit as ggml does:
 * from a device pointer to a device pointer, on the caller's stream.
 *
 * Link with `pkg-config --libs gguf-dequant`. HIP's runtime or the CUDA driver
 * is the one that the process has loaded, or else is opened at run time; the
 * library itself needs neither.
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

/* Block formats that ggml has no id for: OCP Microscaling's, in 25 bytes the
 * scale and then 32 elements. */
#define GGUF_DEQUANT_MXFP6_E2M3 UINT32_C(0x10000)
#define GGUF_DEQUANT_MXFP6_E3M2 UINT32_C(0x10001)

/* A message for a person, without a newline; each call that fails sets it. */
struct gguf_dequant_error {
	char message[2048];
};

struct gguf_dequant; /* opaque */

/*
 * Loads the kernels for the calling thread's current device (HIP) or context
 * (CUDA; the runtime API's is the primary one). NULL on error.
 */
struct gguf_dequant *gguf_dequant_open(enum gguf_dequant_api api,
				       struct gguf_dequant_error *err);

/*
 * Unloads the kernels and frees gpu. The device or context of the open must be
 * current, and all that was launched be done.
 */
void gguf_dequant_close(struct gguf_dequant *gpu);

/*
 * Launches on `stream`, a hipStream_t or a CUstream, NULL for the default one,
 * the conversion of n_blocks blocks of the tensor type with ggml's id `id`, or
 * one of those above, from `blocks` to values of `type` at `values`, and does
 * not wait for it. Both are device pointers, multiples of 16, to memory that
 * does not overlap; the one of the blocks must be readable up to the next
 * multiple of 4 bytes. The device or context of the open must be current. Any
 * thread may call it at any time. Returns 0, or -1 and an error.
 */
int gguf_dequant_launch(struct gguf_dequant *gpu, uint32_t id,
			const void *blocks, uint64_t n_blocks,
			enum gguf_dequant_type type, void *values,
			void *stream, struct gguf_dequant_error *err);

/* Weights in a block of the tensor type with that id, and its bytes; 0 where
 * that is no type, or one of integers, which nothing converts. */
unsigned gguf_dequant_block_weights(uint32_t id);
unsigned gguf_dequant_block_bytes(uint32_t id);

#ifdef __cplusplus
}
#endif

#endif

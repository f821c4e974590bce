/* Dequantizes Q8_0 blocks in the memory of an AMD GPU to values there:
 *   cc example.c $(pkg-config --cflags --libs gguf-dequant) -lamdhip64 */
#define __HIP_PLATFORM_AMD__
#include <gguf-dequant.h>
#include <hip/hip_runtime_api.h>
#include <stdio.h>

enum { Q8_0 = 8, N_BLOCKS = 1000, WEIGHTS = 32 * N_BLOCKS };

int main(void)
{
	const size_t in_bytes = gguf_dequant_block_bytes(Q8_0) * N_BLOCKS;
	struct gguf_dequant_error err;
	unsigned char *in;
	float *out;
	void *blocks, *values;
	hipStream_t stream;
	struct gguf_dequant *const gpu =
		gguf_dequant_open(GGUF_DEQUANT_HIP, &err);

	if (!gpu)
		return fprintf(stderr, "%s\n", err.message), 1;
	if (hipStreamCreateWithFlags(&stream, hipStreamNonBlocking) ||
	    hipHostMalloc((void **)&in, in_bytes, hipHostMallocPortable) ||
	    hipHostMalloc((void **)&out, WEIGHTS * 4, hipHostMallocPortable) ||
	    hipMalloc(&blocks, in_bytes) || hipMalloc(&values, WEIGHTS * 4))
		return fprintf(stderr, "no memory\n"), 1;
	for (size_t i = 0; i < in_bytes; i++) /* d = 1, q = 0, 1, ... */
		in[i] = i % 34 < 2 ? 0x3c * (i % 34) : i % 34 - 2;

	if (hipMemcpyHtoDAsync(blocks, in, in_bytes, stream) ||
	    gguf_dequant_launch(gpu, Q8_0, blocks, N_BLOCKS, GGUF_DEQUANT_F32,
				values, stream, &err) ||
	    hipMemcpyDtoHAsync(out, values, WEIGHTS * 4, stream) ||
	    hipStreamSynchronize(stream))
		return fprintf(stderr, "it failed\n"), 1;
	printf("%g %g ... %g\n", out[0], out[1], out[WEIGHTS - 1]);

	(void)(hipFree(blocks), hipFree(values), hipHostFree(in),
	       hipHostFree(out), hipStreamDestroy(stream));
	gguf_dequant_close(gpu);
	return 0;
}

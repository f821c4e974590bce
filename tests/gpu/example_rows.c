/* Dequantizes two rows of Q8_KV, whose headers have their scales, and shows
 * what the API says of calls that do not fit. */
#define __HIP_PLATFORM_AMD__
#include <gguf-dequant.h>
#include <hip/hip_runtime_api.h>
#include <stdio.h>
#include <string.h>

enum { Q8_KV = 151, Q4_0_R8 = 202, WEIGHTS = 64, N_ROWS = 2 };

int main(void)
{
	const size_t row_bytes = 8 + WEIGHTS;
	struct gguf_dequant_error err;
	unsigned char *in;
	float *out;
	void *rows, *values;
	hipStream_t stream;
	struct gguf_dequant *const gpu =
		gguf_dequant_open(GGUF_DEQUANT_HIP, &err);

	if (!gpu)
		return fprintf(stderr, "%s\n", err.message), 1;
	if (hipStreamCreateWithFlags(&stream, hipStreamNonBlocking) ||
	    hipHostMalloc((void **)&in, N_ROWS * row_bytes,
			  hipHostMallocPortable) ||
	    hipHostMalloc((void **)&out, N_ROWS * WEIGHTS * 4,
			  hipHostMallocPortable) ||
	    hipMalloc(&rows, N_ROWS * row_bytes) ||
	    hipMalloc(&values, N_ROWS * WEIGHTS * 4))
		return fprintf(stderr, "no memory\n"), 1;
	for (unsigned r = 0; r < N_ROWS; r++) {
		const float d[2] = { r + 1, 0 };

		memcpy(in + r * row_bytes, d, sizeof(d));
		for (unsigned i = 0; i < WEIGHTS; i++)
			in[r * row_bytes + 8 + i] = i;
	}
	if (gguf_dequant_launch(gpu, Q8_KV, rows, 4, GGUF_DEQUANT_F32, values,
				stream, &err))
		printf("%s\n", err.message);
	if (gguf_dequant_launch_rows(gpu, Q8_KV, rows, 65, 2, GGUF_DEQUANT_F32,
				     values, stream, &err))
		printf("%s\n", err.message);
	if (gguf_dequant_launch_rows(gpu, Q4_0_R8, rows, 64, 2,
				     GGUF_DEQUANT_F32, values, stream, &err))
		printf("%s\n", err.message);
	if (hipMemcpyHtoDAsync(rows, in, N_ROWS * row_bytes, stream) ||
	    gguf_dequant_launch_rows(gpu, Q8_KV, rows, WEIGHTS, N_ROWS,
				     GGUF_DEQUANT_F32, values, stream, &err) ||
	    hipMemcpyDtoHAsync(out, values, N_ROWS * WEIGHTS * 4, stream) ||
	    hipStreamSynchronize(stream))
		return fprintf(stderr, "it failed\n"), 1;
	printf("%g %g %g %g\n", out[1], out[WEIGHTS - 1], out[WEIGHTS + 1],
	       out[2 * WEIGHTS - 1]);
	(void)(hipFree(rows), hipFree(values), hipHostFree(in),
	       hipHostFree(out), hipStreamDestroy(stream));
	gguf_dequant_close(gpu);
	return 0;
}

/* Dequantizes two rows of Q8_KV, whose headers have their scales, and shows
 * what the API says of calls that do not fit. */
#define __HIP_PLATFORM_AMD__
#include <gguf-dequant.h>
#include <hip/hip_runtime_api.h>
#include <stdio.h>

enum { Q8_KV = 151, Q4_0_R8 = 202, WEIGHTS = 64, N_ROWS = 2 };

/* In the host's memory and in the GPU's. */
struct memory {
	struct {
		float d, unused;
		unsigned char qs[WEIGHTS];
	} rows[N_ROWS];
	float values[N_ROWS][WEIGHTS];
};

static int launch(struct gguf_dequant *gpu, unsigned type, uint64_t weights,
		  struct memory *memory, hipStream_t stream)
{
	struct gguf_dequant_error err;

	if (!gguf_dequant_launch_rows(gpu, type, memory->rows, weights, N_ROWS,
				      GGUF_DEQUANT_F32, memory->values, stream,
				      &err))
		return 0;
	printf("%s\n", err.message);
	return -1;
}

int main(void)
{
	struct gguf_dequant_error err;
	struct memory *host, *device;
	hipStream_t stream;
	struct gguf_dequant *const gpu =
		gguf_dequant_open(GGUF_DEQUANT_HIP, &err);

	if (!gpu || hipStreamCreateWithFlags(&stream, hipStreamNonBlocking) ||
	    hipHostMalloc((void **)&host, sizeof(*host),
			  hipHostMallocPortable) ||
	    hipMalloc((void **)&device, sizeof(*device)))
		return 1;
	for (unsigned r = 0; r < N_ROWS; r++) {
		host->rows[r].d = r + 1;
		for (unsigned i = 0; i < WEIGHTS; i++)
			host->rows[r].qs[i] = i;
	}
	if (gguf_dequant_launch(gpu, Q8_KV, device->rows, 4, GGUF_DEQUANT_F32,
				device->values, stream, &err))
		printf("%s\n", err.message);
	launch(gpu, Q8_KV, WEIGHTS + 1, device, stream);
	launch(gpu, Q4_0_R8, WEIGHTS, device, stream);
	if (hipMemcpyHtoDAsync(device, host, sizeof(*host), stream) ||
	    launch(gpu, Q8_KV, WEIGHTS, device, stream) ||
	    hipMemcpyDtoHAsync(host, device, sizeof(*host), stream) ||
	    hipStreamSynchronize(stream))
		return 1;
	for (unsigned r = 0; r < N_ROWS; r++)
		printf("%g %g\n", host->values[r][1],
		       host->values[r][WEIGHTS - 1]);
	(void)(hipFree(device), hipHostFree(host), hipStreamDestroy(stream));
	gguf_dequant_close(gpu);
	return 0;
}

/*
 * runtime.h - the HIP runtime and the CUDA driver as one table of functions.
 * They are opened at run time, so no vendor library is linked and no vendor
 * header is needed.
 *
 * If a row names functions of both APIs, they match exactly. Prototypes and
 * constants are those of <hip/hip_runtime_api.h>, ROCm 5.2 to 7, and of
 * <cuda.h>, CUDA 11 to 13. Handles (contexts, modules, functions, streams) and
 * device addresses are pointers here; both APIs pass them like pointers.
 */
#ifndef GPU_RUNTIME_H
#define GPU_RUNTIME_H

#include <stddef.h>

#include "base/error.h"

enum gpu_api { GPU_HIP, GPU_CUDA, GPU_APIS };

/*
 * X(name, HIP function, CUDA function, version suffix of the CUDA symbol,
 *   parameters). If only one API has the function, the other's name is empty.
 * All return 0 or an error number.
 */
#define GPU_FUNCTIONS(X)                                                       \
	X(init, hipInit, cuInit, , (unsigned flags))                           \
	X(version, hipRuntimeGetVersion, cuDriverGetVersion, , (int *version)) \
	X(device_count, hipGetDeviceCount, cuDeviceGetCount, , (int *count))   \
	X(device_get, hipDeviceGet, cuDeviceGet, , (int *device, int ordinal)) \
	X(device_current, hipGetDevice, cuCtxGetDevice, , (int *device))       \
	X(device_name, hipDeviceGetName, cuDeviceGetName, ,                    \
	  (char *name, int size, int device))                                  \
	X(device_memory, hipDeviceTotalMem, cuDeviceTotalMem, _v2,             \
	  (size_t *bytes, int device))                                         \
	X(device_attribute, , cuDeviceGetAttribute, ,                          \
	  (int *value, int attribute, int device))                             \
	X(device_properties, hipGetDeviceProperties, , ,                       \
	  (void *properties, int ordinal))                                     \
	X(device_select, hipSetDevice, , , (int ordinal))                      \
	X(context_set_flags, , cuDevicePrimaryCtxSetFlags, _v2,                \
	  (int device, unsigned flags))                                        \
	X(context_retain, , cuDevicePrimaryCtxRetain, ,                        \
	  (void **context, int device))                                        \
	X(context_release, , cuDevicePrimaryCtxRelease, _v2, (int device))     \
	X(context_select, , cuCtxSetCurrent, , (void *context))                \
	X(module_load, hipModuleLoadData, cuModuleLoadData, ,                  \
	  (void **module, const void *image))                                  \
	X(module_unload, hipModuleUnload, cuModuleUnload, , (void *module))    \
	X(module_function, hipModuleGetFunction, cuModuleGetFunction, ,        \
	  (void **function, void *module, const char *name))                   \
	X(function_attribute, , cuFuncGetAttribute, ,                          \
	  (int *value, int attribute, void *function))                         \
	X(stream_create, hipStreamCreateWithFlags, cuStreamCreate, ,           \
	  (void **stream, unsigned flags))                                     \
	X(stream_destroy, hipStreamDestroy, cuStreamDestroy, _v2,              \
	  (void *stream))                                                      \
	X(stream_wait, hipStreamSynchronize, cuStreamSynchronize, ,            \
	  (void *stream))                                                      \
	X(memory_alloc, hipMalloc, cuMemAlloc, _v2,                            \
	  (void **address, size_t bytes))                                      \
	X(memory_free, hipFree, cuMemFree, _v2, (void *address))               \
	X(host_alloc, hipHostMalloc, cuMemHostAlloc, ,                         \
	  (void **buffer, size_t bytes, unsigned flags))                       \
	X(host_free, hipHostFree, cuMemFreeHost, , (void *buffer))             \
	X(host_register, , cuMemHostRegister, _v2,                             \
	  (void *buffer, size_t bytes, unsigned flags))                        \
	X(host_unregister, , cuMemHostUnregister, , (void *buffer))            \
	X(upload, hipMemcpyHtoDAsync, cuMemcpyHtoDAsync, _v2,                  \
	  (void *address, const void *from, size_t bytes, void *stream))       \
	X(download, hipMemcpyDtoHAsync, cuMemcpyDtoHAsync, _v2,                \
	  (void *to, const void *address, size_t bytes, void *stream))         \
	X(launch, hipModuleLaunchKernel, cuLaunchKernel, ,                     \
	  (void *function, unsigned grid_x, unsigned grid_y, unsigned grid_z,  \
	   unsigned block_x, unsigned block_y, unsigned block_z,               \
	   unsigned shared_bytes, void *stream, void **parameters,             \
	   void **extra))                                                      \
	X(error_string, , cuGetErrorString, , (int error, const char **text))

enum gpu_function {
#define X(name, hip, cuda, version, parameters) GPU_FUNCTION_##name,
	GPU_FUNCTIONS(X)
#undef X
	GPU_FUNCTION_COUNT
};

/* Flags and attributes. Those of memory and streams are the same in both
 * APIs. */
#define GPU_HOST_PORTABLE 1u       /* page-locked for every device */
#define GPU_STREAM_NON_BLOCKING 1u /* independent of the default stream */
#define GPU_ERROR_MEMORY 2 /* there is not enough */
#define CUDA_CONTEXT_YIELD 2u /* a waiting thread yields the CPU */
#define CUDA_ATTRIBUTE_MAJOR 75	      /* of the compute capability */
#define CUDA_ATTRIBUTE_MINOR 76
#define CUDA_FUNCTION_PTX_VERSION 5 /* 10 · major + minor of what it was */
#define CUDA_FUNCTION_BINARY_VERSION 6 /* compiled from, and to */

struct gpu_runtime {
	enum gpu_api api;
	const char *library; /* "libcuda.so.1" */
	char path[512];      /* where that is, escaped; "" if it is not open */
	int version_number;  /* as the runtime counts */
	char version_text[32]; /* "CUDA 13.0", "HIP 6.4.43482" */
#define X(name, hip, cuda, version, parameters) int(*name) parameters;
	GPU_FUNCTIONS(X)
#undef X
	const char *(*hip_error_string)(int error);
	/* Of two members of hipDeviceProp_t: gcnArchName and warpSize. */
	size_t hip_arch_offset, hip_wave_offset;
};

/*
 * Opens and initializes a runtime, preferably one that the process has already
 * loaded. It stays open until the process ends, since its own threads may still
 * run. An error says what is missing, or has the runtime's message.
 */
int gpu_runtime_open(struct gpu_runtime *rt, enum gpu_api api,
		     struct error *err);

/*
 * Returns 0 if `result` is 0. Otherwise returns -1 and an error of the form:
 * subject, the vendor's name of the function, `bytes` unless 0, and the
 * runtime's message for the result.
 */
int gpu_check(const struct gpu_runtime *rt, const char *subject,
	      enum gpu_function function, size_t bytes, int result,
	      struct error *err);

#endif

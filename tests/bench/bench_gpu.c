/*
 * bench_gpu - the kernels on a GPU: first every bit against the CPU, on random
 * blocks; then their speed, as a percentage of a device copy's in the same run:
 * block bytes read and value bytes written over the kernel's time.
 *
 *   bench_gpu [-c MILLIONS] [-m MILLIONS] [FORMAT]...
 *
 * -c: weights to check per format and type, 0 for none (default 16)
 * -m: weights to measure with, 0 for none (default 1024)
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "../../kernels/formats.h"
#include "../../kernels/images.h"
#include "../../kernels/launch.h"
#include "../../src/cpu_rows.h"

#define RUNS 15
#define RANDOM_BYTES ((size_t)64 << 20)

static const char *const type_names[] = { "f32", "f16", "bf16" };
static const unsigned value_bytes[] = { 4, 2, 2 };

/*
 * What is used of the CUDA driver and of HIP, which match one to one. Pointers
 * are the device's; every function returns 0 or an error number.
 */
#define FUNCTIONS(F)                                                          \
	F(init, cuInit, hipInit, (unsigned flags))                            \
	F(name, cuDeviceGetName, hipDeviceGetName,                            \
	  (char *name, int size, int device))                                 \
	F(retain, cuDevicePrimaryCtxRetain, hipDevicePrimaryCtxRetain,        \
	  (void **context, int device))                                       \
	F(set, cuCtxSetCurrent, hipCtxSetCurrent, (void *context))            \
	F(load, cuModuleLoadData, hipModuleLoadData,                          \
	  (void **module, const void *image))                                 \
	F(function, cuModuleGetFunction, hipModuleGetFunction,                \
	  (void **function, void *module, const char *name))                  \
	F(alloc, cuMemAlloc_v2, hipMalloc, (void **p, size_t n))              \
	F(free, cuMemFree_v2, hipFree, (void *p))                             \
	F(upload, cuMemcpyHtoD_v2, hipMemcpyHtoD,                             \
	  (void *to, const void *from, size_t n))                             \
	F(download, cuMemcpyDtoH_v2, hipMemcpyDtoH,                           \
	  (void *to, const void *from, size_t n))                             \
	F(copy, cuMemcpyDtoDAsync_v2, hipMemcpyDtoDAsync,                     \
	  (void *to, const void *from, size_t n, void *stream))               \
	F(fill, cuMemsetD32Async, hipMemsetD32Async,                          \
	  (void *p, unsigned value, size_t n, void *stream))                  \
	F(launch, cuLaunchKernel, hipModuleLaunchKernel,                      \
	  (void *function, unsigned groups, unsigned groups_y,                \
	   unsigned groups_z, unsigned threads, unsigned threads_y,           \
	   unsigned threads_z, unsigned shared, void *stream,                 \
	   void **parameters, void **extra))                                  \
	F(event, cuEventCreate, hipEventCreateWithFlags,                      \
	  (void **event, unsigned flags))                                     \
	F(record, cuEventRecord, hipEventRecord, (void *event, void *stream)) \
	F(wait, cuEventSynchronize, hipEventSynchronize, (void *event))       \
	F(elapsed, cuEventElapsedTime, hipEventElapsedTime,                   \
	  (float *milliseconds, void *from, void *to))

struct gpu {
#define FIELD(field, cuda, hip, parameters) int (*field) parameters;
	FUNCTIONS(FIELD)
#undef FIELD
	void *module, *from, *to; /* to: events */
	uint8_t *in, *out;
	size_t in_bytes, out_bytes;
};

static void die(const char *what, int status)
{
	fprintf(stderr, "bench_gpu: %s: error %d\n", what, status);
	exit(2);
}

/* Calls a function of the table; an error ends the program. */
#define CALL(gpu, field, ...)                                \
	do {                                                 \
		const int status_ = (gpu)->field(__VA_ARGS__); \
							     \
		if (status_)                                 \
			die(#field, status_);                \
	} while (0)

static bool open_runtime(struct gpu *gpu, const char *library, bool cuda)
{
	void *const handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);

	if (!handle)
		return false;
#define LOAD(field, cuda_name, hip_name, parameters)                          \
	*(void **)&gpu->field = dlsym(handle, cuda ? #cuda_name : #hip_name); \
	if (!gpu->field)                                                      \
		die(dlerror(), 0);
	FUNCTIONS(LOAD)
#undef LOAD
	return true;
}

/* Whichever of the images the device takes. */
static void load_module(struct gpu *gpu)
{
	int status = 0;

	for (const struct dq_image *i = dq_images; i->target; i++) {
		status = gpu->load(&gpu->module, i->data);
		if (!status) {
			printf("code object: %s\n", i->target);
			return;
		}
	}
	die("no code object loads", status);
}

static void open_gpu(struct gpu *gpu)
{
	char name[256];
	void *context;

	if (!open_runtime(gpu, "libcuda.so.1", true) &&
	    !open_runtime(gpu, "libamdhip64.so.7", false) &&
	    !open_runtime(gpu, "libamdhip64.so.6", false) &&
	    !open_runtime(gpu, "libamdhip64.so.5", false))
		die(dlerror(), 0);
	CALL(gpu, init, 0);
	CALL(gpu, name, name, sizeof(name), 0);
	CALL(gpu, retain, &context, 0);
	CALL(gpu, set, context);
	CALL(gpu, event, &gpu->from, 0);
	CALL(gpu, event, &gpu->to, 0);
	printf("%s\n", name);
	load_module(gpu);
}

static void reserve(struct gpu *gpu, uint8_t **p, size_t *has, size_t needs)
{
	if (*has >= needs)
		return;
	if (*p)
		CALL(gpu, free, *p);
	CALL(gpu, alloc, (void **)p, needs);
	*has = needs;
}

static uint64_t random_bits(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void fill_random(uint8_t *p, size_t n, uint64_t *state)
{
	while (n) {
		const uint64_t bits = random_bits(state);
		const size_t k = n < sizeof(bits) ? n : sizeof(bits);

		memcpy(p, &bits, k);
		p += k;
		n -= k;
	}
}

static bool is_finite(enum format_index format, const void *block)
{
	switch (format) {
#define DQ_QUANT(NAME, name, id, weights, bytes, span) \
	case FORMAT_##NAME: return name##_is_finite(block);
#include "../../kernels/formats.def"
	default: return true;
	}
}

/*
 * Random blocks; `finite`, for a measurement: as a model has them, without a
 * scale that is Inf or NaN.
 */
static void random_blocks(const struct format *format, uint8_t *p, size_t n,
			  bool finite)
{
	uint64_t state = 0x9e3779b97f4a7c15 + format->id;

	fill_random(p, n * format->block_bytes, &state);
	for (; finite && n--; p += format->block_bytes)
		while (!is_finite(format->index, p))
			fill_random(p, format->block_bytes, &state);
}

static void launch(const struct gpu *gpu, const struct format *format, int type,
		   void *kernel, uint64_t n_blocks)
{
	struct dq_parameters p = { gpu->in, gpu->out, n_blocks };
	void *parameters[] = { &p.blocks, &p.values, &p.n_blocks };
	const struct dq_launch l = dq_launch(format->block_weights,
					     value_bytes[type], n_blocks);

	if (l.n_blocks != n_blocks)
		die("more weights than one launch takes", 0);
	CALL(gpu, launch, kernel, l.groups, 1, 1, DQ_THREADS, 1, 1, 0, NULL,
	     parameters, NULL);
}

static void *find_kernel(const struct gpu *gpu, const struct format *format,
			 int type)
{
	char name[64];
	void *kernel;

	snprintf(name, sizeof(name), DQ_KERNEL_NAME, format->file_name,
		 type_names[type]);
	CALL(gpu, function, &kernel, gpu->module, name);
	return kernel;
}

/* What one thread compares. */
struct share {
	pthread_t thread;
	const struct format *format;
	int type;
	const uint8_t *blocks, *values;
	size_t n_blocks, wrong; /* wrong: blocks that differ */
};

static void *compare(void *argument)
{
	enum { STEP = 64 };
	struct share *const s = argument;
	const size_t bytes = s->format->block_weights * value_bytes[s->type];
	const struct cpu_rows *rows = cpu_rows_select(NULL, NULL);
	uint8_t expected[STEP * 256 * 4];

	for (size_t i = 0; i < s->n_blocks; i += STEP) {
		const size_t left = s->n_blocks - i;
		const size_t n = left < STEP ? left : STEP;

		rows->convert[s->type][s->format->index](
			s->blocks + i * s->format->block_bytes, n, expected);
		for (size_t k = 0; k < n; k++)
			s->wrong += !!memcmp(expected + k * bytes,
					     s->values + (i + k) * bytes,
					     bytes);
	}
	return NULL;
}

static size_t compare_all(const struct format *format, int type,
			  const uint8_t *blocks, const uint8_t *values,
			  size_t n)
{
	enum { MOST = 64 };
	const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	const size_t threads = cpus < MOST ? (size_t)cpus : MOST;
	struct share shares[MOST];
	size_t wrong = 0;

	for (size_t i = 0; i < threads; i++) {
		const size_t first = n * i / threads;

		shares[i] = (struct share){
			.format = format,
			.type = type,
			.blocks = blocks + first * format->block_bytes,
			.values = values + first * format->block_weights *
						   value_bytes[type],
			.n_blocks = n * (i + 1) / threads - first,
		};
		if (pthread_create(&shares[i].thread, NULL, compare,
				   &shares[i]))
			die("pthread_create", 0);
	}
	for (size_t i = 0; i < threads; i++) {
		pthread_join(shares[i].thread, NULL);
		wrong += shares[i].wrong;
	}
	return wrong;
}

/* Every bit of `weights` weights, and of the bytes behind them. */
static size_t check(struct gpu *gpu, const struct format *format,
		    uint64_t weights)
{
	enum { GUARD = 4096, UNTOUCHED = 0xa5a5a5a5 };
	/* Not whole tiles. */
	const size_t n = weights / format->block_weights - 1;
	const size_t bytes = n * format->block_bytes;
	uint8_t *const blocks = malloc(bytes);
	uint8_t *const values =
		malloc(n * format->block_weights * sizeof(float) + GUARD);
	size_t wrong = 0;

	if (!blocks || !values)
		die("out of memory", ENOMEM);
	random_blocks(format, blocks, n, false);
	reserve(gpu, &gpu->in, &gpu->in_bytes, bytes);
	CALL(gpu, upload, gpu->in, blocks, bytes);
	for (int type = 0; type < OUTPUT_NATIVE; type++) {
		const size_t size =
			n * format->block_weights * value_bytes[type];
		size_t written = 0;

		reserve(gpu, &gpu->out, &gpu->out_bytes, size + GUARD);
		CALL(gpu, fill, gpu->out, UNTOUCHED, (size + GUARD) / 4, NULL);
		launch(gpu, format, type, find_kernel(gpu, format, type), n);
		CALL(gpu, download, values, gpu->out, size + GUARD - size % 4);
		for (size_t i = size; i < size + GUARD - 4; i++)
			written += values[i] != (uint8_t)UNTOUCHED;
		if (written)
			printf("%s to %s: %zu bytes written past the end\n",
			       format->file_name, type_names[type], written);
		written += compare_all(format, type, blocks, values, n);
		if (written)
			printf("%s to %s: %zu of %zu blocks DIFFER\n",
			       format->file_name, type_names[type], written, n);
		wrong += written;
	}
	free(blocks);
	free(values);
	return wrong;
}

static int compare_floats(const void *a, const void *b)
{
	const float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/* Seconds of `call`: the median of RUNS, after three to warm up. */
#define MEDIAN(gpu, call)                                                     \
	({                                                                    \
		float ms_[RUNS];                                              \
									      \
		for (int run_ = -3; run_ < RUNS; run_++) {                    \
			CALL(gpu, record, (gpu)->from, NULL);                 \
			call;                                                 \
			CALL(gpu, record, (gpu)->to, NULL);                   \
			CALL(gpu, wait, (gpu)->to);                           \
			CALL(gpu, elapsed, &ms_[run_ < 0 ? 0 : run_],         \
			     (gpu)->from, (gpu)->to);                         \
		}                                                             \
		qsort(ms_, RUNS, sizeof(ms_[0]), compare_floats);             \
		(double)ms_[RUNS / 2] * 1e-3;                                 \
	})

/* Bytes per second, read and written, of a copy between two buffers. */
static double measure_memory(struct gpu *gpu)
{
	const size_t n = (size_t)2 << 30;
	double copy, fill;

	reserve(gpu, &gpu->in, &gpu->in_bytes, n);
	reserve(gpu, &gpu->out, &gpu->out_bytes, n);
	copy = 2 * (double)n /
	       MEDIAN(gpu, CALL(gpu, copy, gpu->out, gpu->in, n, NULL));
	fill = (double)n /
	       MEDIAN(gpu, CALL(gpu, fill, gpu->out, 0x3f9d70a4, n / 4, NULL));
	printf("copy %.0f GB/s (read + written), fill %.0f GB/s\n", copy * 1e-9,
	       fill * 1e-9);
	return copy;
}

static void measure(struct gpu *gpu, const struct format *format,
		    uint64_t weights, double copy)
{
	const size_t n = weights / format->block_weights;
	const size_t bytes = n * format->block_bytes;
	const size_t once = RANDOM_BYTES / format->block_bytes;
	const size_t once_bytes = once * format->block_bytes;
	uint8_t *const blocks = malloc(once_bytes);

	if (!blocks)
		die("out of memory", ENOMEM);
	random_blocks(format, blocks, once, true);
	reserve(gpu, &gpu->in, &gpu->in_bytes,
		bytes < once_bytes ? once_bytes : bytes);
	reserve(gpu, &gpu->out, &gpu->out_bytes, weights * sizeof(float));
	CALL(gpu, upload, gpu->in, blocks, once_bytes);
	for (size_t at = once_bytes; at < bytes; at += once_bytes)
		CALL(gpu, copy, gpu->in + at, gpu->in,
		     bytes - at < once_bytes ? bytes - at : once_bytes, NULL);
	free(blocks);

	printf("%-8s", format->file_name);
	for (int type = 0; type < OUTPUT_NATIVE; type++) {
		void *const kernel = find_kernel(gpu, format, type);
		const double moved = (double)bytes +
				     (double)weights * value_bytes[type];
		const double seconds =
			MEDIAN(gpu, launch(gpu, format, type, kernel, n));

		printf(" %6.0f GB/s %5.1f %%", moved / seconds * 1e-9,
		       moved / seconds / copy * 100);
	}
	putchar('\n');
	fflush(stdout);
}

static bool is_wanted(const struct format *format, char *const *names)
{
	bool wanted = !*names;

	for (; *names; names++)
		wanted |= !strcasecmp(*names, format->name);
	return wanted && format->kind != FORMAT_KIND_INTEGER;
}

int main(int argc, char **argv)
{
	uint64_t checked = 16, measured = 1024;
	struct gpu gpu = { 0 };
	size_t wrong = 0;
	double copy;
	int option;

	while ((option = getopt(argc, argv, "c:m:")) != -1) {
		if (option == '?')
			return 2;
		*(option == 'c' ? &checked : &measured) =
			strtoull(optarg, NULL, 10);
	}
	open_gpu(&gpu);
	for (unsigned i = 0; checked && i < FORMAT_COUNT; i++)
		if (is_wanted(format_at(i), argv + optind))
			wrong += check(&gpu, format_at(i), checked << 20);
	if (checked)
		printf("%s: %llu million weights of each format and type\n",
		       wrong ? "DIFFERENT" : "equal",
		       (unsigned long long)checked);
	if (wrong || !measured)
		return !!wrong;

	copy = measure_memory(&gpu);
	printf("%-8s %18s %18s %18s\n", "", "f32", "f16", "bf16");
	for (unsigned i = 0; i < FORMAT_COUNT; i++)
		if (is_wanted(format_at(i), argv + optind))
			measure(&gpu, format_at(i), measured << 20, copy);
	return 0;
}

/*
 * A fake GPU runtime in host memory: the HIP runtime of ROCm 6 (-DFAKE_hip) or
 * ROCm 5 (-DFAKE_rocm5), or the CUDA driver (-DFAKE_cuda). Its devices run the
 * kernels compiled for the host, and check how the program uses them. A misuse
 * (wrong pointer, length, context or order of calls, or a leak) ends the
 * process with status FAKE_MISUSE and a line that says why.
 *
 *   FAKE_GPU_KINDS=NAMES  no device unless this kind, hip or cuda, is listed
 *   FAKE_GPU_DEVICES=N    the number of devices (1)
 *   FAKE_GPU_ARCH=NAME    the architecture of HIP's (gfx1100)
 *   FAKE_GPU_PTX=1        CUDA's code was compiled from PTX
 *   FAKE_GPU_MEMORY=N     bytes of memory per device (1 GiB)
 *   FAKE_GPU_FAIL=N       call number N, counted from 1, fails
 *   FAKE_GPU_ERROR=N      ... with this error (719)
 *   FAKE_GPU_LOST=1       ... and so does every later call
 *   FAKE_GPU_SIGNALS=1    threads that it starts may get the caller's signals
 *   FAKE_GPU_CONFIDENTIAL=1  no memory can be registered
 *   FAKE_GPU_START=N      initialization takes N microseconds longer
 *   FAKE_GPU_SLOW=N       waiting for a stream takes N microseconds longer
 *   FAKE_GPU_FLIP=KERNEL  flips the lowest bit in the last byte of the first
 *                         value that this kernel writes
 *   FAKE_GPU_LOG=PATH     at the end, lines "name value" go to PATH.hip or
 *                         PATH.cuda
 *
 * A function that releases something, or selects a GPU, does so even when told
 * to fail: the error may be that of earlier work.
 */
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <elf.h>

#include "kernels/launch.h"
#include "fake_kernels.h"

#ifdef FAKE_cuda
#define API(hip, cuda) cuda
#else
#define API(hip, cuda) hip
#endif

#ifdef FAKE_rocm5
#define HIP_VERSION 50221153
#else
#define HIP_VERSION 60443482
#endif

#define FAKE_MISUSE 86

/* The program finds these functions by dlsym. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

enum { ERROR_MEMORY = 2, ERROR_NO_DEVICE = 100, ERROR_NO_CONTEXT = 201,
       ERROR_NO_IMAGE = 209, ERROR_NOT_FOUND = 500, ERROR_LAUNCH = 719,
       ERROR_NOT_SUPPORTED = 801 };

enum kind { MEMORY, HOST, MODULE, STREAM, KINDS };

/* Work is done only when the program waits for its stream, so that a result
 * used too early is not there yet. */
struct work {
	const struct fake_kernel *kernel; /* NULL: a copy */
	unsigned groups, threads;
	union fake_parameters parameters;
	const void *from;
	void *to;
	size_t from_bytes, to_bytes;
	struct work *next;
};

struct object {
	enum kind kind;
	int device;
	char *address;
	size_t bytes;
	bool registered; /* HOST: the program allocated it */
	struct work *first, **last; /* of a stream */
	struct object *next;
};

#define MAX_DEVICES 8

static struct fake {
	pthread_mutex_t lock; /* of all below */
	int n_devices, error, retained[MAX_DEVICES];
	const char *arch, *flip;
	bool absent, initialized, stays_lost, lost;
	const char *failed_call;
	unsigned long calls, fail_at, launches[MAX_DEVICES];
	size_t slow, memory, used[MAX_DEVICES], host, peak_used, peak_host;
	struct object *objects;
} fake = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* HIP's threads begin on device 0, CUDA's without a context. */
static _Thread_local int current = API(0, -1);

static void __attribute__((format(printf, 1, 2), noreturn))
misuse(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("fake GPU: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	_exit(FAKE_MISUSE);
}

static size_t number(const char *name, size_t otherwise)
{
	const char *const value = getenv(name);

	return value ? strtoull(value, NULL, 0) : otherwise;
}

static void __attribute__((constructor)) begin(void)
{
	const char *const kinds = getenv("FAKE_GPU_KINDS");

	fake.absent = kinds && !strstr(kinds, API("hip", "cuda"));
	fake.n_devices = (int)number("FAKE_GPU_DEVICES", 1);
	fake.memory = number("FAKE_GPU_MEMORY", (size_t)1 << 30);
	fake.slow = number("FAKE_GPU_SLOW", 0);
	fake.fail_at = number("FAKE_GPU_FAIL", 0);
	fake.error = (int)number("FAKE_GPU_ERROR", ERROR_LAUNCH);
	fake.stays_lost = number("FAKE_GPU_LOST", 0);
	fake.arch = getenv("FAKE_GPU_ARCH");
	fake.flip = getenv("FAKE_GPU_FLIP");
	if (!fake.arch)
		fake.arch = "gfx1100";
}

static void write_log(const char *prefix)
{
	char path[4096];
	FILE *log;

	snprintf(path, sizeof(path), "%s.%s", prefix, API("hip", "cuda"));
	log = fopen(path, "w");
	if (!log)
		misuse("cannot write %s", path);
	fprintf(log, "calls %lu\npeak_gpu %zu\npeak_host %zu\n", fake.calls,
		fake.peak_used, fake.peak_host);
	for (int i = 0; i < fake.n_devices; i++)
		fprintf(log, "launches_%d %lu\n", i, fake.launches[i]);
	if (fake.failed_call)
		fprintf(log, "failed %s\n", fake.failed_call);
	fclose(log);
}

static void __attribute__((destructor)) finish(void)
{
	static const char *const kinds[] = { "GPU memory", "host memory",
					     "a module", "a stream" };
	const char *const log = getenv("FAKE_GPU_LOG");

	if (log && !fake.absent)
		write_log(log);
	if (fake.objects)
		misuse("leak of %s, %zu bytes", kinds[fake.objects->kind],
		       fake.objects->bytes);
	for (int i = 0; i < fake.n_devices; i++)
		if (fake.retained[i])
			misuse("leak of the context of device %d", i);
}

/* A real runtime may start a thread here, which has the same signal mask. */
static void may_start_thread(const char *name)
{
	sigset_t mask;

	(void)pthread_sigmask(SIG_BLOCK, NULL, &mask);
	if (!getenv("FAKE_GPU_SIGNALS") &&
	    (!sigismember(&mask, SIGINT) || !sigismember(&mask, SIGTERM)))
		misuse("%s: signals are not blocked", name);
}

/* Begins a call, which done() ends. Returns an error if it is to fail. */
static int call(const char *name)
{
	pthread_mutex_lock(&fake.lock);
	if (fake.absent)
		return ERROR_NO_DEVICE;
	fake.calls++;
	if (!fake.initialized && strcmp(name, API("hipInit", "cuInit")))
		misuse("%s before initialization", name);
	if (fake.lost)
		return fake.error;
	if (fake.calls != fake.fail_at)
		return 0;
	fake.failed_call = name;
	fake.lost = fake.stays_lost;
	return fake.error;
}

static int done(int result)
{
	pthread_mutex_unlock(&fake.lock);
	return result;
}

/* The object of that kind that contains all of those bytes; otherwise
 * misuse. */
static struct object *find(enum kind kind, const void *address, size_t bytes,
			   const char *what)
{
	const char *const from = address;

	for (struct object *o = fake.objects; o; o = o->next)
		if (o->kind == kind && from >= o->address &&
		    bytes <= o->bytes &&
		    (size_t)(from - o->address) <= o->bytes - bytes) {
			if (kind != HOST && o->device != current)
				misuse("%s is not of the current device", what);
			return o;
		}
	misuse("%s: %zu bytes at %p are not its", what, bytes, address);
}

static void need_context(const char *name)
{
	if (current < 0)
		misuse("%s without a context", name);
}

static struct object *add_object(enum kind kind, void *address, size_t bytes)
{
	struct object *const o = calloc(1, sizeof(*o));

	if (!o)
		misuse("out of real memory");
	o->kind = kind;
	o->device = current;
	o->address = address;
	o->bytes = bytes;
	o->last = &o->first;
	o->next = fake.objects;
	fake.objects = o;
	return o;
}

static struct object *add(enum kind kind, size_t bytes, size_t alignment)
{
	void *address;

	/* The length is exact, so that AddressSanitizer sees every excess. */
	if (posix_memalign(&address, alignment, bytes))
		misuse("out of real memory");
	memset(address, 0xa5, bytes);
	return add_object(kind, address, bytes);
}

static bool overlaps(const struct object *o, const void *at, size_t bytes)
{
	return (const char *)at < o->address + o->bytes &&
	       o->address < (const char *)at + bytes;
}

/* Whether pending work still needs the object. */
static bool in_use(const struct object *o)
{
	if (o->kind == STREAM)
		return o->first;
	for (const struct object *s = fake.objects; s; s = s->next)
		for (const struct work *w = s->first; w; w = w->next)
			if (overlaps(o, w->from, w->from_bytes) ||
			    overlaps(o, w->to, w->to_bytes) ||
			    (o->kind == MODULE && w->kernel &&
			     s->device == o->device))
				return true;
	return false;
}

/* Frees the object that begins at that address. */
static size_t drop(enum kind kind, const void *address, bool registered,
		   const char *name)
{
	struct object **link = &fake.objects, *o;
	size_t bytes;

	need_context(name);
	while (*link && ((*link)->kind != kind || (*link)->address != address ||
			 (*link)->registered != registered))
		link = &(*link)->next;
	o = *link;
	if (!o)
		misuse("%s: %p is not there, or no more", name, address);
	if (kind != HOST && o->device != current)
		misuse("%s: wrong device", name);
	if (in_use(o))
		misuse("%s of what work under way still needs", name);
	*link = o->next;
	bytes = o->bytes;
	if (!registered)
		free(o->address);
	free(o);
	return bytes;
}

static void raise_peak(size_t *peak, size_t value)
{
	if (*peak < value)
		*peak = value;
}

/* From here on, the functions that the program calls. */

int API(hipInit, cuInit)(unsigned flags)
{
	const int result = call(__func__);

	if (flags)
		misuse("%s: flags", __func__);
	usleep((useconds_t)number("FAKE_GPU_START", 0));
	if (!result)
		fake.initialized = true;
	return done(result);
}

int API(hipRuntimeGetVersion, cuDriverGetVersion)(int *version)
{
	*version = API(HIP_VERSION, 13000);
	return done(call(__func__));
}

int API(hipGetDeviceCount, cuDeviceGetCount)(int *count)
{
	int result = call(__func__);

	*count = fake.n_devices;
	if (!result && !fake.n_devices)
		result = ERROR_NO_DEVICE;
	return done(result);
}

int API(hipDeviceGet, cuDeviceGet)(int *device, int ordinal)
{
	const int result = call(__func__);

	if (ordinal < 0 || ordinal >= fake.n_devices)
		misuse("%s: device %d", __func__, ordinal);
	*device = ordinal;
	return done(result);
}

int API(hipGetDevice, cuCtxGetDevice)(int *device)
{
	const int result = call(__func__);

	if (current < 0)
		return done(ERROR_NO_CONTEXT);
	*device = current;
	return done(result);
}

int API(hipDeviceGetName, cuDeviceGetName)(char *name, int size, int device)
{
	const int result = call(__func__);

	snprintf(name, (size_t)size, "Fake %s %d\x1b", API("Radeon", "GeForce"),
		 device);
	return done(result);
}

int API(hipDeviceTotalMem, cuDeviceTotalMem_v2)(size_t *bytes, int device)
{
	(void)device;
	*bytes = fake.memory;
	return done(call(__func__));
}

static const char *error_text(int error)
{
	switch (error) {
	case ERROR_MEMORY:
		return "out of memory";
	case ERROR_NO_DEVICE:
		return "no capable device is detected";
	case ERROR_NO_CONTEXT:
		return "invalid device context";
	case ERROR_NO_IMAGE:
		return "no kernel image is available for execution";
	case ERROR_NOT_FOUND:
		return "named symbol not found";
	case ERROR_LAUNCH:
		return "unspecified launch failure";
	case ERROR_NOT_SUPPORTED:
		return "operation not supported";
	default:
		return NULL;
	}
}

#ifdef FAKE_cuda
int cuGetErrorString(int error, const char **text)
{
	*text = error_text(error);
	return *text ? 0 : 1;
}

int cuDeviceGetAttribute(int *value, int attribute, int device)
{
	(void)device;
	if (attribute != 75 && attribute != 76)
		misuse("%s: attribute %d", __func__, attribute);
	*value = attribute == 75 ? 9 : 0; /* sm_90 */
	return done(call(__func__));
}

/* Code for sm_86 or, with FAKE_GPU_PTX, PTX that was compiled here. */
int cuFuncGetAttribute(int *value, int attribute, void *function)
{
	if (!function || (attribute != 5 && attribute != 6))
		misuse("%s: attribute %d", __func__, attribute);
	*value = getenv("FAKE_GPU_PTX") && attribute == 6 ? 90 : 86;
	return done(call(__func__));
}

int cuDevicePrimaryCtxSetFlags_v2(int device, unsigned flags)
{
	(void)device;
	if (flags != 2)
		misuse("%s: flags %u", __func__, flags);
	return done(call(__func__));
}

/* A context is the address of its count. */
int cuDevicePrimaryCtxRetain(void **context, int device)
{
	const int result = call(__func__);

	if (!result) {
		fake.retained[device]++;
		*context = &fake.retained[device];
	}
	return done(result);
}

int cuCtxSetCurrent(void *context)
{
	const int result = call(__func__);
	const ptrdiff_t device = (int *)context - fake.retained;

	if (device < 0 || device >= fake.n_devices || !fake.retained[device])
		misuse("%s: no context", __func__);
	current = (int)device;
	return done(result);
}

int cuDevicePrimaryCtxRelease_v2(int device)
{
	const int result = call(__func__);

	if (!fake.retained[device])
		misuse("%s: nothing to release", __func__);
	if (!--fake.retained[device])
		for (struct object *o = fake.objects; o; o = o->next)
			if (o->device == device)
				misuse("%s: leak of kind %d", __func__,
				       (int)o->kind);
	return done(result);
}
#else
const char *hipGetErrorString(int error)
{
	return error_text(error) ? error_text(error) : "unrecognized error";
}

int hipSetDevice(int ordinal)
{
	const int result = call(__func__);

	if (ordinal < 0 || ordinal >= fake.n_devices)
		misuse("%s: device %d", __func__, ordinal);
	current = ordinal;
	return done(result);
}

static const int wave = 32;

#ifndef FAKE_rocm5
int hipGetDevicePropertiesR0600(void *properties, int ordinal)
{
	(void)ordinal;
	memset(properties, 0x7f, 1472);
	snprintf((char *)properties + 1160, 256, "%s:sramecc+:xnack-",
		 fake.arch);
	memcpy((char *)properties + 308, &wave, sizeof(wave));
	return done(call(__func__));
}
#endif

int hipGetDeviceProperties(void *properties, int ordinal)
{
	(void)ordinal;
	memset(properties, 0x7f, 792);
	snprintf((char *)properties + 396, 256, "%s", fake.arch);
	memcpy((char *)properties + 276, &wave, sizeof(wave));
	return done(call(__func__));
}
#endif

int API(hipMalloc, cuMemAlloc_v2)(void **address, size_t bytes)
{
	const int result = call(__func__);

	if (result)
		return done(result);
	need_context(__func__);
	if (bytes > fake.memory - fake.used[current])
		return done(ERROR_MEMORY);
	*address = add(MEMORY, bytes, 256)->address;
	fake.used[current] += bytes;
	raise_peak(&fake.peak_used, fake.used[current]);
	return done(0);
}

int API(hipFree, cuMemFree_v2)(void *address)
{
	const int result = call(__func__);

	fake.used[current] -= drop(MEMORY, address, false, __func__);
	return done(result);
}

/* Host memory that HIP allocates, or that CUDA registers: counts it. */
static void add_host(size_t bytes)
{
	fake.host += bytes;
	raise_peak(&fake.peak_host, fake.host);
}

static int begin_host(unsigned flags, const char *name)
{
	const int result = call(name);

	may_start_thread(name);
	if (flags != 1)
		misuse("%s: flags %u", name, flags);
	need_context(name);
	return result;
}

#ifdef FAKE_cuda
int cuMemHostRegister_v2(void *buffer, size_t bytes, unsigned flags)
{
	const int result = begin_host(flags, __func__);

	if (result || getenv("FAKE_GPU_CONFIDENTIAL"))
		return done(result ? result : ERROR_NOT_SUPPORTED);
	add_object(HOST, buffer, bytes)->registered = true;
	add_host(bytes);
	return done(0);
}

int cuMemHostUnregister(void *buffer)
{
	const int result = call(__func__);

	fake.host -= drop(HOST, buffer, true, __func__);
	return done(result);
}
#endif

int API(hipHostMalloc, cuMemHostAlloc)(void **buffer, size_t bytes,
				       unsigned flags)
{
	const int result = begin_host(flags, __func__);

	if (result)
		return done(result);
	*buffer = add(HOST, bytes, 4096)->address;
	add_host(bytes);
	return done(0);
}

int API(hipHostFree, cuMemFreeHost)(void *buffer)
{
	const int result = call(__func__);

	fake.host -= drop(HOST, buffer, false, __func__);
	return done(result);
}

int API(hipStreamCreateWithFlags, cuStreamCreate)(void **stream, unsigned flags)
{
	const int result = call(__func__);

	need_context(__func__);
	may_start_thread(__func__);
	if (flags != 1)
		misuse("%s: flags %u", __func__, flags);
	if (!result)
		*stream = add(STREAM, 1, 16)->address;
	return done(result);
}

int API(hipStreamDestroy, cuStreamDestroy_v2)(void *stream)
{
	const int result = call(__func__);

	drop(STREAM, stream, false, __func__);
	return done(result);
}

static void perform(const struct work *w, int device)
{
	if (!w->kernel) {
		memcpy(w->to, w->from, w->to_bytes);
		return;
	}
	fake.launches[device]++;
	fake_kernel_run(w->kernel, w->groups, w->threads, &w->parameters);
	if (fake.flip && !strcmp(fake.flip, w->kernel->name))
		((char *)w->to)[w->kernel->hash ? 0 :
				w->kernel->block_values - 1] ^= 1;
}

int API(hipStreamSynchronize, cuStreamSynchronize)(void *stream)
{
	const int result = call(__func__);
	struct object *const o = find(STREAM, stream, 1, __func__);
	struct work *w;

	pthread_mutex_unlock(&fake.lock);
	usleep((useconds_t)fake.slow);
	pthread_mutex_lock(&fake.lock);
	while ((w = o->first)) {
		if (!result)
			perform(w, o->device);
		o->first = w->next;
		free(w);
	}
	o->last = &o->first;
	return done(result);
}

static void submit(void *stream, const struct work *work, const char *name)
{
	struct object *const o = find(STREAM, stream, 1, name);
	struct work *const w = malloc(sizeof(*w));

	if (!w)
		misuse("out of real memory");
	*w = *work;
	*o->last = w;
	o->last = &w->next;
}

int API(hipMemcpyHtoDAsync, cuMemcpyHtoDAsync_v2)(void *address,
						  const void *from,
						  size_t bytes, void *stream)
{
	const int result = call(__func__);

	may_start_thread(__func__);
	find(MEMORY, address, bytes, __func__);
	find(HOST, from, bytes, __func__);
	if (!result)
		submit(stream, &(struct work){ .from = from, .to = address,
					       .from_bytes = bytes,
					       .to_bytes = bytes }, __func__);
	return done(result);
}

int API(hipMemcpyDtoHAsync, cuMemcpyDtoHAsync_v2)(void *to, const void *address,
						  size_t bytes, void *stream)
{
	const int result = call(__func__);

	find(MEMORY, address, bytes, __func__);
	find(HOST, to, bytes, __func__);
	if (!result)
		submit(stream, &(struct work){ .from = address, .to = to,
					       .from_bytes = bytes,
					       .to_bytes = bytes }, __func__);
	return done(result);
}

/* Whether the e_flags of a code object's ELF header have that architecture. */
static bool is_code_for(const Elf64_Ehdr *elf, const char *arch)
{
	static const struct {
		const char *arch;
		unsigned mach;
	} machs[] = {
		{ "gfx900", 0x2c }, { "gfx906", 0x2f },
		{ "gfx908", 0x30 }, { "gfx90a", 0x3f },
		{ "gfx942", 0x4c }, { "gfx950", 0x4f },
		{ "gfx1010", 0x33 }, { "gfx1030", 0x36 },
		{ "gfx1031", 0x37 }, { "gfx1032", 0x38 },
		{ "gfx1033", 0x39 }, { "gfx1034", 0x3e },
		{ "gfx1035", 0x3d }, { "gfx1036", 0x45 },
		{ "gfx1100", 0x41 }, { "gfx1101", 0x46 },
		{ "gfx1102", 0x47 }, { "gfx1103", 0x44 },
		{ "gfx1150", 0x43 }, { "gfx1151", 0x4a },
		{ "gfx1152", 0x55 }, { "gfx1153", 0x58 },
		{ "gfx1200", 0x48 }, { "gfx1201", 0x4e },
		{ "gfx9-generic", 0x51 }, { "gfx9-4-generic", 0x5f },
		{ "gfx10-1-generic", 0x52 },
		{ "gfx10-3-generic", 0x53 }, { "gfx11-generic", 0x54 },
		{ "gfx12-generic", 0x59 },
	};

	for (size_t i = 0; i < sizeof(machs) / sizeof(*machs); i++)
		if (!strcmp(machs[i].arch, arch))
			return elf->e_machine == 224 /* EM_AMDGPU */ &&
			       (elf->e_flags & 0xff) == machs[i].mach;
	return false;
}

/* An image is one of fake_images.c, an AMD code object, or a CUDA fatbin. */
static bool runs_here(const void *image)
{
	static const unsigned char fatbin[] = { 0x50, 0xed, 0x55, 0xba };

	if (!memcmp(image, "fake", 4))
		return true;
	if (API(0, 1))
		return !memcmp(image, fatbin, sizeof(fatbin));
	return !memcmp(image, ELFMAG, SELFMAG) && is_code_for(image, fake.arch);
}

int API(hipModuleLoadData, cuModuleLoadData)(void **module, const void *image)
{
	int result = call(__func__);
	struct object *o;

	need_context(__func__);
	if (!result && !runs_here(image))
		result = ERROR_NO_IMAGE;
	if (!result) {
		o = add(MODULE, sizeof(image), 16);
		memcpy(o->address, &image, sizeof(image));
		*module = o->address;
	}
	return done(result);
}

int API(hipModuleUnload, cuModuleUnload)(void *module)
{
	const int result = call(__func__);

	drop(MODULE, module, false, __func__);
	return done(result);
}

/* Whether the loaded code has that kernel, as far as can be seen. */
static bool has_kernel(const Elf64_Ehdr *elf, const char *name)
{
	char symbol[80];

	if (memcmp(elf, ELFMAG, SELFMAG))
		return true;
	snprintf(symbol, sizeof(symbol), "%s.kd", name);
	return memmem(elf, elf->e_shoff, symbol, strlen(symbol) + 1);
}

int API(hipModuleGetFunction, cuModuleGetFunction)(void **function,
						   void *module,
						   const char *name)
{
	int result = call(__func__);
	const void *image;

	memcpy(&image, find(MODULE, module, 1, __func__)->address,
	       sizeof(image));
	*function = (void *)(uintptr_t)fake_kernel_find(name);
	if (!result && (!*function || !has_kernel(image, name)))
		result = ERROR_NOT_FOUND;
	return done(result);
}

static void check_launch(const struct work *w, const char *name)
{
	if (!w->groups || w->groups >= UINT32_MAX / w->threads)
		misuse("%s: %u groups of %u", name, w->groups, w->threads);
	if ((uintptr_t)w->from % 16 || (uintptr_t)w->to % 16)
		misuse("%s of %s: address not aligned to 16", name,
		       w->kernel->name);
	find(MEMORY, w->from, w->from_bytes, name);
	find(MEMORY, w->to, w->to_bytes, name);
	if (overlaps(&(struct object){ .address = w->to,
				       .bytes = w->to_bytes },
		     w->from, w->from_bytes))
		misuse("%s of %s: overlap", name, w->kernel->name);
}

int API(hipModuleLaunchKernel, cuLaunchKernel)(
	void *function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
	unsigned block_x, unsigned block_y, unsigned block_z,
	unsigned shared_bytes, void *stream, void **parameters, void **extra)
{
	const int result = call(__func__);
	const struct fake_kernel *const kernel = function;
	struct work work = { .kernel = kernel, .groups = grid_x,
			     .threads = block_x };

	if (grid_y != 1 || grid_z != 1 || block_y != 1 || block_z != 1 ||
	    shared_bytes || extra)
		misuse("%s: geometry", __func__);
	fake_kernel_take(kernel, parameters, &work.parameters);
	work.from = work.parameters.of_blocks.blocks;
	work.to = work.parameters.of_blocks.values;
	work.from_bytes = fake_kernel_reads(kernel, &work.parameters);
	work.to_bytes = fake_kernel_makes(kernel, &work.parameters);
	check_launch(&work, __func__);
	if (!result)
		submit(stream, &work, __func__);
	return done(result);
}

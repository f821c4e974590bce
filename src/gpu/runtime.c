#include "gpu/runtime.h"

#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"

/* Newest first. ROCm may be in a folder that the linker does not search. */
static const char *const libraries[GPU_APIS][6] = {
	[GPU_HIP] = { "libamdhip64.so.7", "libamdhip64.so.6",
		      "libamdhip64.so.5", "libamdhip64.so",
		      "/opt/rocm/lib/libamdhip64.so" },
	[GPU_CUDA] = { "libcuda.so.1" },
};

/* The offsets of gcnArchName and warpSize in hipDeviceProp_t: before ROCm 6,
 * and since. */
#define HIP_ARCH_OFFSET 396
#define HIP_WAVE_OFFSET 276
#define HIP_ARCH_OFFSET_R0600 1160
#define HIP_WAVE_OFFSET_R0600 308

/* Whether the library exists but cannot be loaded; if so, sets the error. */
static bool explain_library(const char *name, struct error *err)
{
	const char *const why = dlerror();
	const size_t len = strlen(name);
	char shown[ERROR_MESSAGE_SIZE]; /* it may name folders */

	if (!strncmp(why, name, len) &&
	    strstr(why + len, "cannot open shared object file"))
		return false;
	error_set(err, "%s", escape_text(shown, sizeof(shown),
					 text_of(why)));
	return true;
}

static void *open_library(struct gpu_runtime *rt, struct error *err)
{
	const char *const *const names = libraries[rt->api];
	bool explained = false;
	void *library = NULL;

	for (size_t i = 0; names[i] && !library; i++) {
		rt->library = names[i];
		library = dlopen(names[i], RTLD_NOW | RTLD_NOLOAD);
	}
	for (size_t i = 0; names[i] && !library; i++) {
		rt->library = names[i];
		library = dlopen(names[i], RTLD_NOW);
		if (!library && !explained)
			explained = explain_library(names[i], err);
	}
	if (!library && !explained)
		error_set(err, "%s is not installed", names[0]);
	return library;
}

/* Sets the path of the library; its name if that is unknown. */
static void find_path(struct gpu_runtime *rt, void *library)
{
	const struct link_map *map;
	const char *const path = dlinfo(library, RTLD_DI_LINKMAP, &map) ?
				 rt->library : map->l_name;

	escape_text(rt->path, sizeof(rt->path), text_of(path));
}

/* Sets *function, a function pointer, to the address of the symbol. */
static bool find(void *library, const char *symbol, void *function)
{
	void *const address = dlsym(library, symbol);

	memcpy(function, &address, sizeof(address));
	return address != NULL;
}

/*
 * ROCm 6 changed hipDeviceProp_t and the name of the function that fills it.
 * The old name still fills the old struct.
 */
static void use_hip_properties(struct gpu_runtime *rt, void *library)
{
	int (*r0600)(void *properties, int ordinal);

	rt->hip_arch_offset = HIP_ARCH_OFFSET;
	rt->hip_wave_offset = HIP_WAVE_OFFSET;
	if (find(library, "hipGetDevicePropertiesR0600", &r0600)) {
		rt->device_properties = r0600;
		rt->hip_arch_offset = HIP_ARCH_OFFSET_R0600;
		rt->hip_wave_offset = HIP_WAVE_OFFSET_R0600;
	}
}

static int find_functions(struct gpu_runtime *rt, void *library,
			  struct error *err)
{
	const char *symbol;

#define X(name, hip, cuda, version, parameters)                        \
	symbol = rt->api == GPU_HIP ? #hip : #cuda #version;           \
	if (*symbol && !find(library, symbol, &rt->name))              \
		return error_set(err, "%s lacks %s", rt->library, symbol);
	GPU_FUNCTIONS(X)
#undef X
	if (rt->api == GPU_CUDA)
		return 0;
	if (!find(library, "hipGetErrorString", &rt->hip_error_string))
		return error_set(err, "%s lacks hipGetErrorString",
				 rt->library);
	use_hip_properties(rt, library);
	return 0;
}

/* A CUDA version is 1000 · major + 10 · minor; a HIP version is 10^7 · major +
 * 10^5 · minor + patch. */
static void format_version(struct gpu_runtime *rt)
{
	const int version = rt->version_number;

	if (rt->api == GPU_CUDA)
		snprintf(rt->version_text, sizeof(rt->version_text),
			 "CUDA %d.%d", version / 1000, version % 1000 / 10);
	else
		snprintf(rt->version_text, sizeof(rt->version_text),
			 "HIP %d.%d.%d", version / 10000000,
			 version / 100000 % 100, version % 100000);
}

#define CALL(rt, err, function, ...)                               \
	gpu_check(rt, (rt)->library, GPU_FUNCTION_##function, 0,   \
		  (rt)->function(__VA_ARGS__), err)

int gpu_runtime_open(struct gpu_runtime *rt, enum gpu_api api,
		     struct error *err)
{
	void *library;

	*rt = (struct gpu_runtime){ .api = api };
	library = open_library(rt, err);
	if (!library)
		return -1;
	find_path(rt, library);
	if (find_functions(rt, library, err) || CALL(rt, err, init, 0) ||
	    CALL(rt, err, version, &rt->version_number))
		return -1;
	format_version(rt);
	return 0;
}

static const char *error_text(const struct gpu_runtime *rt, int error)
{
	const char *text = NULL;

	if (rt->api == GPU_HIP)
		text = rt->hip_error_string(error);
	else if (rt->error_string(error, &text))
		text = NULL;
	return text ? text : "unknown error";
}

int gpu_check(const struct gpu_runtime *rt, const char *subject,
	      enum gpu_function function, size_t bytes, int result,
	      struct error *err)
{
	static const char *const names[GPU_APIS][GPU_FUNCTION_COUNT] = {
#define X(name, hip, cuda, version, parameters) \
	[GPU_HIP][GPU_FUNCTION_##name] = #hip,  \
	[GPU_CUDA][GPU_FUNCTION_##name] = #cuda,
		GPU_FUNCTIONS(X)
#undef X
	};
	char size[40] = "";

	if (!result)
		return 0;
	if (bytes)
		snprintf(size, sizeof(size), " of %zu bytes", bytes);
	return error_set(err, "%s: %s%s: %s (error %d)", subject,
			 names[rt->api][function], size,
			 error_text(rt, result), result);
}

/*
 * Linked into the program and its tests for MemorySanitizer, which does not see
 * what the libraries of the system write.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <sanitizer/msan_interface.h>

static int (*real_dlinfo)(void *library, int request, void *result);

/* In place of libc's. The program asks only for a link map. */
int dlinfo(void *library, int request, void *result)
{
	const int failed = real_dlinfo(library, request, result);

	if (!failed) {
		const struct link_map *const *const map = result;

		__msan_unpoison(result, sizeof(*map));
		__msan_unpoison(*map, sizeof(**map));
		__msan_unpoison_string((*map)->l_name);
	}
	return failed;
}

/* In place of libc's. */
ssize_t getdents64(int fd, void *entries, size_t size)
{
	const ssize_t n = syscall(SYS_getdents64, fd, entries, size);

	if (n > 0)
		__msan_unpoison(entries, (size_t)n);
	return n;
}

static void *allocate(size_t n)
{
	return calloc(1, n);
}

__attribute__((constructor)) static void start(void)
{
	cJSON_Hooks hooks = { .malloc_fn = allocate, .free_fn = free };

	cJSON_InitHooks(&hooks);
	real_dlinfo = (int (*)(void *, int, void *))dlsym(RTLD_NEXT, "dlinfo");
}

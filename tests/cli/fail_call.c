/*
 * Preloaded into the program. With FAIL_CALL=KIND:N in the environment, the Nth
 * call of that kind fails; with KIND:N:on, all later ones do, too. With
 * KIND:N:short, a read or write takes half of its bytes instead, and with
 * KIND:N:interrupted, it says that a signal interrupted it. At the end, lines
 * "KIND CALLS" are written to the file FAIL_COUNTS.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum kind {
	READ, WRITE, OPEN, CLOSE, NAME, SYNC, SPACE, STAT, FOLDER, THREAD,
	RANDOM, MALLOC, N_KINDS
};
static const char *const names[N_KINDS] = {
	"read", "write", "open", "close", "name", "sync", "space", "stat",
	"folder", "thread", "random", "malloc"
};

static atomic_long n_calls[N_KINDS];
static enum kind chosen = N_KINDS;
static long chosen_call;
static enum { ONCE, ON, SHORT, INTERRUPTED } how;

__attribute__((constructor)) static void choose(void)
{
	static const char *const hows[] = { "", "on", "short", "interrupted" };
	const char *const text = getenv("FAIL_CALL");
	char kind[16], word[16] = "";

	if (!text)
		return;
	if (sscanf(text, "%15[^:]:%ld:%15s", kind, &chosen_call, word) < 2)
		abort();
	for (chosen = 0; strcmp(names[chosen], kind);)
		if (++chosen == N_KINDS)
			abort();
	while (strcmp(hows[how], word))
		if (++how > INTERRUPTED)
			abort();
}

__attribute__((destructor)) static void print_counts(void)
{
	const char *const path = getenv("FAIL_COUNTS");
	const int fd = path ? creat(path, 0600) : -1;

	for (int kind = 0; fd >= 0 && kind < N_KINDS; kind++)
		dprintf(fd, "%s %ld\n", names[kind], n_calls[kind]);
}

static bool fails(enum kind kind, int error)
{
	const long call = atomic_fetch_add(&n_calls[kind], 1) + 1;

	if (kind != chosen || call < chosen_call ||
	    (call > chosen_call && how != ON))
		return false;
	errno = how == INTERRUPTED ? EINTR : error;
	return true;
}

/* Defines the function `name`. Allocates nothing. */
#define FAILING(kind, error, failure, type, name, parameters, arguments)   \
	type name parameters;                                              \
	type name parameters                                               \
	{                                                                  \
		type (*next) parameters;                                   \
									   \
		if (fails(kind, error))                                    \
			return failure;                                    \
		*(void **)&next = dlsym(RTLD_NEXT, #name);                 \
		return next arguments;                                     \
	}

/* The same for a read or write of n bytes. */
#define TRANSFER(kind, error, name, parameters, arguments)                 \
	ssize_t name parameters;                                           \
	ssize_t name parameters                                            \
	{                                                                  \
		ssize_t (*next) parameters;                                \
									   \
		if (fails(kind, error)) {                                  \
			if (how != SHORT)                                  \
				return -1;                                 \
			n = (n + 1) / 2;                                   \
		}                                                          \
		*(void **)&next = dlsym(RTLD_NEXT, #name);                 \
		return next arguments;                                     \
	}

TRANSFER(READ, EIO, read, (int fd, void *bytes, size_t n), (fd, bytes, n))
TRANSFER(READ, EIO, pread64, (int fd, void *bytes, size_t n, off64_t offset),
	 (fd, bytes, n, offset))
TRANSFER(WRITE, ENOSPC, write, (int fd, const void *bytes, size_t n),
	 (fd, bytes, n))
TRANSFER(WRITE, ENOSPC, pwrite64,
	 (int fd, const void *bytes, size_t n, off64_t offset),
	 (fd, bytes, n, offset))

FAILING(NAME, EIO, -1, int, rename, (const char *from, const char *to),
	(from, to))
FAILING(NAME, EIO, -1, int, renameat,
	(int from_folder, const char *from, int to_folder, const char *to),
	(from_folder, from, to_folder, to))
FAILING(NAME, EIO, -1, int, renameat2,
	(int from_folder, const char *from, int to_folder, const char *to,
	 unsigned flags), (from_folder, from, to_folder, to, flags))
FAILING(NAME, EIO, -1, int, linkat,
	(int from_folder, const char *from, int to_folder, const char *to,
	 int flags), (from_folder, from, to_folder, to, flags))

FAILING(SYNC, EIO, -1, int, fsync, (int fd), (fd))
FAILING(SYNC, EIO, -1, int, fdatasync, (int fd), (fd))
FAILING(SYNC, EIO, -1, int, syncfs, (int fd), (fd))
FAILING(SYNC, EIO, -1, int, sync_file_range,
	(int fd, off64_t offset, off64_t n, unsigned flags),
	(fd, offset, n, flags))

FAILING(SPACE, ENOSPC, -1, int, fallocate64,
	(int fd, int mode, off64_t offset, off64_t n), (fd, mode, offset, n))
FAILING(SPACE, EINVAL, -1, off64_t, lseek64,
	(int fd, off64_t offset, int whence), (fd, offset, whence))

FAILING(STAT, EIO, -1, int, stat64, (const char *path, struct stat64 *st),
	(path, st))
FAILING(STAT, EIO, -1, int, lstat64, (const char *path, struct stat64 *st),
	(path, st))
FAILING(STAT, EIO, -1, int, fstat64, (int fd, struct stat64 *st), (fd, st))
FAILING(STAT, EIO, -1, int, fstatat64,
	(int folder, const char *path, struct stat64 *st, int flags),
	(folder, path, st, flags))

FAILING(FOLDER, EIO, -1, int, mkdir, (const char *path, mode_t mode),
	(path, mode))
FAILING(FOLDER, EIO, -1, int, mkdirat,
	(int folder, const char *path, mode_t mode), (folder, path, mode))

FAILING(THREAD, EAGAIN, errno, int, pthread_create,
	(pthread_t *thread, const pthread_attr_t *attributes,
	 void *(*run)(void *), void *context),
	(thread, attributes, run, context))
FAILING(RANDOM, ENOSYS, -1, ssize_t, getrandom,
	(void *bytes, size_t n, unsigned flags), (bytes, n, flags))

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size)
{
	return fails(MALLOC, ENOMEM) ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return fails(MALLOC, ENOMEM) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	return fails(MALLOC, ENOMEM) ? NULL : __libc_realloc(p, size);
}

void *reallocarray(void *p, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(p, bytes);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return fails(MALLOC, ENOMEM) ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **p, size_t alignment, size_t size)
{
	void *const got = aligned_alloc(alignment, size);

	if (!got)
		return ENOMEM;
	*p = got;
	return 0;
}

/* Of a close, only the report fails. */
int close(int fd)
{
	int (*next)(int fd);
	int result;

	*(void **)&next = dlsym(RTLD_NEXT, "close");
	result = next(fd);
	return fails(CLOSE, EIO) ? -1 : result;
}

static int open_at(const char *name, int folder, const char *path, int flags,
		   mode_t mode)
{
	int (*next)(int folder, const char *path, int flags, ...);

	if (fails(OPEN, EMFILE))
		return -1;
	*(void **)&next = dlsym(RTLD_NEXT, name);
	return next(folder, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = va_arg(args, mode_t);
	va_end(args);
	return open_at("openat64", AT_FDCWD, path, flags, mode);
}

int openat64(int folder, const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = va_arg(args, mode_t);
	va_end(args);
	return open_at("openat64", folder, path, flags, mode);
}

/* What open becomes with _FORTIFY_SOURCE. */
int __open64_2(const char *path, int flags);
int __open64_2(const char *path, int flags)
{
	return open_at("openat64", AT_FDCWD, path, flags, 0);
}

FAILING(OPEN, EMFILE, NULL, FILE *, fopen64,
	(const char *path, const char *mode), (path, mode))
FAILING(OPEN, EMFILE, NULL, DIR *, opendir, (const char *path), (path))
FAILING(OPEN, EMFILE, -1, int, mkostemp64, (char *name, int flags),
	(name, flags))

/*
 * Preloaded into the program: with FAIL_CALL=CALL:N in the environment, the Nth
 * call of that kind fails: read, write, open, name (rename, link), sync or
 * malloc. With CALL:N:short, a read or write takes half of its bytes instead.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static char kind[16];
static long chosen;
static bool is_short;
static atomic_long n_calls;

__attribute__((constructor)) static void choose(void)
{
	const char *const text = getenv("FAIL_CALL");
	char how[16] = "";

	if (text && sscanf(text, "%15[^:]:%ld:%15s", kind, &chosen, how) < 2)
		abort();
	is_short = !strcmp(how, "short");
}

static bool is_chosen(const char *call)
{
	return chosen && !strcmp(call, kind) &&
	       atomic_fetch_add(&n_calls, 1) + 1 == chosen;
}

static bool fails(const char *call, int error)
{
	if (!is_chosen(call))
		return false;
	errno = error;
	return true;
}

#define TRANSFER(call, error, n)                  \
	do {                                      \
		if (is_chosen(call)) {            \
			errno = error;            \
			if (!is_short)            \
				return -1;        \
			n = (n + 1) / 2;          \
		}                                 \
	} while (0)

ssize_t read(int fd, void *bytes, size_t n)
{
	TRANSFER("read", EIO, n);
	return syscall(SYS_read, fd, bytes, n);
}

ssize_t pread64(int fd, void *bytes, size_t n, off64_t offset)
{
	TRANSFER("read", EIO, n);
	return syscall(SYS_pread64, fd, bytes, n, offset);
}

ssize_t write(int fd, const void *bytes, size_t n)
{
	TRANSFER("write", ENOSPC, n);
	return syscall(SYS_write, fd, bytes, n);
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t offset)
{
	TRANSFER("write", ENOSPC, n);
	return syscall(SYS_pwrite64, fd, bytes, n, offset);
}

static int open_at(int folder, const char *path, int flags, va_list args)
{
	const mode_t mode = va_arg(args, mode_t);

	return fails("open", EMFILE) ? -1 :
	       (int)syscall(SYS_openat, folder, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list args;
	int fd;

	va_start(args, flags);
	fd = open_at(AT_FDCWD, path, flags, args);
	va_end(args);
	return fd;
}

int openat64(int folder, const char *path, int flags, ...)
{
	va_list args;
	int fd;

	va_start(args, flags);
	fd = open_at(folder, path, flags, args);
	va_end(args);
	return fd;
}

int rename(const char *from, const char *to)
{
	return fails("name", EIO) ? -1 :
	       (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int renameat2(int from_folder, const char *from, int to_folder,
	      const char *to, unsigned flags)
{
	return fails("name", EIO) ? -1 :
	       (int)syscall(SYS_renameat2, from_folder, from, to_folder, to,
			    flags);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
	return renameat2(from_folder, from, to_folder, to, 0);
}

int linkat(int from_folder, const char *from, int to_folder, const char *to,
	   int flags)
{
	return fails("name", EIO) ? -1 :
	       (int)syscall(SYS_linkat, from_folder, from, to_folder, to,
			    flags);
}

int fdatasync(int fd)
{
	return fails("sync", EIO) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);

void *malloc(size_t size)
{
	return fails("malloc", ENOMEM) ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return fails("malloc", ENOMEM) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	return fails("malloc", ENOMEM) ? NULL : __libc_realloc(p, size);
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

/*
 * Preloaded into the program to simulate a full disk: with FAIL_WRITE=N in the
 * environment, the Nth write to a regular file and all later ones fail, and the
 * one before writes only half of its bytes. With FAIL_SIGNAL=S, these writes
 * succeed, and the Nth sends the program the signal S.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_long n_writes;

/* How many of n bytes may be written; 0 and errno for none. */
static size_t allow(int fd, size_t n)
{
	const char *const text = getenv("FAIL_WRITE");
	const char *const number = getenv("FAIL_SIGNAL");
	const long fails = text ? atol(text) : 0;
	struct stat st;
	long write;

	if (!fails || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return n;
	write = atomic_fetch_add(&n_writes, 1) + 1;
	if (number) {
		if (write == fails)
			(void)kill(getpid(), atoi(number));
		return n;
	}
	if (write >= fails) {
		errno = ENOSPC;
		return 0;
	}
	return write == fails - 1 ? (n + 1) / 2 : n;
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t offset);

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t offset)
{
	n = allow(fd, n);
	return n ? syscall(SYS_pwrite64, fd, bytes, n, offset) : -1;
}

ssize_t write(int fd, const void *bytes, size_t n)
{
	n = allow(fd, n);
	return n ? syscall(SYS_write, fd, bytes, n) : -1;
}

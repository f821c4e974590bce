#include "io/temporary.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "io/cleanup.h"
#include "io/path.h"

#define MAX_TRIES 100 /* of 2^36 names */
#define N_RANDOM 6

/* Of the name that the temporary one shows: with what is added to it, it fits
 * every file system's NAME_MAX. */
#define MAX_SHOWN 100

static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz"
			     "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_";

/* ".NAME.gguf-dequant.XXXXXX" in the folder of PATH. The caller frees it. NULL
 * on error. */
static char *temporary_name(const char *path)
{
	const char *const slash = strrchr(path, '/');
	const char *const base = slash ? slash + 1 : path;
	size_t shown = strlen(base);
	char *name;

	if (shown > MAX_SHOWN)
		shown = MAX_SHOWN;
	while (shown && (base[shown] & 0xc0) == 0x80)
		shown--; /* not within a character of UTF-8 */
	if (asprintf(&name, "%.*s.%.*s.gguf-dequant.XXXXXX",
		     (int)(base - path), path, (int)shown, base) < 0)
		return NULL;
	return name;
}

static void fill_in(char *x, unsigned attempt)
{
	unsigned char random[N_RANDOM] = { 0 };

	/* Without it, too, a name that is taken is only tried again. */
	if (getrandom(random, sizeof(random), 0) < 0) {
		const unsigned pid = (unsigned)getpid();

		for (size_t i = 0; i < 4; i++)
			random[i] = (unsigned char)(pid >> 6 * i);
		random[4] = (unsigned char)attempt;
		random[5] = (unsigned char)(attempt >> 6);
	}
	for (size_t i = 0; i < N_RANDOM; i++)
		x[i] = digits[random[i] % 64];
}

/* Marks a new file or folder as used, for as long as it is open: a lock ends
 * with whoever holds it, however that ends. -1 if a sweep was faster. */
static int claim(int fd)
{
	struct stat st;

	if (flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
		return -1;
	return !fstat(fd, &st) && !st.st_nlink ? -1 : 0;
}

char *temporary_create(const char *path,
		       int (*create)(const char *name, int argument),
		       int argument, int *fd)
{
	char *const name = temporary_name(path);

	*fd = -1;
	for (unsigned i = 0; name && *fd < 0 && i < MAX_TRIES; i++) {
		fill_in(name + strlen(name) - N_RANDOM, i);
		*fd = create(name, argument);
		if (*fd < 0 && errno != EEXIST)
			break;
		if (*fd >= 0 && claim(*fd)) {
			cleanup_forget(name);
			close(*fd);
			*fd = -1;
			errno = EEXIST;
		}
	}
	if (*fd >= 0)
		return name;
	free(name);
	return NULL;
}

#define LINK_SIZE 32

/* The path by which the kernel knows an open file. */
static void descriptor_link(char link[LINK_SIZE], int fd)
{
	snprintf(link, LINK_SIZE, "/proc/self/fd/%d", fd);
}

int temporary_unnamed(const char *path, mode_t mode)
{
	char *const folder = path_folder(path);
	const mode_t mask = umask(077);
	char link[LINK_SIZE];
	int fd;

	(void)umask(mask);
	if (!folder)
		return -1;
	/* Linux before 6.0 may forget the umask, which holds unless the folder
	 * has a default access control list. */
	if (getxattr(folder, "system.posix_acl_default", NULL, 0) < 0)
		mode &= ~mask;
	fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
	free(folder);
	descriptor_link(link, fd);
	if (fd >= 0 && access(link, F_OK)) {
		close(fd);
		return -1;
	}
	/* A sweep must not take it when it gets a temporary name. */
	(void)flock(fd, LOCK_EX | LOCK_NB);
	return fd;
}

/* Gives the file `fd` a name, unless that is taken. Returns fd, or -1. */
static int name_file(const char *path, int fd)
{
	char link[LINK_SIZE];

	descriptor_link(link, fd);
	return linkat(AT_FDCWD, link, AT_FDCWD, path, AT_SYMLINK_FOLLOW) ? -1 :
									   fd;
}

int temporary_link(int fd, const char *path, bool force)
{
	int same_fd, result;
	char *name;

	if (name_file(path, fd) >= 0)
		return 0;
	if (!force || errno != EEXIST)
		return -1;
	/* No call does it in one step. */
	name = temporary_create(path, name_file, fd, &same_fd);
	if (!name)
		return -1;
	result = rename(name, path);
	if (result)
		(void)unlink(name);
	free(name);
	return result;
}

/* Removes the temporary file or folder if its lock is free. */
static void sweep(const char *path)
{
	/* Some file systems lock only what is open for writing. */
	int fd = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return;
	if (!fstat(fd, &st) && st.st_uid == geteuid() &&
	    !flock(fd, LOCK_EX | LOCK_NB)) {
		if (S_ISDIR(st.st_mode))
			cleanup_remove_folder(path);
		else if (S_ISREG(st.st_mode))
			(void)unlink(path);
	}
	close(fd);
}

/* Whether a name is `pattern` but for the random characters at its end. */
static bool is_temporary(const char *name, const char *pattern)
{
	const size_t fixed = strlen(pattern) - N_RANDOM;

	return strlen(name) == fixed + N_RANDOM &&
	       !memcmp(name, pattern, fixed) &&
	       strspn(name + fixed, digits) == N_RANDOM;
}

void temporary_sweep(const char *path)
{
	char *const name = temporary_name(path);
	char *const folder = path_folder(path);
	DIR *const stream = folder ? opendir(folder) : NULL;
	const struct dirent *entry;
	char *base;

	base = name ? strrchr(name, '/') : NULL;
	base = base ? base + 1 : name;
	while (name && stream && (entry = readdir(stream)))
		if (is_temporary(entry->d_name, base)) {
			strcpy(base, entry->d_name);
			sweep(name);
		}
	if (stream)
		closedir(stream);
	free(folder);
	free(name);
}

int temporary_rename_new(int from_folder, const char *from, int to_folder,
			 const char *to)
{
	struct stat st;

	if (!renameat2(from_folder, from, to_folder, to, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (!linkat(from_folder, from, to_folder, to, 0))
		return unlinkat(from_folder, from, 0);
	if (errno == EEXIST)
		return -1;
	/* Neither that nor hard links: what appears just now may be lost. */
	if (!fstatat(to_folder, to, &st, AT_SYMLINK_NOFOLLOW)) {
		errno = EEXIST;
		return -1;
	}
	return renameat(from_folder, from, to_folder, to);
}

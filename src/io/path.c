#include "io/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_LINKS 40 /* as Linux */

char *path_folder(const char *path)
{
	const char *const slash = strrchr(path, '/');

	return slash ? strndup(path, (size_t)(slash + 1 - path)) : strdup("./");
}

/* Opens what is at `path`, a link as itself, and examines that. Returns -1 if
 * nothing is there, or on any other error, with errno. */
static int open_itself(const char *path, struct stat *st)
{
	const int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && !fstat(fd, st))
		return fd;
	*st = (struct stat){ 0 };
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Whether the owner of a link in `folder` may lead us elsewhere. */
static bool may_follow(const char *folder, uid_t owner)
{
	struct stat st;

	if (owner == geteuid())
		return true;
	if (stat(folder, &st))
		return false;
	return !(st.st_mode & S_ISVTX) || !(st.st_mode & S_IWOTH) ||
	       owner == st.st_uid;
}

/* What the link `fd` of `owner`, which is at `path`, leads to: a path for the
 * caller to free. NULL and errno on error. */
static char *follow(const char *path, int fd, uid_t owner)
{
	char *const folder = path_folder(path);
	char target[PATH_MAX];
	char *joined = NULL;
	ssize_t n;

	if (!folder)
		return NULL;
	n = readlinkat(fd, "", target, sizeof(target));
	if (!may_follow(folder, owner))
		errno = EACCES;
	else if (n == PATH_MAX)
		errno = ENAMETOOLONG;
	else if (n > 0 && asprintf(&joined, "%s%.*s",
				   *target == '/' ? "" : folder, (int)n,
				   target) < 0)
		joined = NULL;
	free(folder);
	return joined;
}

char *path_resolve(const char *path, const char *name, struct stat *st,
		   struct error *err)
{
	char *resolved = strdup(path);

	for (int i = 0; resolved && i < MAX_LINKS; i++) {
		const int fd = open_itself(resolved, st);
		char *next;

		if (fd < 0 && errno == ENOENT)
			return resolved;
		if (fd < 0)
			break;
		if (!S_ISLNK(st->st_mode)) {
			close(fd);
			return resolved;
		}
		next = follow(resolved, fd, st->st_uid);
		close(fd);
		free(resolved);
		resolved = next;
		errno = resolved ? ELOOP : errno;
	}
	error_errno(err, "cannot follow the link '%s'", name);
	free(resolved);
	return NULL;
}

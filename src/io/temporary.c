#include "io/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_TRIES 100 /* of 2^36 names */

/* Of the name that the temporary one shows: with what is added to it, it fits
 * every file system's NAME_MAX. */
#define MAX_SHOWN 100

/* ".NAME.XXXXXX" in the folder of PATH, without the XXXXXX. The caller frees
 * it. NULL on error. */
static char *temporary_prefix(const char *path)
{
	const char *const slash = strrchr(path, '/');
	const char *const base = slash ? slash + 1 : path;
	size_t shown = strlen(base);
	char *prefix;

	if (shown > MAX_SHOWN)
		shown = MAX_SHOWN;
	while (shown && (base[shown] & 0xc0) == 0x80)
		shown--; /* not within a character of UTF-8 */
	if (asprintf(&prefix, "%.*s.%.*s.XXXXXX", (int)(base - path), path,
		     (int)shown, base) < 0)
		return NULL;
	return prefix;
}

static void fill_in(char *x, size_t n)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
	unsigned char random[16] = { 0 };

	/* Without it, too, a name that is taken is only tried again. */
	if (getrandom(random, n, 0) < 0)
		random[0] = (unsigned char)getpid();
	for (size_t i = 0; i < n; i++)
		x[i] = digits[random[i] % 64];
}

char *temporary_create(const char *path, int (*create)(const char *name),
		       int *fd)
{
	char *const name = temporary_prefix(path);

	*fd = -1;
	for (int i = 0; name && *fd < 0 && i < MAX_TRIES; i++) {
		fill_in(name + strlen(name) - 6, 6);
		*fd = create(name);
		if (*fd < 0 && errno != EEXIST)
			break;
	}
	if (*fd >= 0)
		return name;
	free(name);
	return NULL;
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

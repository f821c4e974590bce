/* scratch.h - a temporary folder for the files of one test. */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Makes a folder in $TMPDIR (default /tmp) and enters it. A cmocka setup. */
static inline int scratch_enter(void **state)
{
	const char *const tmpdir = getenv("TMPDIR");
	char *path;

	if (asprintf(&path, "%s/gguf-dequant-test.XXXXXX",
		     tmpdir ? tmpdir : "/tmp") < 0)
		return -1;
	*state = path;
	return mkdtemp(path) ? chdir(path) : -1;
}

static inline int scratch_remove(const char *path, const struct stat *st,
				 int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* Leaves and removes the folder. A cmocka teardown. */
static inline int scratch_leave(void **state)
{
	char *const path = *state;
	const int result = chdir("/") ||
			   nftw(path, scratch_remove, 16, FTW_DEPTH | FTW_PHYS);

	free(path);
	return result;
}

static inline void scratch_write(const char *path, const char *text)
{
	FILE *const stream = fopen(path, "w");

	if (!stream || fputs(text, stream) < 0 || fclose(stream))
		abort();
}

/* Returns up to 255 bytes of the file, in a buffer that the next call reuses;
 * NULL if there is no such file. */
static inline const char *scratch_read(const char *path)
{
	static char text[256];
	FILE *const stream = fopen(path, "r");
	size_t n;

	if (!stream)
		return NULL;
	n = fread(text, 1, sizeof(text) - 1, stream);
	text[n] = '\0';
	fclose(stream);
	return text;
}

/* Returns the number of files in a folder. */
static inline unsigned scratch_count(const char *path)
{
	DIR *const folder = opendir(path);
	unsigned n = 0;

	if (!folder)
		abort();
	while (readdir(folder))
		n++;
	closedir(folder);
	return n - 2; /* "." and ".." */
}

/* Whether output_reserve has an effect on files in the current folder. */
static inline bool scratch_reserves(void)
{
	const int fd = open("reserved", O_WRONLY | O_CREAT | O_EXCL, 0666);
	struct statfs fs;
	bool reserves;

	if (fd < 0 || fstatfs(fd, &fs))
		abort();
	reserves = fs.f_type != TMPFS_MAGIC && !fallocate(fd, 0, 0, 1);
	close(fd);
	unlink("reserved");
	return reserves;
}

#endif

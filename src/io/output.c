#include "io/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/escape.h"
#include "io/cleanup.h"
#include "io/temporary.h"

#define PIPE_SIZE (1 << 20) /* the most that Linux gives to anybody */
#define MAX_LINKS 40        /* as Linux */

struct output {
	int fd;
	bool seekable;
	bool is_new; /* a file that we made */
	bool force;
	char *name;        /* for messages */
	char *path;        /* where the file shall be, links resolved */
	char *temporary;   /* where it is; NULL: there, or it has no path */
	uint64_t start;    /* where our byte 0 is in fd */
	uint64_t position; /* of the next output_write */
	uint64_t end;      /* of what was written */
};

static void release(struct output *output)
{
	if (output->temporary) {
		(void)unlink(output->temporary);
		cleanup_forget(output->temporary);
	}
	if (output->fd >= 0)
		close(output->fd);
	free(output->name);
	free(output->path);
	free(output->temporary);
	free(output);
}

/* The descriptor that PATH stands for, or -1. Opening /dev/fd/N would start at
 * the beginning of a file that the shell may have written to. */
static int named_descriptor(const char *path)
{
	int fd;
	char rest;

	if (!strcmp(path, "-") || !strcmp(path, "/dev/stdout"))
		return STDOUT_FILENO;
	if (!strcmp(path, "/dev/stderr"))
		return STDERR_FILENO;
	if (sscanf(path, "/dev/fd/%d%c", &fd, &rest) == 1 ||
	    sscanf(path, "/proc/self/fd/%d%c", &fd, &rest) == 1)
		return fd;
	return -1;
}

static int refuse_input(const struct output *output, struct error *err)
{
	return error_set(err, "'%s' is the input: it is never overwritten",
			 output->name);
}

/* Writes to output->fd, what is open already, as it is. */
static int use_descriptor(struct output *output, const struct file_set *inputs,
			  struct error *err)
{
	const int flags = fcntl(output->fd, F_GETFL);
	struct stat st;
	off_t at;

	if (flags < 0 || fstat(output->fd, &st))
		return error_errno(err, "cannot write '%s'", output->name);
	if (file_set_has(inputs, &st))
		return refuse_input(output, err);
	if (S_ISFIFO(st.st_mode))
		(void)fcntl(output->fd, F_SETPIPE_SZ, PIPE_SIZE);
	/* With O_APPEND, pwrite(2) would ignore the offset. */
	if (!S_ISREG(st.st_mode) || flags & O_APPEND)
		return 0;
	at = lseek(output->fd, 0, SEEK_CUR);
	if (at < 0)
		return error_errno(err, "cannot seek in '%s'", output->name);
	output->start = (uint64_t)at;
	output->seekable = true;
	return 0;
}

/* What PATH leads to by way of links, also where that does not exist. The
 * caller frees it. NULL on error. */
static char *resolve_links(const char *path, const char *name,
			   struct error *err)
{
	char *resolved = strdup(path);

	for (int i = 0; resolved && i < MAX_LINKS; i++) {
		const char *const slash = strrchr(resolved, '/');
		const int folder = slash ? (int)(slash + 1 - resolved) : 0;
		char target[PATH_MAX];
		char *joined;
		const ssize_t n = readlink(resolved, target, sizeof(target));

		if (n < 0)
			return resolved;
		if (n < PATH_MAX)
			target[n] = '\0';
		if (n == PATH_MAX ||
		    asprintf(&joined, "%.*s%s", *target == '/' ? 0 : folder,
			     resolved, target) < 0)
			joined = NULL;
		free(resolved);
		resolved = joined;
	}
	free(resolved);
	error_set(err, "cannot follow the link '%s'", name);
	return NULL;
}

static int create_temporary(struct output *output, struct error *err)
{
	output->temporary =
		temporary_create(output->path, cleanup_create, &output->fd);
	if (!output->temporary)
		return error_errno(err, "cannot create '%s'", output->name);
	output->seekable = true;
	output->is_new = true;
	return 0;
}

/* Opens a path that stands for no descriptor. */
static int use_path(struct output *output, const char *path,
		    const struct file_set *inputs, struct error *err)
{
	const size_t len = strlen(path);
	const char *const name = output->name;
	struct stat st = { 0 }; /* without a mode, nothing is there */

	if (stat(path, &st) && errno != ENOENT)
		return error_errno(err, "cannot create '%s'", name);
	if (S_ISDIR(st.st_mode) || (len && path[len - 1] == '/'))
		return error_set(err, "'%s' is a directory", name);
	if (!len)
		return error_set(err, "the output's path is empty");
	if (st.st_mode && !S_ISREG(st.st_mode)) {
		output->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
		if (output->fd < 0)
			return error_errno(err, "cannot open '%s'", name);
		return use_descriptor(output, inputs, err);
	}
	if (st.st_mode && file_set_has(inputs, &st))
		return refuse_input(output, err);
	if (st.st_mode && !output->force)
		return error_set(err, "'%s' exists: --force replaces it", name);
	output->path = resolve_links(path, name, err);
	if (!output->path)
		return -1;
	return create_temporary(output, err);
}

struct output *output_open(const char *path, bool force,
			   const struct file_set *inputs, struct error *err)
{
	const bool is_stdout = !strcmp(path, "-");
	const char *const shown = is_stdout ? "standard output" : path;
	const struct text text = { shown, strlen(shown) };
	const int named = named_descriptor(path);
	struct output *const output = calloc(1, sizeof(*output));

	if (!output) {
		error_errno(err, "cannot open an output");
		return NULL;
	}
	output->fd = -1;
	output->force = force;
	output->name = malloc(ESCAPE_SIZE(text.len));
	if (!output->name) {
		error_errno(err, "cannot open an output");
		goto out_release;
	}
	escape_text(output->name, ESCAPE_SIZE(text.len), text);
	if (named < 0) {
		if (use_path(output, path, inputs, err))
			goto out_release;
		return output;
	}
	output->fd = fcntl(named, F_DUPFD_CLOEXEC, 0);
	if (use_descriptor(output, inputs, err))
		goto out_release;
	return output;

out_release:
	release(output);
	return NULL;
}

struct output *output_create(int folder, const char *path, const char *name,
			     struct error *err)
{
	struct output *const output = calloc(1, sizeof(*output));

	if (output)
		output->name = strdup(name);
	if (!output || !output->name) {
		free(output);
		error_errno(err, "cannot create '%s'", name);
		return NULL;
	}
	output->seekable = true;
	output->is_new = true;
	output->fd = openat(folder, path, O_WRONLY | O_CREAT | O_EXCL |
			    O_NOFOLLOW | O_CLOEXEC, 0666);
	if (output->fd < 0) {
		error_errno(err, "cannot create '%s'", name);
		release(output);
		return NULL;
	}
	return output;
}

bool output_is_seekable(const struct output *output)
{
	return output->seekable;
}

/* The folder of a path, and what comes after it. */
static int split_path(const char *path, struct stat *folder, const char **base)
{
	const char *const slash = strrchr(path, '/');
	char *name;
	int result;

	*base = slash ? slash + 1 : path;
	if (asprintf(&name, "%.*s.", (int)(*base - path), path) < 0)
		return -1;
	result = stat(name, folder);
	free(name);
	return result;
}

bool output_is_same(const struct output *a, const struct output *b)
{
	const char *x_base = "", *y_base = "";
	struct stat x, y;

	if (!a->path != !b->path)
		return false;
	if (a->path ? split_path(a->path, &x, &x_base) ||
		      split_path(b->path, &y, &y_base) :
		      fstat(a->fd, &x) || fstat(b->fd, &y))
		return false;
	return x.st_dev == y.st_dev && x.st_ino == y.st_ino &&
	       !strcmp(x_base, y_base) && !S_ISCHR(x.st_mode);
}

const char *output_name(const struct output *output)
{
	return output->name;
}

/* ext4 then writes 1.4 times as fast; tmpfs, which clears what it reserves, 0.9
 * times. Any other error than "no room" says nothing about writes. */
int output_reserve(struct output *output, uint64_t n, struct error *err)
{
	struct statfs fs;

	if (!output->is_new || !n || fstatfs(output->fd, &fs) ||
	    fs.f_type == TMPFS_MAGIC ||
	    !fallocate(output->fd, 0, 0, (off_t)n))
		return 0;
	if (errno != ENOSPC && errno != EDQUOT && errno != EFBIG)
		return 0;
	return error_errno(err, "cannot write '%s'", output->name);
}

/* One write(2), or pwrite(2) where that works, repeated where a signal or a
 * non-blocking reader interrupts it. */
static ssize_t write_some(const struct output *output, uint64_t offset,
			  const void *bytes, size_t n)
{
	struct pollfd wait = { .fd = output->fd, .events = POLLOUT };
	ssize_t wrote;

	for (;;) {
		if (output->seekable)
			wrote = pwrite(output->fd, bytes, n,
				       (off_t)(output->start + offset));
		else
			wrote = write(output->fd, bytes, n);
		if (wrote >= 0)
			return wrote;
		if (errno == EAGAIN)
			(void)poll(&wait, 1, -1);
		else if (errno != EINTR)
			return -1;
	}
}

int output_write_at(struct output *output, uint64_t offset, const void *bytes,
		    size_t n, struct error *err)
{
	while (n) {
		const ssize_t wrote = write_some(output, offset, bytes, n);

		if (wrote < 0)
			return error_errno(err, "cannot write '%s'",
					   output->name);
		bytes = (const char *)bytes + wrote;
		offset += (uint64_t)wrote;
		n -= (size_t)wrote;
	}
	if (offset > output->end)
		output->end = offset;
	return 0;
}

int output_write(struct output *output, const void *bytes, size_t n,
		 struct error *err)
{
	if (output_write_at(output, output->position, bytes, n, err))
		return -1;
	output->position += n;
	return 0;
}

static int put_in_place(struct output *output, struct error *err)
{
	if (output->force ? rename(output->temporary, output->path) :
			    temporary_rename_new(AT_FDCWD, output->temporary,
						 AT_FDCWD, output->path))
		return error_errno(err, "cannot create '%s'", output->name);
	cleanup_forget(output->temporary);
	free(output->temporary);
	output->temporary = NULL;
	return 0;
}

/*
 * There is no fsync(2), as with cp: data that the disk has not taken yet is
 * lost only if the machine stops, and to wait for the disk would cost more than
 * all the rest of the work.
 */
int output_finish(struct output *output, struct error *err)
{
	const uint64_t end = output->start + output->end;
	const int fd = output->fd;
	int result = 0;

	/* Who writes to the same open file next shall go on behind us. */
	if (output->seekable && lseek(fd, (off_t)end, SEEK_SET) < 0)
		result = error_errno(err, "cannot seek in '%s'", output->name);
	output->fd = -1;
	if (close(fd) && errno != EINTR && !result)
		result = error_errno(err, "cannot write '%s'", output->name);
	if (!result && output->temporary)
		result = put_in_place(output, err);
	release(output);
	return result;
}

void output_abort(struct output *output)
{
	release(output);
}

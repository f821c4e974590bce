#include "io/output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/escape.h"
#include "io/cleanup.h"
#include "io/path.h"
#include "io/permissions.h"
#include "io/pipe.h"
#include "io/sync.h"
#include "io/temporary.h"

/* The disk begins to write as soon as there is so much, so that there is little
 * to wait for at the end. */
#define SYNC_STEP (8 << 20)

struct output {
	int fd;
	bool seekable;
	bool is_new;       /* a file that we made */
	bool force;
	bool early;        /* the disk begins to write before the end */
	bool sync;         /* the data must be on the disk at the end */
	char *name;        /* for messages */
	char *path;        /* where the file will be, links resolved, or NULL */
	char *temporary;   /* where it is, or NULL: it has no name yet, or the
			      one that stays */
	uint64_t start;    /* where our byte 0 is in fd */
	uint64_t position; /* of the next output_write */
	uint64_t end;      /* of what was written */
	uint64_t n_unsynced; /* bytes that were written since the last step */
	struct stat old;   /* of the file that is there; st_mode 0: none is */
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
	return error_set(err, "'%s' is the input, which is never overwritten",
			 output->name);
}

/* Writes to output->fd, what is open already, as it is. */
static int use_descriptor(struct output *output, const struct file_set *inputs,
			  bool shared, struct error *err)
{
	const int flags = fcntl(output->fd, F_GETFL);
	struct stat st;
	off_t at;

	if (flags < 0 || fstat(output->fd, &st))
		return error_errno(err, "cannot write '%s'", output->name);
	if (inputs && file_set_has(inputs, &st))
		return refuse_input(output, err);
	output->old = st;
	if (S_ISFIFO(st.st_mode))
		(void)fcntl(output->fd, F_SETPIPE_SZ, PIPE_SIZE);
	/* With O_APPEND, pwrite(2) would ignore the offset. */
	if (!S_ISREG(st.st_mode) || flags & O_APPEND || shared)
		return 0;
	at = lseek(output->fd, 0, SEEK_CUR);
	if (at < 0)
		return error_errno(err, "cannot seek in '%s'", output->name);
	output->start = (uint64_t)at;
	output->seekable = true;
	return 0;
}

/* Whether the device drops everything that is written to it. */
static bool is_harmless(const struct stat *st)
{
	const unsigned number = minor(st->st_rdev);

	/* /dev/null, /dev/zero and /dev/full */
	return S_ISCHR(st->st_mode) && major(st->st_rdev) == 1 &&
	       (number == 3 || number == 5 || number == 7);
}

/* Opens a FIFO or a device, which `st` is of. */
static int use_special(struct output *output, const char *path,
		       const struct stat *st, const struct file_set *inputs,
		       struct error *err)
{
	struct stat now;

	if (!S_ISFIFO(st->st_mode) && !is_harmless(st) && !output->force)
		return error_set(err, "'%s' is a device; use --force to write "
				 "to it", output->name);
	output->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (output->fd < 0 || fstat(output->fd, &now))
		return error_errno(err, "cannot open '%s'", output->name);
	if ((now.st_mode & S_IFMT) != (st->st_mode & S_IFMT) ||
	    now.st_rdev != st->st_rdev)
		return error_set(err, "'%s' was replaced while it was opened",
				 output->name);
	return use_descriptor(output, inputs, false, err);
}

/* The permissions of a new file: none that an input lacks. */
static mode_t mode_of_new(const struct file_set *inputs)
{
	return inputs ? 0666 & ~inputs->denied : 0666;
}

static int create_file(struct output *output, const struct file_set *inputs,
		       bool replaces, struct error *err)
{
	const mode_t mode = replaces ? 0600 : mode_of_new(inputs);

	output->fd = temporary_unnamed(output->path, mode);
	if (output->fd < 0) {
		temporary_sweep(output->path);
		output->temporary = temporary_create(
			output->path, cleanup_create, (int)mode, &output->fd);
	}
	if (output->fd < 0)
		return error_errno(err, "cannot create '%s'", output->name);
	if (replaces)
		permissions_copy(output->fd, AT_FDCWD, output->path);
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
		return error_set(err, "the output path is empty");
	if (st.st_mode && !S_ISREG(st.st_mode))
		return use_special(output, path, &st, inputs, err);
	output->path = path_resolve(path, name, &st, err);
	if (!output->path)
		return -1;
	if (st.st_mode && !S_ISREG(st.st_mode))
		return error_set(err, "'%s' was replaced while it was opened",
				 name);
	output->old = st;
	if (st.st_mode && inputs && file_set_has(inputs, &st))
		return refuse_input(output, err);
	if (st.st_mode && !output->force)
		return error_set(err, "'%s' already exists; use --force to "
				 "overwrite it", name);
	return create_file(output, inputs, st.st_mode != 0, err);
}

struct output *output_open(const char *path,
			   const struct output_options *options,
			   struct error *err)
{
	const bool is_stdout = !strcmp(path, "-");
	const char *const shown = is_stdout ? "standard output" : path;
	const struct text text = text_of(shown);
	const int named = named_descriptor(path);
	struct output *const output = calloc(1, sizeof(*output));
	int result;

	if (!output) {
		error_errno(err, "cannot open an output");
		return NULL;
	}
	output->fd = -1;
	output->force = options->force;
	output->name = malloc(ESCAPE_SIZE(text.len));
	if (!output->name) {
		error_errno(err, "cannot open an output");
		goto out_release;
	}
	escape_text(output->name, ESCAPE_SIZE(text.len), text);
	if (named < 0) {
		result = use_path(output, path, options->inputs, err);
	} else {
		output->fd = fcntl(named, F_DUPFD_CLOEXEC, 0);
		result = use_descriptor(output, options->inputs,
					options->shared, err);
	}
	if (result ||
	    (!(options->shared && S_ISFIFO(output->old.st_mode)) &&
	     output_check_differs(output, options, err)))
		goto out_release;
	if (output->is_new || (named < 0 && S_ISBLK(output->old.st_mode)))
		output->early = output->sync = !options->no_sync;
	return output;

out_release:
	release(output);
	return NULL;
}

struct output *output_create(int folder, const char *path, const char *name,
			     const struct output_options *options,
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
	output->early = !options->no_sync;
	output->fd = openat(folder, path, O_WRONLY | O_CREAT | O_EXCL |
			    O_NOFOLLOW | O_CLOEXEC,
			    mode_of_new(options->inputs));
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

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_mode && b->st_mode && !S_ISCHR(a->st_mode) &&
	       a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* The name that a file has or will have in its folder, which is examined; NULL
 * if there is none. */
static const char *place(const struct output *output, struct stat *folder)
{
	const char *const slash = output->path ? strrchr(output->path, '/') :
						 NULL;
	char *const path = output->path ? path_folder(output->path) : NULL;
	const bool found = path && !stat(path, folder);

	free(path);
	if (!found)
		return NULL;
	return slash ? slash + 1 : output->path;
}

bool output_is_at(const struct output *output, const struct stat *folder,
		  const char *name, const struct stat *file)
{
	struct stat own_folder;
	const char *own_name;

	if (same_file(&output->old, file))
		return true;
	own_name = place(output, &own_folder);
	return own_name && !strcmp(own_name, name) &&
	       same_file(&own_folder, folder);
}

static bool is_same(const struct output *a, const struct output *b)
{
	struct stat folder;
	const char *const name = place(a, &folder);

	return name ? output_is_at(b, &folder, name, &a->old) :
		      same_file(&a->old, &b->old);
}

int output_check_differs(const struct output *output,
			 const struct output_options *options,
			 struct error *err)
{
	for (size_t i = 0; i < options->n_others; i++)
		if (is_same(output, options->others[i]))
			return error_set(err, "'%s' and '%s' are the same file",
					 output->name,
					 options->others[i]->name);
	return 0;
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
	error_errno(err, "cannot write '%s'", output->name);
	return error_append(err, "; it would have %" PRIu64 " bytes", n);
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

/* Lets the disk begin, if there is a step of n bytes to write. */
static void begin_sync(struct output *output, uint64_t n)
{
	if (!output->early || output->n_unsynced < n)
		return;
	output->n_unsynced = 0;
	(void)sync_file_range(output->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

int output_write_at(struct output *output, uint64_t offset, const void *bytes,
		    size_t n, struct error *err)
{
	const size_t written = n;

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
	output->n_unsynced += written;
	begin_sync(output, SYNC_STEP);
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

/* Gives the file its name. */
static int put_in_place(struct output *output)
{
	const char *const from = output->temporary;
	const char *const to = output->path;

	if (!from)
		return temporary_link(output->fd, to, output->force);
	return output->force ? rename(from, to) :
			       temporary_rename_new(AT_FDCWD, from, AT_FDCWD,
						    to);
}

/* Puts the file in place, and that on the disk, too. */
static int appear(struct output *output, struct error *err)
{
	sigset_t before;
	int result;

	/* No signal comes while the file has a temporary name and no entry. */
	cleanup_block_signals(&before);
	result = put_in_place(output);
	if (!result && output->temporary) {
		cleanup_forget(output->temporary);
		free(output->temporary);
		output->temporary = NULL;
	}
	if (result)
		error_errno(err, "cannot create '%s'", output->name);
	cleanup_restore_signals(&before);
	if (!result && output->sync && sync_name(output->fd, output->path))
		result = error_errno(err, "'%s' is complete, but a power cut "
				     "may take its name away", output->name);
	return result;
}

/* Checks that the data was taken, in full. */
static int settle(struct output *output)
{
	const uint64_t end = output->start + output->end;
	int fd;

	/* Whoever writes to the same open file next must go on behind us. */
	if (output->seekable && lseek(output->fd, (off_t)end, SEEK_SET) < 0)
		return -1;
	begin_sync(output, 1);
	if (output->sync && sync_data(output->fd))
		return -1;
	/* Some file systems tell only when a descriptor is closed; the other
	 * one is still needed to give the file its name. */
	fd = fcntl(output->fd, F_DUPFD_CLOEXEC, 0);
	return fd >= 0 && close(fd) && errno != EINTR ? -1 : 0;
}

int output_finish(struct output *output, struct error *err)
{
	int result = 0;

	if (settle(output))
		result = error_errno(err, "cannot write '%s'", output->name);
	if (!result && output->path)
		result = appear(output, err);
	release(output);
	return result;
}

void output_abort(struct output *output)
{
	release(output);
}

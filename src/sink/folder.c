#include "sink/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/escape.h"
#include "io/cleanup.h"
#include "io/permissions.h"
#include "io/sync.h"
#include "io/temporary.h"

/*
 * The files are made in a temporary folder. If the output folder is new, the
 * temporary folder is beside it and is renamed at the end. Otherwise it is in
 * the output folder, and the files are moved at the end, one by one. A file
 * that is replaced moves to the temporary folder, so that the move can be
 * undone.
 */
struct folder {
	const struct folder_files *files;
	const struct output_options *options;
	bool one_way;    /* a replaced file is gone: the moves stay */
	char *name;      /* of the folder, for messages */
	char *path;      /* without slashes at the end */
	int fd;          /* of the existing folder, or -1 */
	char *temporary; /* path of the temporary folder */
	int temporary_fd;
};

static void close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

/*
 * Opens the folder of the last component of PATH in `folder`, and sets *base to
 * that component. Returns a descriptor, or -1 and errno. Follows no links. If
 * `make`, makes missing folders.
 */
static int open_parent(int folder, const char *path, bool make,
		       const char **base)
{
	int fd = fcntl(folder, F_DUPFD_CLOEXEC, 0);
	const char *slash;

	while (fd >= 0 && (slash = strchr(path, '/'))) {
		char name[NAME_MAX + 1];
		int next = -1;

		memcpy(name, path, (size_t)(slash - path));
		name[slash - path] = '\0';
		if (!make || !mkdirat(fd, name, 0777) || errno == EEXIST)
			next = openat(fd, name, O_RDONLY | O_DIRECTORY |
						O_NOFOLLOW | O_CLOEXEC);
		close(fd);
		fd = next;
		path = slash + 1;
	}
	*base = path;
	return fd;
}

/* Whether no other output is or will be that file. */
static int check_others(const struct folder *dir, int folder,
			const char *path, const char *base,
			const struct stat *file, struct error *err)
{
	const struct output_options *const options = dir->options;
	struct stat here;

	if (fstat(folder, &here))
		return error_errno(err, "cannot examine '%s'", dir->name);
	for (size_t i = 0; i < options->n_others; i++)
		if (output_is_at(options->others[i], &here, base, file))
			return error_set(err, "'%s/%s' and '%s' are the same "
					 "file", dir->name, path,
					 output_name(options->others[i]));
	return 0;
}

/* Checks that an existing file with the name of a new one can be replaced. */
static int check_old(struct folder *dir, const char *path,
		     struct error *err)
{
	struct stat st = { 0 }; /* the mode stays 0 if there is no file */
	const char *base;
	int folder, result = 0;

	if (dir->fd < 0)
		return 0;
	folder = open_parent(dir->fd, path, false, &base);
	if (folder < 0 && errno == ENOENT)
		return 0;
	if (folder < 0 || (fstatat(folder, base, &st, AT_SYMLINK_NOFOLLOW) &&
			   errno != ENOENT))
		result = error_errno(err, "cannot write '%s/%s'", dir->name,
				     path);
	else if (S_ISDIR(st.st_mode))
		result = error_set(err, "'%s/%s' is a directory", dir->name,
				   path);
	else if (st.st_mode && !dir->options->force)
		result = error_set(err, "'%s/%s' already exists; use --force "
				   "to overwrite it", dir->name, path);
	else if (st.st_mode && dir->options->inputs &&
		 file_set_has(dir->options->inputs, &st))
		result = error_set(err, "'%s/%s' is the input, which is never "
				   "overwritten", dir->name, path);
	else
		result = check_others(dir, folder, path, base, &st, err);
	close_if_open(folder);
	return result;
}

/* Gives a finished file the permissions of the one that it will replace, and
 * waits until it is on the disk. */
static int settle(struct folder *dir, const char *path, struct error *err)
{
	const char *base;
	const int from = open_parent(dir->temporary_fd, path, false, &base);
	const int fd = from < 0 ? -1 : openat(from, base, O_RDONLY |
					      O_NOFOLLOW | O_CLOEXEC);
	const int to = dir->fd < 0 || fd < 0 ? -1 :
		       open_parent(dir->fd, path, false, &base);
	/* Its permissions may be such that we can't read it either. */
	int result = fd < 0 && errno != EACCES;

	if (to >= 0)
		permissions_copy(fd, to, base);
	if (fd >= 0 && !dir->options->no_sync)
		result = sync_data(fd);
	if (result)
		error_errno(err, "cannot write '%s/%s'", dir->name, path);
	close_if_open(from);
	close_if_open(to);
	close_if_open(fd);
	return result ? -1 : 0;
}

/* Exchanges two files, but no file with a folder that appeared meanwhile. */
static int exchange(int from, int to, const char *base)
{
	struct stat st;

	if (renameat2(from, base, to, base, RENAME_EXCHANGE))
		return -1;
	if (fstatat(from, base, &st, AT_SYMLINK_NOFOLLOW) ||
	    !S_ISDIR(st.st_mode))
		return 0;
	(void)renameat2(from, base, to, base, RENAME_EXCHANGE);
	errno = EISDIR;
	return -1;
}

/* Moves a file; one that it replaces goes the other way, if the file system can
 * do that. */
static int move_at(struct folder *dir, int from, int to, const char *base)
{
	bool replaces;

	if (!dir->options->force)
		return temporary_rename_new(from, base, to, base);
	if (!exchange(from, to, base))
		return 0;
	replaces = errno != ENOENT;
	if (renameat(from, base, to, base))
		return -1;
	dir->one_way |= replaces;
	return 0;
}

/* Moves a file from the temporary folder to the old one. */
static int move(struct folder *dir, const char *path, struct error *err)
{
	const char *base;
	const int from = open_parent(dir->temporary_fd, path, false, &base);
	const int to = open_parent(dir->fd, path, true, &base);
	int result = 0;

	if (from < 0 || to < 0 || move_at(dir, from, to, base))
		result = error_errno(err, "cannot create '%s/%s'", dir->name,
				     path);
	close_if_open(from);
	close_if_open(to);
	return result;
}

/* Undoes the move. */
static int move_back(struct folder *dir, const char *path, struct error *err)
{
	const char *base;
	const int from = open_parent(dir->temporary_fd, path, false, &base);
	const int to = open_parent(dir->fd, path, false, &base);

	(void)err;
	if (from >= 0 && to >= 0 && renameat(from, base, to, base) &&
	    errno == ENOENT)
		(void)unlinkat(to, base, 0);
	close_if_open(from);
	close_if_open(to);
	return 0;
}

/* Removes the folders in the path, which the move made, if they are empty. */
static int remove_made(struct folder *dir, const char *path, struct error *err)
{
	char *const copy = strdup(path);
	char *slash;

	(void)err;
	while (copy && (slash = strrchr(copy, '/'))) {
		const char *base;
		int parent;

		*slash = '\0';
		parent = open_parent(dir->fd, copy, false, &base);
		if (parent >= 0) {
			(void)unlinkat(parent, base, AT_REMOVEDIR);
			close(parent);
		}
	}
	free(copy);
	return 0;
}

/* Calls do_file for the paths of the first n files; stops at an error.
 * Returns how many calls succeeded. */
static size_t for_each(struct folder *dir, size_t n,
		       int (*do_file)(struct folder *dir, const char *path,
				      struct error *err),
		       struct error *err)
{
	size_t i;

	for (i = 0; i < n; i++) {
		char *const path =
			dir->files->path(dir->files->context, i, err);
		const int result = path ? do_file(dir, path, err) : -1;

		free(path);
		if (result)
			break;
	}
	return i;
}

struct output *folder_create(struct folder *dir, const char *path,
			     struct error *err)
{
	struct output *file = NULL;
	const char *base;
	char *name = NULL;
	int folder;

	if (cleanup_is_ending()) {
		error_set(err, "cannot create '%s/%s': a signal ends the "
			  "program", dir->name, path);
		return NULL;
	}
	folder = open_parent(dir->temporary_fd, path, true, &base);
	if (folder < 0 || asprintf(&name, "%s/%s", dir->name, path) < 0)
		error_errno(err, "cannot create '%s/%s'", dir->name, path);
	else
		file = output_create(folder, base, name, dir->options, err);
	close_if_open(folder);
	free(name);
	return file;
}

/* Removes the temporary folder and its contents. */
static void remove_temporary(struct folder *dir)
{
	/* Closed first, since removing a folder takes descriptors, too. */
	close_if_open(dir->temporary_fd);
	dir->temporary_fd = -1;
	if (dir->temporary)
		cleanup_remove_folder(dir->temporary);
	free(dir->temporary);
	dir->temporary = NULL;
}

/* Signals are blocked, so that none comes between the moves of two files. */
static int move_files(struct folder *dir, struct error *err)
{
	const size_t n = dir->files->n;
	sigset_t before;
	struct error ignored;
	size_t moved;

	cleanup_block_signals(&before);
	moved = for_each(dir, n, move, err);
	if (moved < n && dir->one_way) {
		error_append(err, "; the first %zu of %zu files are in place "
			     "and stay there", moved, n);
	} else if (moved < n) {
		(void)for_each(dir, moved, move_back, &ignored);
		(void)for_each(dir, moved + 1, remove_made, &ignored);
	}
	cleanup_restore_signals(&before);
	if (moved < n)
		return -1;
	remove_temporary(dir);
	if (dir->options->no_sync)
		return 0;
	sync_all(dir->fd);
	if (sync_data(dir->fd))
		return error_errno(err, "'%s' is complete, but a power cut may "
				   "take its names away", dir->name);
	return 0;
}

int folder_finish(struct folder *dir, struct error *err)
{
	const size_t n = dir->files->n;

	if (!dir->options->no_sync)
		sync_all(dir->temporary_fd);
	if ((dir->fd >= 0 || !dir->options->no_sync) &&
	    for_each(dir, n, settle, err) < n)
		return -1;
	if (dir->fd >= 0)
		return move_files(dir, err);
	if (temporary_rename_new(AT_FDCWD, dir->temporary, AT_FDCWD, dir->path))
		return error_errno(err, "cannot create '%s'", dir->name);
	cleanup_forget(dir->temporary);
	free(dir->temporary);
	dir->temporary = NULL;
	if (!dir->options->no_sync && sync_name(dir->temporary_fd, dir->path))
		return error_errno(err, "'%s' is complete, but a power cut may "
				   "take its name away", dir->name);
	return 0;
}

void folder_close(struct folder *dir)
{
	close_if_open(dir->fd);
	remove_temporary(dir);
	free(dir->path);
	free(dir->name);
	free(dir);
}

/* -------------------------------- opening --------------------------------- */

static int is_empty(int folder, bool *empty)
{
	const int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *const stream = fd < 0 ? NULL : fdopendir(fd);
	unsigned n = 0;

	if (!stream) {
		close_if_open(fd);
		return -1;
	}
	while (n < 3 && readdir(stream))
		n++;
	closedir(stream);
	*empty = n < 3; /* "." and ".." */
	return 0;
}

/* Looks whether the folder exists. */
static int look(struct folder *dir, struct error *err)
{
	struct stat st;
	bool empty = true;

	if (dir->files->part.count && mkdir(dir->path, 0777) && errno != EEXIST)
		return error_errno(err, "cannot create '%s'", dir->name);
	dir->fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* A dangling link counts as existing. */
	if (dir->fd < 0 && (errno != ENOENT || !lstat(dir->path, &st)))
		return error_errno(err, "cannot create '%s'", dir->name);
	if (dir->fd >= 0 && !dir->files->part.count &&
	    is_empty(dir->fd, &empty))
		return error_errno(err, "cannot read '%s'", dir->name);
	if (!empty && !dir->options->force)
		return error_set(err, "folder '%s' is not empty; use --force "
				 "to write to it and replace files of the same "
				 "names", dir->name);
	return for_each(dir, dir->files->n, check_old, err) <
			       dir->files->n ? -1 : 0;
}

/* A part sweeps only what it left behind itself: others may be at work, and not
 * every file system shows the locks of other machines. */
static int name_temporary(const struct folder *dir, char **path)
{
	const struct plan_part part = dir->files->part;

	if (part.count)
		return asprintf(path, "%s/part-%u-of-%u", dir->path,
				part.number, part.count);
	return asprintf(path, "%s%s", dir->path,
			dir->fd < 0 ? "" : "/gguf-dequant");
}

static int make_temporary(struct folder *dir, struct error *err)
{
	char *path = NULL;

	if (name_temporary(dir, &path) >= 0) {
		temporary_sweep(path);
		dir->temporary = temporary_create(path, cleanup_create_folder,
						  0777, &dir->temporary_fd);
		free(path);
	}
	if (!dir->temporary)
		return error_errno(err, "cannot create '%s'", dir->name);
	return 0;
}

static int set_names(struct folder *dir, const char *path, struct error *err)
{
	const size_t size = ESCAPE_SIZE(strlen(path));
	size_t len = strlen(path);

	dir->path = strdup(path);
	dir->name = malloc(size);
	if (!dir->path || !dir->name)
		return error_errno(err, "cannot write a folder");
	while (len > 1 && dir->path[len - 1] == '/')
		dir->path[--len] = '\0';
	escape_text(dir->name, size, (struct text){ dir->path, len });
	if (!len)
		return error_set(err, "the output path is empty");
	return 0;
}

struct folder *folder_open(const char *path,
			   const struct output_options *options,
			   const struct folder_files *files, struct error *err)
{
	struct folder *const dir = malloc(sizeof(*dir));

	if (!dir) {
		error_errno(err, "cannot write a folder");
		return NULL;
	}
	*dir = (struct folder){
		.files = files,
		.options = options,
		.fd = -1,
		.temporary_fd = -1,
	};
	if (!set_names(dir, path, err) && !look(dir, err) &&
	    !make_temporary(dir, err))
		return dir;
	folder_close(dir);
	return NULL;
}

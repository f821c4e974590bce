/* temporary.h - files that are not seen under their names until complete. */
#ifndef IO_TEMPORARY_H
#define IO_TEMPORARY_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Opens a new file without a name, with the permissions `mode`, for writing in
 * the folder of PATH. Nothing is left of it, however the program ends. Returns
 * -1 if the file system does not support this, or could not name the file
 * later.
 */
int temporary_unnamed(const char *path, mode_t mode);

/* Gives the file the name PATH; with `force`, even if it is taken. -1 and errno
 * on error. */
int temporary_link(int fd, const char *path, bool force);

/*
 * Calls create(name, argument), which gives a descriptor or -1 and errno, until
 * it finds a name that is free: ".NAME.gguf-dequant.XXXXXX" beside PATH, which
 * ends in NAME. Returns that name, for the caller to free, and sets *fd; NULL
 * and errno if it can't be created. It is in use for as long as it is open.
 */
char *temporary_create(const char *path,
		       int (*create)(const char *name, int argument),
		       int argument, int *fd);

/* Removes what temporary_create made for the same PATH if nobody uses it any
 * more: whoever did was killed. */
void temporary_sweep(const char *path);

/* rename(2) that replaces nothing, on any file system; the folders are
 * descriptors, or AT_FDCWD. */
int temporary_rename_new(int from_folder, const char *from, int to_folder,
			 const char *to);

#endif

/* temporary.h - names for what shall not be seen until it is complete. */
#ifndef IO_TEMPORARY_H
#define IO_TEMPORARY_H

/*
 * Calls create(name), which gives a descriptor or -1 and errno, until it finds
 * a name that is free: ".NAME.XXXXXX" beside PATH, which ends in NAME.
 * Returns that name, for the caller to free, and sets *fd; NULL and errno where
 * it can't be created.
 */
char *temporary_create(const char *path, int (*create)(const char *name),
		       int *fd);

/* rename(2) that replaces nothing, on any file system; the folders are
 * descriptors, or AT_FDCWD. */
int temporary_rename_new(int from_folder, const char *from, int to_folder,
			 const char *to);

#endif

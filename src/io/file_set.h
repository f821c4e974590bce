/* file_set.h - files told apart by device and inode, whatever their names. */
#ifndef IO_FILE_SET_H
#define IO_FILE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/error.h"

struct file_id {
	dev_t dev;
	ino_t ino; /* 0 for a block device, of which dev is the number */
};

/* Regular files and block devices; all zeroes is the empty set. */
struct file_set {
	struct file_id *ids;
	size_t n;
	mode_t denied; /* permissions that not every regular file gives */
};

/* Adds the open file `fd`; other kinds of files are never in a set. */
int file_set_add(struct file_set *set, int fd, struct error *err);
bool file_set_has(const struct file_set *set, const struct stat *st);
void file_set_release(struct file_set *set);

#endif

/* path.h - the folder of a path, and the targets of links. */
#ifndef IO_PATH_H
#define IO_PATH_H

#include <sys/stat.h>

#include "base/error.h"

/* The folder of `path`, with a slash at the end; "./" if the path has no slash.
 * The caller frees it. NULL and errno on error. */
char *path_folder(const char *path);

/*
 * Follows the links at the end of `path`, also to a file that does not exist.
 * As the kernel does with fs.protected_symlinks set, it refuses another user's
 * link in a folder that is sticky and that anybody may write to. `name` is the
 * path for messages, escaped.
 *
 * Returns the resulting path, for the caller to free, and sets *st to what is
 * there, with st_mode 0 if nothing is. NULL on error.
 */
char *path_resolve(const char *path, const char *name, struct stat *st,
		   struct error *err);

#endif

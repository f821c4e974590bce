/* folder.h - an output of several files, which appears when it is complete. */
#ifndef SINK_FOLDER_H
#define SINK_FOLDER_H

#include "io/output.h"
#include "pass/plan.h"

/* The files that the folder gets. */
struct folder_files {
	size_t n;

	/* The path of file number `i` in the folder, of which no component is
	 * longer than NAME_MAX; the caller frees it. NULL on error. */
	char *(*path)(const void *context, size_t i, struct error *err);
	const void *context;

	/* Other processes may write the other parts to the same folder. */
	struct plan_part part;
};

/*
 * For a folder at `path`. One that exists must be empty unless the options have
 * `force`: files of the same names are then replaced at the end, but no input
 * and no other output. The folder for a part is made at once; other files may
 * be in it. `options` and `files` must outlast the folder. NULL on
 * error.
 */
struct folder *folder_open(const char *path,
			   const struct output_options *options,
			   const struct folder_files *files, struct error *err);

/* Makes one of the files, with the folders in its path. NULL on error. */
struct output *folder_create(struct folder *folder, const char *path,
			     struct error *err);

/*
 * Puts all the files in their place, when each of them is finished. On error
 * none is there, and those that were replaced are back; unless the file system
 * cannot exchange two files: then those that have replaced others stay, and the
 * error says how many.
 */
int folder_finish(struct folder *folder, struct error *err);

/* Frees the folder, and removes what is not in its place. */
void folder_close(struct folder *folder);

#endif

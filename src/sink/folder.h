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
 * Begins a folder at `path`. An existing one must be empty, unless the options
 * have `force`: then files of the same names are replaced at the end, but never
 * an input or another output. The folder for a part is made at once, and may
 * hold other files. `options` and `files` must outlast the folder. NULL on
 * error.
 */
struct folder *folder_open(const char *path,
			   const struct output_options *options,
			   const struct folder_files *files, struct error *err);

/* Makes one of the files, with the folders in its path. NULL on error. */
struct output *folder_create(struct folder *folder, const char *path,
			     struct error *err);

/*
 * Moves all files to their places; each of them must be finished. On error, all
 * moves are undone, and replaced files are back. If the file system cannot
 * exchange two files, a replaced file is lost: then the moves so far stay, and
 * the error says how many.
 */
int folder_finish(struct folder *folder, struct error *err);

/* Frees the folder, and removes files that were not moved. */
void folder_close(struct folder *folder);

#endif

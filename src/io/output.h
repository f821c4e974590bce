/* output.h - a file that appears under its name only when it is complete. */
#ifndef IO_OUTPUT_H
#define IO_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "io/file_set.h"

struct output; /* opaque: output.c */

struct output_options {
	bool force;                    /* what exists is replaced */
	bool no_sync;                  /* nobody waits for the disk */
	bool shared; /* a descriptor to which others may write as well: a pipe
			may be one of `others`, and output_write_at fails */
	const struct file_set *inputs; /* are never overwritten; or NULL */
	const struct output *const *others; /* must not be the same file */
	size_t n_others;
};

/*
 * Opens PATH for writing: "-" is standard output.
 *
 * A regular file is written without a name, or under a temporary one in the
 * same folder. An existing one is refused unless `force`, and one of `inputs`
 * or `others` always, by whatever name or link. A new file gets no permission
 * that an input lacks; one that replaces another gets that one's, and if
 * possible its owner.
 *
 * A FIFO is written as it is, and so is a device; but unless it drops what it
 * is given, as /dev/null does, only with `force`. NULL on error.
 */
struct output *output_open(const char *path,
			   const struct output_options *options,
			   struct error *err);

/*
 * Makes and opens the new file `path` in `folder`, a descriptor; `name` is for
 * messages, escaped. On abort the file stays, and nobody waits for the disk at
 * the end: both are for the caller to do. NULL on error.
 */
struct output *output_create(int folder, const char *path, const char *name,
			     const struct output_options *options,
			     struct error *err);

/* Whether output_write_at works: a regular file. */
bool output_is_seekable(const struct output *output);

/* Fails if it is or will be the same file as one of `others`. Devices never
 * are: each byte written to one stands by itself. */
int output_check_differs(const struct output *output,
			 const struct output_options *options,
			 struct error *err);

/* Whether it is or will be the file `name` in that folder; `file` is what is
 * there, with st_mode 0 if nothing is. */
bool output_is_at(const struct output *output, const struct stat *folder,
		  const char *name, const struct stat *file);

/* For messages: the path, escaped, or "standard output". */
const char *output_name(const struct output *output);

/*
 * Reserves n bytes on the disk from the start of a new file, all of which must
 * then be written. Does nothing for any other output. Writing reserved bytes is
 * faster, and a full disk is an error now rather than later.
 */
int output_reserve(struct output *output, uint64_t n, struct error *err);

int output_write(struct output *output, const void *bytes, size_t n,
		 struct error *err);
int output_write_at(struct output *output, uint64_t offset, const void *bytes,
		    size_t n, struct error *err);

/* Closes and checks that the data was taken. A regular file is on the disk when
 * it appears under its name, and that name is when this returns. Frees output,
 * also on error, and then leaves nothing behind. */
int output_finish(struct output *output, struct error *err);

/* Removes the temporary file. Frees output. */
void output_abort(struct output *output);

#endif

/* output.h - a file that appears under its name only when it is complete. */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "model.h"

struct output; /* opaque: output.c */

/*
 * Opens PATH for writing: "-" is standard output. A regular file is written
 * under a temporary name in the same folder; an existing one is refused unless
 * `force`; what `model` is read from is refused always, by whatever name or
 * link. A FIFO or a device is written as it is. NULL on error.
 */
struct output *output_open(const char *path, bool force,
			   const struct model *model, struct error *err);

/* Whether output_write_at works: a regular file. */
bool output_is_seekable(const struct output *output);

/* For messages: the path, escaped, or "standard output". */
const char *output_name(const struct output *output);

int output_write(struct output *output, const void *bytes, size_t n,
		 struct error *err);
int output_write_at(struct output *output, uint64_t offset, const void *bytes,
		    size_t n, struct error *err);

/* Closes, checks that the data was taken, and renames. Frees output, also on
 * error, and then leaves nothing behind. */
int output_finish(struct output *output, struct error *err);

/* Removes the temporary file. Frees output. */
void output_abort(struct output *output);

#endif

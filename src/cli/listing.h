/* listing.h - the output of --list, --json and --index. */
#ifndef CLI_LISTING_H
#define CLI_LISTING_H

#include <stdio.h>

#include "pass/plan.h"

/*
 * Each writes to a stream that no other thread uses; ferror(stream) tells if all
 * was written. A shape is in GGUF's order, fastest dimension first. The man page
 * documents the formats.
 */

/* One row per tensor, totals per type, and the size of the output. The name
 * comes last in a row: it may have 64 KiB, which would widen every row. */
void listing_table(FILE *stream, const struct model *model,
		   const struct plan *plan);

/* The same for programs, with every metadata value. */
void listing_json(FILE *stream, const struct model *model,
		  const struct plan *plan);

/* The place of each tensor in the output; `files`: with the name of its file, as
 * file_name.h makes it. */
int listing_index(FILE *stream, const struct plan *plan, bool files,
		  struct error *err);

#endif

/* listing.h - what --list, --json and --index print about a plan. */
#ifndef CLI_LISTING_H
#define CLI_LISTING_H

#include <stdio.h>

#include "pass/plan.h"

/*
 * Each writes to a stream that no other thread uses; ferror(stream) tells
 * whether all was written. A shape is in the file's order, fastest dimension
 * first. The man page says what is where.
 */

/* A row a tensor, totals per type, what the output takes. The name comes last
 * in a row: it may have 64 KiB, and those would widen every row. */
void listing_table(FILE *stream, const struct model *model,
		   const struct plan *plan);

/* The same for programs, with every metadata value. */
void listing_json(FILE *stream, const struct model *model,
		  const struct plan *plan);

/* Where each tensor is in the output; `files`: with the name of each one's file
 * by file_name.h. */
int listing_index(FILE *stream, const struct plan *plan, bool files,
		  struct error *err);

#endif

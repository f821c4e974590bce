/* listing.h - what --list, --json and --index print about a plan. */
#ifndef LISTING_H
#define LISTING_H

#include <stdio.h>

#include "plan.h"

/* An aligned table: a row a tensor, totals per type, what the output takes. */
void listing_table(FILE *stream, const struct model *model,
		   const struct plan *plan);

/* The same for programs, with every metadata value. */
void listing_json(FILE *stream, const struct model *model,
		  const struct plan *plan);

/* The index of a raw output: name, shape, type, offset and bytes a tensor. */
void listing_index(FILE *stream, const struct plan *plan);

#endif

/* repeat.h - finds a name that a table holds twice. */
#ifndef BASE_REPEAT_H
#define BASE_REPEAT_H

#include "base/bytes.h"
#include "base/error.h"

/*
 * Finds the first of the table's n texts that equals an earlier one; text_at
 * returns text i. Returns 1 and sets *earlier and *later to their indices, 0 if
 * all texts differ, or -1 on error. Uses REPEAT_BYTES per text while it runs.
 */
int repeat_find(const void *table, size_t n,
		struct text (*text_at)(const void *table, size_t i),
		size_t *earlier, size_t *later, struct error *err);
#define REPEAT_BYTES (2 * sizeof(size_t)) /* an index, and qsort's copy of it */

#endif

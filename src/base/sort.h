/*
 * sort.h - linear-time order, for tables whose size and content a hostile file
 * chooses: 700,000 names take qsort 150 ms, this 40 ms.
 */
#ifndef BASE_SORT_H
#define BASE_SORT_H

#include "base/bytes.h"
#include "base/error.h"

struct sort_item {
	uint64_t key;
	size_t index;
};

/* Sorts n items by key; equal keys stay in order. `scratch` has room for n. */
void sort_items(struct sort_item *items, struct sort_item *scratch, size_t n);

/*
 * Finds the first of table's n texts that equals an earlier one; text_at gives
 * text number i. Returns 1 and sets *earlier and *later to their numbers, 0
 * where all differ, or -1 on error. Takes SORT_BYTES an entry while it runs.
 */
int sort_find_repeat(const void *table, size_t n,
		     struct text (*text_at)(const void *table, size_t i),
		     size_t *earlier, size_t *later, struct error *err);
#define SORT_BYTES (2 * sizeof(struct sort_item))

#endif

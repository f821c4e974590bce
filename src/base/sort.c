#include "base/sort.h"

#include <stdlib.h>
#include <sys/random.h>

/* One pass of a radix sort, by the byte of the key at `shift`. Returns false,
 * and moves nothing, where that byte is the same in all items. */
static bool sort_by_byte(const struct sort_item *from, struct sort_item *to,
			 size_t n, unsigned shift)
{
	size_t start[256] = { 0 };
	size_t sum = 0;

	for (size_t i = 0; i < n; i++)
		start[from[i].key >> shift & 0xff]++;
	for (unsigned byte = 0; byte < 256; byte++) {
		const size_t count = start[byte];

		if (count == n)
			return false;
		start[byte] = sum;
		sum += count;
	}
	for (size_t i = 0; i < n; i++)
		to[start[from[i].key >> shift & 0xff]++] = from[i];
	return true;
}

void sort_items(struct sort_item *items, struct sort_item *scratch, size_t n)
{
	struct sort_item *from = items;
	struct sort_item *to = scratch;

	for (unsigned shift = 0; shift < 64 && n; shift += 8) {
		if (sort_by_byte(from, to, n, shift)) {
			struct sort_item *const swap = from;

			from = to;
			to = swap;
		}
	}
	if (from != items)
		memcpy(items, from, n * sizeof(*items));
}

/* h · key + word modulo 2^61 - 1, at most 2^61. */
static uint64_t hash_word(uint64_t h, uint64_t key, uint64_t word)
{
	const uint64_t prime = (1ull << 61) - 1;
	const __uint128_t x = (__uint128_t)h * key + word;
	const uint64_t sum = (uint64_t)(x & prime) + (uint64_t)(x >> 61);

	return (sum & prime) + (sum >> 61);
}

/*
 * The text's 7-byte words as a polynomial in `key` modulo the prime 2^61 - 1.
 * For a random key, two texts of at most w words collide with a probability of
 * less than (w + 1) / 2^61, whichever they are: no file can provoke it.
 */
static uint64_t hash(struct text text, uint64_t key)
{
	uint64_t h = text.len;
	uint64_t rest = 0;

	for (; text.len >= 8; text.data += 7, text.len -= 7)
		h = hash_word(h, key,
			      bytes_load_u64(text.data) & ((1ull << 56) - 1));
	memcpy(&rest, text.data, text.len);
	return hash_word(h, key, rest);
}

int sort_find_repeat(const void *table, size_t n,
		     struct text (*text_at)(const void *table, size_t i),
		     size_t *earlier, size_t *later, struct error *err)
{
	struct sort_item *const items = calloc(n ? n : 1, SORT_BYTES);
	uint64_t key;
	size_t run = 0; /* the first item with this item's hash */

	if (!items)
		return error_errno(err, "cannot sort %zu names", n);
	if (getrandom(&key, sizeof(key), 0) != sizeof(key)) {
		free(items);
		return error_errno(err, "cannot get random bytes");
	}
	key >>= 3; /* below 2^61 */
	for (size_t i = 0; i < n; i++) {
		items[i].key = hash(text_at(table, i), key);
		items[i].index = i;
	}
	sort_items(items, items + n, n);

	*later = n;
	for (size_t i = 1; i < n; i++) {
		if (items[i].key != items[run].key)
			run = i;
		/* Where a repeat is known, only one before it is news; so each
		 * run is left at its first repeat. */
		for (size_t j = run; j < i && items[i].index < *later; j++) {
			if (bytes_equal(text_at(table, items[i].index),
					text_at(table, items[j].index))) {
				*earlier = items[j].index;
				*later = items[i].index;
			}
		}
	}
	free(items);
	return *later < n;
}

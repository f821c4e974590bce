#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/sort.h"

#define MANY 100000

static uint64_t random_u64(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state ^ *state >> 29;
}

static void test_sorts_and_keeps_order(void **state)
{
	static const uint64_t masks[] = { 0, 0xff, 0xffff00, 1ull << 63,
					  UINT64_MAX };
	const size_t n = 5000;
	struct sort_item *const items = calloc(2 * n, sizeof(*items));
	uint64_t seed = 1;

	(void)state;
	for (size_t mask = 0; mask < sizeof(masks) / sizeof(*masks); mask++) {
		for (size_t i = 0; i < n; i++)
			items[i] = (struct sort_item){
				random_u64(&seed) & masks[mask], i };
		sort_items(items, items + n, n);
		for (size_t i = 1; i < n; i++)
			assert_true(items[i - 1].key < items[i].key ||
				    (items[i - 1].key == items[i].key &&
				     items[i - 1].index < items[i].index));
	}
	sort_items(items, items + n, 0);
	free(items);
}

struct table {
	struct text texts[MANY];
	size_t n_calls;
};

static struct text text_at(const void *table, size_t i)
{
	((struct table *)(uintptr_t)table)->n_calls++;
	return ((const struct table *)table)->texts[i];
}

/* What the reader must find, by the definition. */
static int find_slowly(const struct table *table, size_t n, size_t *earlier,
		       size_t *later)
{
	for (*later = 0; *later < n; ++*later)
		for (*earlier = 0; *earlier < *later; ++*earlier)
			if (bytes_equal(table->texts[*earlier],
					table->texts[*later]))
				return 1;
	return 0;
}

static void test_finds_the_first_repeat(void **state)
{
	struct table *const table = calloc(1, sizeof(*table));
	static const char letters[] = "abcdefghabcdefghabcdefgh";
	uint64_t seed = 2;

	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		const size_t n = random_u64(&seed) % 12;
		size_t earlier, later, expected_earlier, expected_later;
		struct error err;
		int found;

		/* Lengths around the hash's words of 7 bytes. */
		for (size_t i = 0; i < n; i++)
			table->texts[i] = (struct text){
				letters + random_u64(&seed) % 8,
				random_u64(&seed) % 16 };
		found = find_slowly(table, n, &expected_earlier,
				    &expected_later);
		assert_int_equal(sort_find_repeat(table, n, text_at, &earlier,
						  &later, &err), found);
		if (found) {
			assert_int_equal(earlier, expected_earlier);
			assert_int_equal(later, expected_later);
		}
	}
	free(table);
}

/* Names that are alike, or the same, cost no more looks than others. */
static void test_takes_linear_time(void **state)
{
	struct table *const table = calloc(1, sizeof(*table));
	char *const names = calloc(MANY, 32);
	size_t earlier, later;
	struct error err;

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		char *const name = names + 32 * i;

		snprintf(name, 32, "blk.%zu.attn_q.weight", i);
		table->texts[i] = (struct text){ name, strlen(name) };
	}
	assert_int_equal(sort_find_repeat(table, MANY, text_at, &earlier,
					  &later, &err), 0);
	assert_in_range(table->n_calls, MANY, MANY + 10);

	for (size_t i = 0; i < MANY; i++)
		table->texts[i] = (struct text){ "same", 4 };
	table->n_calls = 0;
	assert_int_equal(sort_find_repeat(table, MANY, text_at, &earlier,
					  &later, &err), 1);
	assert_int_equal(earlier, 0);
	assert_int_equal(later, 1);
	assert_in_range(table->n_calls, MANY, MANY + 10);
	free(names);
	free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sorts_and_keeps_order),
		cmocka_unit_test(test_finds_the_first_repeat),
		cmocka_unit_test(test_takes_linear_time),
	};

	return cmocka_run_group_tests_name("sort", tests, NULL, NULL);
}

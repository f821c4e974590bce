#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/repeat.h"

#define MANY 100000

static uint64_t random_u64(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state ^ *state >> 29;
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

		for (size_t i = 0; i < n; i++)
			table->texts[i] = (struct text){
				letters + random_u64(&seed) % 8,
				random_u64(&seed) % 16 };
		found = find_slowly(table, n, &expected_earlier,
				    &expected_later);
		assert_int_equal(repeat_find(table, n, text_at, &earlier,
					     &later, &err), found);
		if (found) {
			assert_int_equal(earlier, expected_earlier);
			assert_int_equal(later, expected_later);
		}
	}
	free(table);
}

/* Names that differ late, in no order, or not at all, need at most n log2(n)
 * comparisons, of two names each. */
static void test_looks_are_bounded(void **state)
{
	const size_t most = 2 * MANY * (size_t)(17 + 2);
	struct table *const table = calloc(1, sizeof(*table));
	char *const names = calloc(MANY, 32);
	size_t earlier, later;
	struct error err;

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		char *const name = names + 32 * i;

		snprintf(name, 32, "blk.%06zu.attn_q.weight",
			 i * 7919 % MANY);
		table->texts[i] = text_of(name);
	}
	assert_int_equal(repeat_find(table, MANY, text_at, &earlier, &later,
				     &err), 0);
	assert_in_range(table->n_calls, MANY, most);

	for (size_t i = 0; i < MANY; i++)
		table->texts[i] = text_of("same");
	table->n_calls = 0;
	assert_int_equal(repeat_find(table, MANY, text_at, &earlier, &later,
				     &err), 1);
	assert_int_equal(earlier, 0);
	assert_int_equal(later, 1);
	assert_in_range(table->n_calls, MANY, most);
	free(names);
	free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_the_first_repeat),
		cmocka_unit_test(test_looks_are_bounded),
	};

	return cmocka_run_group_tests_name("repeat", tests, NULL, NULL);
}

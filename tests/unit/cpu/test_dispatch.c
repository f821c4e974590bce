#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/rows.h"

static size_t count(void)
{
	size_t n = 0;

	while (cpu_rows_at(n))
		n++;
	return n;
}

static void test_the_list_starts_at_what_always_runs(void **state)
{
	(void)state;
	assert_string_equal(cpu_rows_at(0)->isa, "baseline");
	assert_true(cpu_rows_runs(cpu_rows_at(0)));
#ifdef __x86_64__
	assert_int_equal(count(), 3);
#endif
	assert_null(cpu_rows_at(SIZE_MAX));
}

static void test_null_selects_the_best_that_runs(void **state)
{
	const struct cpu_rows *rows;
	size_t i = count();
	struct error err;

	(void)state;
	rows = cpu_rows_select(NULL, &err);
	while (!cpu_rows_runs(cpu_rows_at(--i)))
		assert_ptr_not_equal(rows, cpu_rows_at(i));
	assert_ptr_equal(rows, cpu_rows_at(i));
}

static void test_a_name_selects_its_own_or_says_what_is_lacking(void **state)
{
	struct error err;

	(void)state;
	for (size_t i = 0; cpu_rows_at(i); i++) {
		const struct cpu_rows *rows = cpu_rows_at(i);

		if (cpu_rows_runs(rows)) {
			assert_ptr_equal(cpu_rows_select(rows->isa, &err),
					 rows);
		} else {
			assert_null(cpu_rows_select(rows->isa, &err));
			assert_non_null(strstr(err.message, "lacks"));
			assert_non_null(strstr(err.message, rows->isa));
		}
	}
}

static void test_an_unknown_name_lists_the_known(void **state)
{
	static const char *const unknown[] = { "", "avx", "avx22", "AVX2" };
	struct error err;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_null(cpu_rows_select(unknown[i], &err));
		assert_non_null(strstr(err.message, "'baseline'"));
	}
	assert_null(cpu_rows_select("neon", &err));
#ifdef __x86_64__
	assert_string_equal(err.message,
			    "unknown instruction set 'neon'; use one of "
			    "'baseline', 'avx2', 'avx512'");
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_list_starts_at_what_always_runs),
		cmocka_unit_test(test_null_selects_the_best_that_runs),
		cmocka_unit_test(
			test_a_name_selects_its_own_or_says_what_is_lacking),
		cmocka_unit_test(test_an_unknown_name_lists_the_known),
	};

	return cmocka_run_group_tests_name("cpu_dispatch", tests, NULL, NULL);
}

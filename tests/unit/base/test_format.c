#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/format.h"

static void test_ids_and_names_are_unique(void **state)
{
	(void)state;
	for (unsigned i = 0; i < FORMAT_COUNT; i++) {
		const struct format *format = format_at(i);

		assert_ptr_equal(format_by_id(format->id), format);
		assert_ptr_equal(format_by_name(format->name), format);
		assert_ptr_equal(format_by_name(format->file_name), format);
	}
}

static void test_retired_and_fork_ids_say_who(void **state)
{
	(void)state;
	assert_null(format_by_id(4));
	assert_non_null(strstr(format_why_not(4), "Q4_2"));
	assert_non_null(strstr(format_why_not(36), "BitNet"));
	assert_non_null(strstr(format_why_not(137), "ik_llama.cpp"));
	assert_non_null(strstr(format_why_not(100), "ROCmFPX"));
	assert_non_null(strstr(format_why_not(43), "no known program"));
	assert_non_null(strstr(format_why_not(UINT32_MAX), "no known program"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids_and_names_are_unique),
		cmocka_unit_test(test_retired_and_fork_ids_say_who),
	};

	return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}

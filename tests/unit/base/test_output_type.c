#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/output_type.h"

static void test_by_name(void **state)
{
	enum output_type type;

	(void)state;
	for (enum output_type i = 0; i < OUTPUT_TYPE_COUNT; i++) {
		assert_true(output_type_by_name(output_type_at(i)->name,
						&type));
		assert_int_equal(type, i);
	}
	assert_true(output_type_by_name("BF16", &type));
	assert_int_equal(type, OUTPUT_BF16);
	assert_false(output_type_by_name("f64", &type));
	assert_false(output_type_by_name("", &type));
}

static void test_of_a_format(void **state)
{
	(void)state;
	assert_int_equal(output_type_of(format_at(FORMAT_F32)), OUTPUT_F32);
	assert_int_equal(output_type_of(format_at(FORMAT_BF16)), OUTPUT_BF16);
	assert_int_equal(output_type_of(format_at(FORMAT_F64)), OUTPUT_NATIVE);
	assert_int_equal(output_type_of(format_at(FORMAT_Q8_0)), OUTPUT_NATIVE);
}

static void becomes(enum format_index stored, enum output_type type,
		    enum format_index expected)
{
	assert_ptr_equal(output_type_format(type, format_at(stored)),
			 format_at(expected));
}

static void test_what_a_format_becomes(void **state)
{
	(void)state;
	becomes(FORMAT_Q4_K, OUTPUT_F32, FORMAT_F32);
	becomes(FORMAT_Q4_K, OUTPUT_F16, FORMAT_F16);
	becomes(FORMAT_F16, OUTPUT_BF16, FORMAT_BF16);
	becomes(FORMAT_F64, OUTPUT_F32, FORMAT_F32);
	becomes(FORMAT_Q4_K, OUTPUT_NATIVE, FORMAT_Q4_K);
	becomes(FORMAT_I16, OUTPUT_F32, FORMAT_I16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_name),
		cmocka_unit_test(test_of_a_format),
		cmocka_unit_test(test_what_a_format_becomes),
	};

	return cmocka_run_group_tests_name("output_type", tests, NULL, NULL);
}

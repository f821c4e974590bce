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

static void test_foreign_types_say_whose_they_are(void **state)
{
	static const struct {
		uint32_t id;
		const char *text;
	} rows[] = {
		{ 4, "4 (Q4_2, retired by ggml)" },
		{ 31, "31 (Q4_0_4_4, retired by ggml)" },
		{ 36, "36 (I2_S, BitNet)" },
		{ 42, "42 (Q2_0_G128, retired by PrismML)" },
		{ 43, "43" },
		{ 97, "97 (Q8_0_X4, ik_llama.cpp)" },
		{ 101, "101 (Q4_0_ROCMFP4_FAST, ROCmFPX)" },
		{ 142, "142 (PQ2_0, PrismML)" },
		{ 156, "156 (IQ3_KS, ik_llama.cpp)" },
		{ 399, "399 (Q8_K_R8, ik_llama.cpp)" },
		{ UINT32_MAX, "4294967295" },
	};
	char text[FORMAT_FOREIGN_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_string_equal(format_foreign_text(text, rows[i].id),
				    rows[i].text);
	assert_null(format_by_id(4));
	assert_non_null(format_foreign(4)->advice);
	assert_null(format_foreign(156)->advice);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids_and_names_are_unique),
		cmocka_unit_test(test_foreign_types_say_whose_they_are),
	};

	return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}

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
		{ 36, "36 (IQ4_NL_4_4, retired by ggml)" },
		{ 42, "42 (Q2_0_G128, retired by PrismML)" },
		{ 43, "43" },
		{ 97, "97 (Q8_0_X4, ik_llama.cpp)" },
		{ 101, "101 (Q4_0_ROCMFP4_FAST, ROCmFPX)" },
		{ 142, "142 (PQ2_0, PrismML; or IQ2_TN of an old "
		       "ik_llama.cpp)" },
		{ 150, "150 (Q8_K128, ik_llama.cpp)" },
		{ UINT32_MAX, "4294967295" },
	};
	char text[FORMAT_FOREIGN_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_string_equal(format_foreign_text(text, rows[i].id),
				    rows[i].text);
	assert_null(format_by_id(4));
	assert_non_null(format_foreign(4)->advice);
	assert_null(format_foreign(101)->advice);
}

static void test_rows(void **state)
{
	const struct format *const q8_0 = format_at(FORMAT_Q8_0);
	const struct format *const iq1_bn = format_at(FORMAT_IQ1_BN);
	const struct format *const iq1_s_r4 = format_at(FORMAT_IQ1_S_R4);
	const struct format *const i2_s = format_at(FORMAT_I2_S);

	(void)state;
	assert_false(format_has_rows(q8_0));
	assert_int_equal(format_run_bytes(q8_0, 6, 3), 6 * 34);
	assert_true(format_has_rows(iq1_bn));
	assert_int_equal(format_run_bytes(iq1_bn, 6, 3), 2 * (2 + 3 * 13));
	assert_true(format_has_rows(iq1_s_r4));
	assert_int_equal(format_run_bytes(iq1_s_r4, 8, 2),
			 4 * 2 + 2 * 4 * 6);
	assert_true(format_has_rows(i2_s));
	assert_int_equal(format_run_bytes(i2_s, 6, 6), 6 * 32 + 32);
}

static void test_which_formats_are_of_ggml(void **state)
{
	(void)state;
	assert_true(format_is_ggml(format_at(FORMAT_F32)));
	assert_true(format_is_ggml(format_at(FORMAT_Q2_0)));
	assert_false(format_is_ggml(format_at(FORMAT_I2_S)));
	assert_false(format_is_ggml(format_at(FORMAT_Q6_0)));
	assert_false(format_is_ggml(format_at(FORMAT_Q8_K_R8)));
	assert_false(format_is_ggml(format_at(FORMAT_MXFP6_E2M3)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids_and_names_are_unique),
		cmocka_unit_test(test_foreign_types_say_whose_they_are),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_which_formats_are_of_ggml),
	};

	return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}

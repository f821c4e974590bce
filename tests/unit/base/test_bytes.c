#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"

static void test_sums_and_products_are_checked(void **state)
{
	uint64_t n;

	(void)state;
	assert_true(bytes_add(UINT64_MAX - 1, 1, &n));
	assert_true(n == UINT64_MAX);
	assert_false(bytes_add(UINT64_MAX, 1, &n));
	assert_true(bytes_mul(UINT64_MAX / 3, 3, &n));
	assert_true(n == UINT64_MAX);
	assert_false(bytes_mul(UINT64_MAX / 3 + 1, 3, &n));
	assert_false(bytes_mul(1ull << 32, 1ull << 32, &n));
	assert_true(bytes_mul(UINT64_MAX, 0, &n));
	assert_true(n == 0);
}

static void test_align_rounds_up(void **state)
{
	uint64_t n;

	(void)state;
	for (uint64_t i = 0; i <= 64; i++) {
		assert_true(bytes_align(i, 32, &n));
		assert_true(n >= i && n < i + 32 && n % 32 == 0);
	}
	assert_true(bytes_align(UINT64_MAX, 1, &n));
	assert_true(n == UINT64_MAX);
	assert_true(bytes_align(UINT64_MAX - 31, 32, &n));
	assert_true(n == UINT64_MAX - 31);
	assert_false(bytes_align(UINT64_MAX - 30, 32, &n));
}

static void test_loads_are_little_endian_from_any_address(void **state)
{
	static const unsigned char p[] = { 0, 0x81, 0x92, 0xa3, 0xb4,
					   0xc5, 0xd6, 0xe7, 0xf8 };

	(void)state;
	assert_int_equal(bytes_load_u16(p + 1), 0x9281);
	assert_int_equal(bytes_load_u32(p + 1), 0xb4a39281);
	assert_true(bytes_load_u64(p + 1) == 0xf8e7d6c5b4a39281);
}

static void test_texts_are_equal_byte_for_byte(void **state)
{
	const struct text text = { "a\0b", 3 };

	(void)state;
	assert_true(bytes_equal(text, (struct text){ "a\0b", 3 }));
	assert_false(bytes_equal(text, (struct text){ "a\0c", 3 }));
	assert_false(bytes_equal(text, (struct text){ "a\0b", 2 }));
	assert_true(bytes_equal((struct text){ "a", 0 },
				(struct text){ "b", 0 }));
	assert_true(text_is((struct text){ "abc", 2 }, "ab"));
	assert_true(text_is((struct text){ NULL, 0 }, ""));
	assert_false(text_is((struct text){ "abc", 2 }, "abc"));
	assert_false(text_is(text, "a"));
}

static void test_hex(void **state)
{
	char digits[8] = "xxxxxxx";

	(void)state;
	assert_ptr_equal(bytes_hex(digits, "\x00\x9a\xff", 3), digits + 6);
	assert_string_equal(digits, "009affx");
	assert_ptr_equal(bytes_hex(digits, "", 0), digits);
	assert_string_equal(digits, "009affx");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums_and_products_are_checked),
		cmocka_unit_test(test_align_rounds_up),
		cmocka_unit_test(test_loads_are_little_endian_from_any_address),
		cmocka_unit_test(test_texts_are_equal_byte_for_byte),
		cmocka_unit_test(test_hex),
	};

	return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}

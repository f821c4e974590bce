#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/number.h"

static void float_is(float value, const char *expected)
{
	char text[NUMBER_SIZE];

	assert_string_equal(number_float(text, value), expected);
}

static void double_is(double value, const char *expected)
{
	char text[NUMBER_SIZE];

	assert_string_equal(number_double(text, value), expected);
}

static void test_known_values(void **state)
{
	(void)state;
	float_is(0.0f, "0");
	float_is(-0.0f, "-0");
	float_is(-1234.0f, "-1234");
	float_is(123456.0f, "123456");
	float_is(1e6f, "1e+06");
	float_is(16777215.0f, "16777215");
	float_is(0.0001f, "0.0001");
	float_is(1e-5f, "1e-05");
	float_is(0.1f, "0.1");
	float_is(FLT_MAX, "3.4028235e+38");
	float_is(FLT_MIN, "1.1754944e-38");
	float_is(0x1p-149f, "1e-45");
	float_is(INFINITY, "inf");
	float_is(-INFINITY, "-inf");
	float_is(NAN, "nan");
	double_is(0.1 + 0.2, "0.30000000000000004");
	double_is(-1.5, "-1.5");
	double_is(1e15, "1e+15");
	double_is(123456789012345.0, "123456789012345");
	double_is(9007199254740993.0, "9007199254740992");
	double_is(1e22, "1e+22");
	double_is(1e23, "1e+23");
	double_is(9.5367431640625e-7, "9.5367431640625e-07"); /* 2^-20 */
	double_is(DBL_MAX, "1.7976931348623157e+308");
	double_is(-DBL_MIN, "-2.2250738585072014e-308");
	double_is(0x1p-1074, "5e-324");
}

/* More and more digits, until they read back. Writes the same as the functions
 * under test. */
static const char *slow_float(char text[NUMBER_SIZE], float value)
{
	int n = isnormal(value) ? 6 : 1;

	do
		snprintf(text, NUMBER_SIZE, "%.*g", n, (double)value);
	while (strtof(text, NULL) != value && n++ < 9);
	return text;
}

static const char *slow_double(char text[NUMBER_SIZE], double value)
{
	int n = isnormal(value) ? 15 : 1;

	do
		snprintf(text, NUMBER_SIZE, "%.*g", n, value);
	while (strtod(text, NULL) != value && n++ < 17);
	return text;
}

static void check_float(float value)
{
	char text[NUMBER_SIZE];

	float_is(value, slow_float(text, value));
}

static void check_double(double value)
{
	char text[NUMBER_SIZE];

	double_is(value, slow_double(text, value));
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void test_any_bits(void **state)
{
	uint64_t random = 88172645463325252;

	(void)state;
	for (unsigned i = 0; i < 50000; i++) {
		const uint64_t bits = next_random(&random);
		double value;
		float narrow;

		memcpy(&value, &bits, sizeof(value));
		memcpy(&narrow, &bits, sizeof(narrow));
		check_double(value);
		check_float(narrow);
	}
}

/* Below a power of two, the next number is half as far away. */
static void test_powers_of_two_and_ten_and_their_neighbours(void **state)
{
	(void)state;
	for (int e = -1074; e < 1024; e++) {
		const double value = ldexp(1, e);

		check_double(value);
		check_double(nextafter(value, 0));
		check_double(nextafter(value, INFINITY));
		check_float((float)value);
		check_float(nextafterf((float)value, 0));
	}
	for (int e = -320; e < 309; e++) {
		char text[NUMBER_SIZE];
		double value;

		snprintf(text, sizeof(text), "1e%d", e);
		value = strtod(text, NULL);
		check_double(value);
		check_double(nextafter(value, 0));
		check_double(nextafter(value, INFINITY));
		check_float((float)value);
	}
}

/* Many are exact, or halfway between two decimals of fewer digits. */
static void test_integers_and_short_decimals(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		const int64_t integer = (int64_t)next_random(&random) >>
					(random >> 8) % 64;

		check_double((double)integer);
		check_double((double)integer / 8);
		check_double((double)integer / 1000);
		check_float((float)integer / 4);
		check_float((float)(integer % 100000) / 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_values),
		cmocka_unit_test(test_any_bits),
		cmocka_unit_test(
			test_powers_of_two_and_ten_and_their_neighbours),
		cmocka_unit_test(test_integers_and_short_decimals),
	};

	return cmocka_run_group_tests_name("number", tests, NULL, NULL);
}

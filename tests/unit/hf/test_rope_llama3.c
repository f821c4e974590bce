#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "hf/rope_llama3.h"

#define MAX 128

/* As llama.cpp's converter computes them, in F32. */
static void make(float *factors, size_t n, double theta, float factor,
		 float high, float original)
{
	for (size_t k = 0; k < n; k++) {
		const float w = (float)(2 * acos(-1.0)) *
				powf((float)theta, (float)k / (float)n);
		const float s = (original / w - 1) / (high - 1);

		factors[k] = w < original / high ? 1 :
			     w > original	 ? factor :
						   1 / ((1 - s) / factor + s);
	}
}

static void check(size_t n, double theta, float factor, float high,
		  uint64_t original)
{
	struct rope_llama3 found;
	float factors[MAX];

	make(factors, n, theta, factor, high, (float)original);
	assert_true(rope_find_llama3(factors, n, theta, &found));
	assert_float_equal(found.factor, factor, 0);
	assert_float_equal(found.low_freq_factor, 1, 0);
	assert_float_equal(found.high_freq_factor, high, 0);
	assert_int_equal(found.original_context, original);
}

static void test_published(void **state)
{
	(void)state;
	check(64, 500000, 8, 4, 8192);  /* Llama 3.1 */
	check(32, 500000, 32, 4, 8192); /* Llama 3.2 1B */
	check(64, 500000, 32, 4, 8192); /* Llama 3.2 3B */
}

static void test_others(void **state)
{
	(void)state;
	check(8, 500000, 8, 4, 64); /* one factor between 1 and 8 */
	check(64, 1000000, 16, 8, 8192);
	check(64, 10000, 4, 2.5F, 6000);
}

static void test_unscaled(void **state)
{
	static const float ones[] = { 1, 1, 1, 1 };
	struct rope_llama3 found;

	(void)state;
	assert_true(rope_find_llama3(ones, 4, 10000, &found));
	assert_float_equal(found.factor, 1, 0);
}

static void test_no_scaling_of_that_kind(void **state)
{
	static const float falling[] = { 8, 4, 2, 1, 1, 1, 1, 1 };
	static const float below[] = { 1, 1, 1, 0.5F, 8, 8, 8, 8 };
	static const float infinite[] = { 1, 1, 1, 2, 8, 8, 8, INFINITY };
	float factors[MAX];
	struct rope_llama3 found;

	(void)state;
	assert_false(rope_find_llama3(falling, 8, 500000, &found));
	assert_false(rope_find_llama3(below, 8, 500000, &found));
	assert_false(rope_find_llama3(infinite, 8, 500000, &found));
	make(factors, 64, 500000, 8, 4, 8192);
	assert_false(rope_find_llama3(factors, 64, 10000, &found));
	factors[31] *= 1.001F;
	assert_false(rope_find_llama3(factors, 64, 500000, &found));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_unscaled),
		cmocka_unit_test(test_no_scaling_of_that_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Checks the IQ tables independently of the script that made them: by the rules
 * of their lattices, and by FNV-1a hashes of the same tables in ggml-common.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernels/formats/iq_points.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define FNV_BASIS 0xcbf29ce484222325

struct grid {
	const uint32_t *words;
	size_t n_words;
	size_t n_points;
	const char *values; /* the values of a point's bytes, ascending */
	int even; /* a point's bytes, by their ranks in `values`, add to that */
	uint64_t hash;
};

static const char iq2_values[] = { 8, 25, 43, 0 };
static const char iq3_xxs_values[] = { 4, 12, 20, 28, 36, 44, 52, 62, 0 };
static const char iq3_s_values[] = { 1, 3, 5, 7, 9, 11, 13, 15, 0 };

static const struct grid grids[] = {
	{ iq2_xxs_grid, N(iq2_xxs_grid), 256, iq2_values, 1,
	  0xbb4ee025b5ac6e8e },
	{ iq2_xs_grid, N(iq2_xs_grid), 512, iq2_values, 1,
	  0xc9b1ee61e79909bd },
	{ iq2_s_grid, N(iq2_s_grid), 1024, iq2_values, 1,
	  0x123edd38a3b62b90 },
	{ iq3_xxs_grid, N(iq3_xxs_grid), 256, iq3_xxs_values, 1,
	  0xdfa5dc83d6a155d5 },
	{ iq3_s_grid, N(iq3_s_grid), 512, iq3_s_values, 0,
	  0xfa37020c25b44829 },
};

static uint64_t fnv1a(uint64_t hash, unsigned byte)
{
	return (hash ^ byte) * 0x100000001b3;
}

static unsigned rank_of(unsigned byte, const char *values)
{
	const char *value = strchr(values, (int)byte);

	assert_int_not_equal(byte, 0);
	assert_non_null(value);
	return (unsigned)(value - values);
}

static void check_grid(const struct grid *grid)
{
	const size_t point_words = grid->n_words / grid->n_points;
	uint64_t hash = FNV_BASIS, last = 0;

	assert_int_equal(grid->n_words, grid->n_points * point_words);
	for (size_t i = 0; i < grid->n_points; i++) {
		uint64_t point = 0;
		unsigned sum = 0;

		memcpy(&point, grid->words + i * point_words, 4 * point_words);
		for (unsigned j = 0; j < 4 * point_words; j++) {
			const unsigned byte = point >> 8 * j & 255;

			sum += rank_of(byte, grid->values);
			hash = fnv1a(hash, byte);
		}
		assert_true(point > last);
		assert_true(!grid->even || sum % 2 == 0);
		last = point;
	}
	assert_true(hash == grid->hash);
}

static void test_grids_are_the_lattice_points(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(grids); i++)
		check_grid(&grids[i]);
}

static void test_iq1_grid_is_ternary(void **state)
{
	uint64_t hash = FNV_BASIS;

	(void)state;
	assert_int_equal(N(iq1_grid), 2048);
	for (size_t i = 0; i < N(iq1_grid); i++) {
		assert_true(i == 0 || iq1_grid[i] > iq1_grid[i - 1]);
		for (unsigned j = 0; j < 8; j++) {
			const unsigned code = iq1_grid[i] >> 2 * j & 3;

			assert_in_range(code, 0, 2);
			hash = fnv1a(hash, (code - 1) & 255);
		}
	}
	assert_true(hash == 0x6703ed863501ae2e);
}

static void test_signs_are_even(void **state)
{
	(void)state;
	for (unsigned seven = 0; seven < 128; seven++) {
		const unsigned signs = iq_even_signs(seven);

		assert_int_equal(signs & 127, seven);
		assert_in_range(signs, 0, 255);
		assert_int_equal(__builtin_popcount(signs) % 2, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grids_are_the_lattice_points),
		cmocka_unit_test(test_iq1_grid_is_ternary),
		cmocka_unit_test(test_signs_are_even),
	};

	return cmocka_run_group_tests_name("iq_tables", tests, NULL, NULL);
}

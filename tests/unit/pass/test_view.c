#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pass/view.h"
#include "../fake_model.h"

static struct error err;

/* Two F32 tensors of n weights, 0, 1, 2, … and -0, -1, -2, …; and one of Q8_0,
 * whose weight number i is quant(i). */
struct sources {
	struct fake_model fake;
	struct plan_tensor tensors[3];
	const struct cpu_rows *rows;
};

static int8_t quant(uint64_t i)
{
	return (int8_t)(i * 7 % 251 - 120);
}

static void sources_init(struct sources *s, uint64_t n)
{
	const uint64_t n_blocks = n / 32;
	const size_t size = 8 * n + 34 * n_blocks;
	float *const values = malloc(size);
	int8_t *block = (int8_t *)&values[2 * n];
	struct source *source;
	const int fd = memfd_create("view", MFD_CLOEXEC);

	assert_non_null(values);
	for (uint64_t i = 0; i < n; i++) {
		values[i] = (float)i;
		values[n + i] = -(float)i;
	}
	for (uint64_t i = 0; i < n_blocks; i++, block += 34) {
		memcpy(block, "\x00\x3c", 2); /* the scale: 1 */
		for (unsigned k = 0; k < 32; k++)
			block[2 + k] = quant(32 * i + k);
	}
	assert_int_equal(write(fd, values, size), size);
	free(values);
	fake_model_init(&s->fake, 3);
	source = &s->fake.shard.source;
	source->fd = fd;
	source->size = size;
	fake_model_add(&s->fake, "plus", FORMAT_F32, n, 0);
	fake_model_add(&s->fake, "minus", FORMAT_F32, n, 4 * n);
	fake_model_add(&s->fake, "quants", FORMAT_Q8_0, n / 32 * 32, 8 * n);
	for (unsigned i = 0; i < 3; i++)
		s->tensors[i] = (struct plan_tensor){
			.tensor = &s->fake.model.tensors[i] };
	s->rows = cpu_rows_chosen(&err);
	assert_non_null(s->rows);
}

/* Reads it in pieces of any size, and compares with the values. */
static void assert_reads(const struct sources *s, const struct view *view,
			 const float *values, size_t n)
{
	static const size_t sizes[] = { 1, 2, 3, 31, 64, 1000, 4096, 1 << 20 };
	float *const got = calloc(n, sizeof(*got));
	struct view_scratch scratch = { .values = NULL };
	struct view_cache cache;

	assert_non_null(got);
	view_cache_init(&cache, 300000);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		scratch.cache = i % 2 ? &cache : NULL;
		for (size_t at = 0, now; at < n; at += now) {
			now = n - at < sizes[i] ? n - at : sizes[i];
			assert_int_equal(view_read(view, s->rows, &scratch,
						   4 * at, got + at, 4 * now,
						   &err), 0);
		}
		assert_memory_equal(got, values, n * sizeof(*got));
		memset(got, 0xee, n * sizeof(*got));
	}
	view_scratch_release(&scratch);
	view_cache_release(&cache);
	free(got);
}

/* Heads of d rows of `columns` weights. */
static void check_unpermute(uint64_t heads, uint64_t d, uint64_t columns)
{
	const size_t n = heads * d * columns;
	float *const values = calloc(n, sizeof(*values));
	struct sources s;
	struct view view = { .n_groups = heads, .columns = columns,
			     .n_bands = 2 };
	size_t window, at = 0;

	sources_init(&s, n);
	for (unsigned j = 0; j < 2; j++)
		view.bands[j] = (struct view_band){
			.from = { &s.tensors[0] }, .n_from = 1, .rows = d / 2,
			.row_weights = columns, .first = j, .step = 2,
			.step_group = d,
		};
	for (uint64_t h = 0; h < heads; h++)
		for (unsigned j = 0; j < 2; j++)
			for (uint64_t k = 0; k < d / 2; k++)
				for (uint64_t c = 0; c < columns; c++)
					values[at++] = (float)(
						(h * d + 2 * k + j) * columns +
						c);
	assert_reads(&s, &view, values, n);
	assert_true(view_is_sequential(&view, &window));
	assert_int_equal(window, d * columns * 4);
	assert_int_equal(view_stored_bytes(&view), 4 * n);
	fake_model_release(&s.fake);
	free(values);
}

static void test_unpermute(void **state)
{
	(void)state;
	check_unpermute(1, 2, 1);
	check_unpermute(3, 4, 5);
	check_unpermute(2, 128, 100); /* more than a window */
	check_unpermute(64, 128, 1);
}

/* Columns from n_from tensors in turn, of row_weights each. */
static void check_transpose(uint64_t groups, uint64_t a, uint64_t b,
			    unsigned n_from)
{
	const size_t n = groups * a * b;
	float *const values = calloc(n * n_from, sizeof(*values));
	struct sources s;
	struct view view = {
		.n_groups = groups, .columns = b * n_from, .n_bands = 1,
		.bands = { { .n_from = n_from, .transposed = true, .rows = a,
			     .row_weights = a, .step = 1, .step_group = b } },
		.values = true,
	};
	size_t window, at = 0;

	sources_init(&s, n);
	view.bands[0].from[0] = &s.tensors[0];
	view.bands[0].from[1] = &s.tensors[1];
	for (uint64_t g = 0; g < groups; g++)
		for (uint64_t k = 0; k < a; k++)
			for (uint64_t c = 0; c < b * n_from; c++) {
				const float value = (float)(
					(g * b + c / n_from) * a + k);

				values[at++] = c % n_from ? -value : value;
			}
	assert_reads(&s, &view, values, n * n_from);
	assert_false(view_is_sequential(&view, &window));
	assert_int_equal(view_stored_bytes(&view), 4 * n * n_from);

	if (n_from == 1 && a % 32 == 0) {
		view.bands[0].from[0] = &s.tensors[2];
		for (size_t i = 0; i < n; i++)
			values[i] = quant((uint64_t)values[i]);
		assert_reads(&s, &view, values, n);
	}
	fake_model_release(&s.fake);
	free(values);
}

static void test_transpose(void **state)
{
	(void)state;
	check_transpose(1, 1, 1, 1);
	check_transpose(1, 32, 3, 1);
	check_transpose(2, 513, 17, 1);
	check_transpose(1, 1024, 64, 1);
	check_transpose(1, 5000, 40, 1);
	check_transpose(2, 96, 33, 1);
	check_transpose(3, 5, 7, 2);
	check_transpose(1, 1, 3000, 2);
	check_transpose(2, 600, 20, 2);
}

/* For each head 2 rows of the first, transposed, above 3 of the second. */
static void test_stack(void **state)
{
	enum { HEADS = 4, A = 2, B = 32, C = 3, ROWS = A + C };
	struct sources s;
	float values[HEADS * ROWS * B];
	struct view view = {
		.n_groups = HEADS, .columns = B, .n_bands = 2,
		.bands = { { .n_from = 1, .transposed = true, .rows = A,
			     .row_weights = A, .step = 1, .step_group = B },
			   { .n_from = 1, .rows = C, .row_weights = B,
			     .step = 1, .step_group = C } },
		.values = true,
	};
	size_t at = 0;

	(void)state;
	sources_init(&s, HEADS * C * B);
	view.bands[0].from[0] = &s.tensors[1];
	view.bands[1].from[0] = &s.tensors[2];
	for (unsigned h = 0; h < HEADS; h++) {
		for (unsigned k = 0; k < A; k++)
			for (unsigned c = 0; c < B; c++)
				values[at++] = -(float)((h * B + c) * A + k);
		for (unsigned k = 0; k < C; k++)
			for (unsigned c = 0; c < B; c++)
				values[at++] = quant((h * C + k) * B + c);
	}
	assert_reads(&s, &view, values, at);
	fake_model_release(&s.fake);
}

/* 3 groups of 4 rows of q, 2 of k and 2 of v, which are stored apart. */
static void test_regroup(void **state)
{
	enum { GROUPS = 3, Q = 4, K = 2, COLUMNS = 5, ROWS = Q + 2 * K };
	struct sources s;
	float values[GROUPS * ROWS * COLUMNS];
	struct view view = { .n_groups = GROUPS, .columns = COLUMNS,
			     .n_bands = 3 };
	size_t window, at = 0;

	(void)state;
	sources_init(&s, GROUPS * ROWS * COLUMNS);
	for (unsigned i = 0; i < 3; i++) {
		const uint64_t rows = i ? K : Q;

		view.bands[i] = (struct view_band){
			.from = { &s.tensors[0] }, .n_from = 1, .rows = rows,
			.row_weights = COLUMNS, .step = 1, .step_group = rows,
			.first = i == 0 ? 0 : GROUPS * (i == 1 ? Q : Q + K),
		};
	}
	for (unsigned g = 0; g < GROUPS; g++)
		for (unsigned i = 0; i < 3; i++)
			for (unsigned k = 0; k < view.bands[i].rows; k++)
				for (unsigned c = 0; c < COLUMNS; c++) {
					const struct view_band *const band =
						&view.bands[i];
					const uint64_t row = band->first +
						g * band->rows + k;

					values[at++] = (float)(row * COLUMNS +
							       c);
				}
	assert_reads(&s, &view, values, at);
	assert_true(view_is_sequential(&view, &window));
	assert_int_equal(window, sizeof(values)); /* all of it */
	fake_model_release(&s.fake);
}

static void test_minus_one(void **state)
{
	enum { N = 1000 };
	struct sources s;
	float values[N];
	struct view view = {
		.n_groups = 1, .columns = N, .n_bands = 1,
		.bands = { { .n_from = 1, .rows = 1, .row_weights = N,
			     .step = 1 } },
		.values = true,
		.minus_one = true,
	};
	size_t window;

	(void)state;
	sources_init(&s, N);
	view.bands[0].from[0] = &s.tensors[1];
	for (unsigned i = 0; i < N; i++)
		values[i] = -(float)i - 1;
	assert_reads(&s, &view, values, N);
	assert_true(view_is_sequential(&view, &window));
	assert_int_equal(window, 0);
	fake_model_release(&s.fake);
}

static bool holds(const struct view_region *region, const char *text)
{
	return region && region->size == strlen(text) &&
	       !memcmp(region->bytes, text, region->size);
}

static void test_cache(void **state)
{
	const int fd = memfd_create("cache", MFD_CLOEXEC);
	struct source source = { .fd = fd, .name = (char[]){ "cache" },
				 .seekable = true, .size = 10 };
	struct view_region *a, *b, *c;
	struct view_cache cache;

	(void)state;
	assert_int_equal(write(fd, "0123456789", 10), 10);
	view_cache_init(&cache, 8);
	a = view_cache_take(&cache, &source, 1, 4);
	assert_true(holds(a, "1234"));
	assert_ptr_equal(view_cache_take(&cache, &source, 1, 4), a);
	b = view_cache_take(&cache, &source, 5, 3);
	assert_true(holds(b, "567"));
	/* There is no room while they have users. */
	assert_null(view_cache_take(&cache, &source, 0, 2));
	view_cache_give(&cache, a);
	assert_null(view_cache_take(&cache, &source, 0, 2));
	view_cache_give(&cache, a);
	c = view_cache_take(&cache, &source, 0, 2);
	assert_true(holds(c, "01"));
	assert_true(holds(b, "567"));
	view_cache_give(&cache, b);
	view_cache_give(&cache, c);
	/* A region that cannot be read is none, now and later. */
	assert_null(view_cache_take(&cache, &source, 8, 4));
	assert_null(view_cache_take(&cache, &source, 8, 4));
	assert_null(view_cache_take(&cache, &source, 0, 9));
	a = view_cache_take(&cache, &source, 2, 8);
	assert_true(holds(a, "23456789"));
	view_cache_give(&cache, a);
	view_cache_release(&cache);
	close(fd);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unpermute),
		cmocka_unit_test(test_transpose),
		cmocka_unit_test(test_stack),
		cmocka_unit_test(test_regroup),
		cmocka_unit_test(test_minus_one),
		cmocka_unit_test(test_cache),
	};

	return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}

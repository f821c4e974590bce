#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pass/part.h"
#include "../fake_model.h"

static struct error err;

static const struct plan_globs everything;

static const unsigned counts[] = { 1, 2, 3, 5, 7, 64, PART_MAX_COUNT };

#define N_COUNTS (sizeof(counts) / sizeof(*counts))

struct fixture {
	struct fake_model fake;
	struct plan plan;
};

/* Rows of 1 KiB as F32, a row of blocks, integers, and nothing. */
static int set_up(void **state)
{
	static const struct {
		const char *name;
		enum format_index format;
		uint64_t row, rows;
	} tensors[] = {
		{ "none", FORMAT_F32, 0, 0 },	{ "a", FORMAT_Q4_K, 256, 7 },
		{ "b", FORMAT_Q8_0, 32, 1 },	{ "c", FORMAT_F16, 256, 40 },
		{ "d", FORMAT_I8, 5, 1 },	{ "e", FORMAT_Q8_0, 320, 1 },
		{ "end", FORMAT_F32, 0, 0 },
	};
	struct fixture *const f = calloc(1, sizeof(*f));

	assert_non_null(f);
	fake_model_init(&f->fake, 7);
	for (size_t i = 0; i < 7; i++) {
		const uint64_t row = tensors[i].row, rows = tensors[i].rows;
		struct gguf_tensor *const info = &f->fake.infos[i];

		fake_model_add(&f->fake, tensors[i].name, tensors[i].format,
			       row * rows, 100000 * i);
		info->n_dims = rows > 1 ? 2 : 1;
		info->dims[0] = row;
		info->dims[1] = rows > 1 ? rows : 1;
	}
	assert_int_equal(plan_init(&f->plan, &f->fake.model, &everything,
				   OUTPUT_F32, &err), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *const f = *state;

	plan_release(&f->plan);
	fake_model_release(&f->fake);
	free(f);
	return 0;
}

/* Parts follow one another, and none is larger than its share and one file. */
static void check_files(const struct plan *whole, unsigned count,
			const size_t *file_of, uint64_t largest)
{
	size_t next = 0;

	for (unsigned i = 1; i <= count; i++) {
		const struct plan_part which = { i, count };
		struct plan part;

		assert_int_equal(part_init_files(&part, whole, which, file_of,
						 &err), 0);
		assert_ptr_equal(part.whole, whole);
		assert_int_equal(plan_leads(&part), i == 1);
		if (part.n_tensors)
			assert_int_equal(part.first, next);
		for (size_t k = 0; k < part.n_tensors; k++, next++) {
			assert_ptr_equal(part.tensors[k].tensor,
					 whole->tensors[next].tensor);
			assert_int_equal(part.tensors[k].index, k);
		}
		if (file_of && next && next < whole->n_tensors)
			assert_int_not_equal(file_of[next], file_of[next - 1]);
		assert_true(part.dst_bytes <=
			    whole->dst_bytes / count + 1 + largest);
		plan_release(&part);
	}
	assert_int_equal(next, whole->n_tensors);
}

static void test_files(void **state)
{
	static const size_t file_of[] = { 0, 0, 1, 1, 1, 2, 2 };
	const struct fixture *const f = *state;

	for (size_t i = 0; i < N_COUNTS; i++) {
		check_files(&f->plan, counts[i], NULL, 40 * 1024);
		check_files(&f->plan, counts[i], file_of, 41 * 1024);
	}
}

static void test_nothing(void **state)
{
	const struct plan none = { .n_tensors = 0 };
	struct plan plan = ((struct fixture *)*state)->plan;

	check_files(&none, 3, NULL, 0);
	plan.n_tensors = 1; /* without weights */
	plan.dst_bytes = 0;
	check_files(&plan, 3, NULL, 0);
}

/* The rows of all parts are those of the whole, in its order. */
static void check_rows(const struct plan *whole, unsigned count, bool scaled)
{
	uint64_t next_src[7] = { 0 }, next = 0;

	for (unsigned i = 1; i <= count; i++) {
		struct part_rows rows;
		struct plan part;

		assert_int_equal(part_init_rows(&part, &rows, whole,
						(struct plan_part){ i, count },
						&err), 0);
		for (size_t k = 0; k < part.n_tensors; k++) {
			const struct gguf_tensor *const info =
				part.tensors[k].tensor->info;
			const size_t t = info->offset / 100000;
			const struct gguf_tensor *const of =
				whole->tensors[t].tensor->info;

			assert_int_equal(next, whole->tensors[t].raw_offset +
					 part.tensors[k].dst_bytes *
					 next_src[t] / info->bytes);
			assert_int_equal(info->offset % 100000, next_src[t]);
			assert_int_equal(info->n_weights,
					 info->dims[0] * info->dims[1]);
			assert_int_equal(info->n_weights * of->n_blocks,
					 info->n_blocks * of->n_weights);
			if (of->n_dims > 1)
				assert_int_equal(info->dims[0], of->dims[0]);
			if (scaled && t == 3)
				assert_ptr_equal(info, of);
			next_src[t] += info->bytes;
			next += part.tensors[k].dst_bytes;
		}
		if (!scaled)
			assert_true(part.dst_bytes <=
				    whole->dst_bytes / count + 1 + 1024);
		plan_release(&part);
	}
	assert_int_equal(next, whole->dst_bytes);
}

static void test_rows(void **state)
{
	const float scale = 2;
	struct fixture *const f = *state;

	for (size_t i = 0; i < N_COUNTS; i++)
		check_rows(&f->plan, counts[i], false);
	f->plan.tensors[3].scales = &scale;
	for (size_t i = 0; i < N_COUNTS; i++)
		check_rows(&f->plan, counts[i], true);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_files),
		TEST(test_nothing),
		TEST(test_rows),
	};

	return cmocka_run_group_tests_name("part", tests, NULL, NULL);
}

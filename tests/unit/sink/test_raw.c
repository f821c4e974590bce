#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sink/kinds.h"
#include "../fake_model.h"
#include "../scratch.h"

static struct error err;

static const struct plan_globs everything;
static struct sink *open_sink(const char *path, struct plan *plan)
{
	struct output *output = output_open(path,
		&(struct output_options){ .force = false }, &err);
	struct sink *sink;

	assert_non_null(output);
	sink = sink_raw_open(output, plan, NULL, &err);
	assert_non_null(sink);
	return sink;
}

/* Writes the plan in one batch, its bytes being `text`. */
static void write_plan(struct sink *sink, const struct plan *plan,
		       const char *text)
{
	struct plan_cursor cursor = { .plan = plan,
				      .slot_bytes = PLAN_MIN_SLOT };
	struct work_batch batch;

	assert_true(plan_next(&cursor, &batch));
	assert_int_equal(batch.out_bytes, strlen(text));
	assert_int_equal(sink->write(sink, &batch, text, &err), 0);
	assert_false(plan_next(&cursor, &batch));
}

/* Four tensors of 2 bytes, in the file in the order b, c, d, a. */
static void make_plans(struct fake_model *fake, struct plan *plan,
		       struct plan *sorted)
{
	fake_model_init(fake, 4);
	fake_model_add(fake, "a", FORMAT_I8, 2, 96);
	fake_model_add(fake, "b", FORMAT_I8, 2, 0);
	fake_model_add(fake, "c", FORMAT_I8, 2, 32);
	fake_model_add(fake, "d", FORMAT_I8, 2, 64);
	assert_int_equal(plan_init(plan, &fake->model, &everything, OUTPUT_F32,
				   &err), 0);
	assert_int_equal(plan_init_by_source(sorted, plan, &err), 0);
}

static void test_file(void **state)
{
	struct fake_model fake;
	struct plan plan, sorted;
	struct sink *sink;

	(void)state;
	make_plans(&fake, &plan, &sorted);
	sink = open_sink("table", &plan);
	assert_true(sink->any_order);
	write_plan(sink, &plan, "aabbccdd");
	assert_int_equal(sink->finish(sink, &err), 0);
	assert_string_equal(scratch_read("table"), "aabbccdd");

	sink = open_sink("source", &sorted);
	write_plan(sink, &sorted, "bbccddaa");
	assert_int_equal(sink->finish(sink, &err), 0);
	assert_string_equal(scratch_read("source"), "aabbccdd");
	plan_release(&plan);
	plan_release(&sorted);
	fake_model_release(&fake);
}

static void test_pipe(void **state)
{
	char path[32], bytes[9] = "";
	struct fake_model fake;
	struct plan plan, sorted;
	struct sink *sink;
	int fds[2];

	(void)state;
	make_plans(&fake, &plan, &sorted);
	assert_int_equal(pipe(fds), 0);
	snprintf(path, sizeof(path), "/dev/fd/%d", fds[1]);
	sink = open_sink(path, &plan);
	assert_false(sink->any_order);
	write_plan(sink, &plan, "aabbccdd");
	assert_int_equal(sink->finish(sink, &err), 0);
	assert_int_equal(read(fds[0], bytes, 8), 8);
	assert_string_equal(bytes, "aabbccdd");
	close(fds[0]);
	close(fds[1]);
	plan_release(&plan);
	plan_release(&sorted);
	fake_model_release(&fake);
}

static void test_errors(void **state)
{
	struct fake_model fake;
	struct plan plan, sorted;
	struct plan_cursor cursor = { .plan = &plan,
				      .slot_bytes = PLAN_MIN_SLOT };
	struct work_batch batch;
	struct sink *sink;

	(void)state;
	make_plans(&fake, &plan, &sorted);
	sink = open_sink("/dev/full", &plan);
	assert_true(plan_next(&cursor, &batch));
	assert_int_equal(sink->write(sink, &batch, "aabbccdd", &err), -1);
	assert_string_equal(err.message, "cannot write '/dev/full': "
					 "No space left on device");
	sink->abort(sink);

	sink = open_sink("aborted", &plan);
	assert_int_equal(sink->write(sink, &batch, "aabbccdd", &err), 0);
	sink->abort(sink);
	assert_int_equal(scratch_count("."), 0);

	sink = open_sink("taken", &plan);
	scratch_write("taken", "theirs");
	assert_int_equal(sink->finish(sink, &err), -1);
	assert_int_equal(scratch_count("."), 1);
	plan_release(&plan);
	plan_release(&sorted);
	fake_model_release(&fake);
}

static void test_no_room(void **state)
{
	struct plan plan = { .dst_bytes = INT64_MAX };
	struct output *output;

	(void)state;
	if (!scratch_reserves())
		skip();
	output = output_open("out",
		&(struct output_options){ .force = false }, &err);
	assert_null(sink_raw_open(output, &plan, NULL, &err));
	assert_memory_equal(err.message, "cannot write 'out': ", 20);
	assert_int_equal(scratch_count("."), 0);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, scratch_enter, scratch_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_file),
		TEST(test_pipe),
		TEST(test_errors),
		TEST(test_no_room),
	};

	return cmocka_run_group_tests_name("sink_raw", tests, NULL, NULL);
}

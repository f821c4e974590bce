#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "../../src/sink_checksum.h"
#include "fake_model.h"

#define LONG_BYTES 10000 /* more than one batch */

static struct error err;

static const struct plan_globs everything;

/* ----------------------- a sink that tells what it got --------------------- */

struct test_sink {
	struct sink sink;
	char got[4 * LONG_BYTES];
	size_t n;
	size_t prepared;
	bool fails;
	bool ended, aborted;
};

static int test_prepare(struct sink *sink, struct work_batch *batch,
			const void *bytes, struct error *error)
{
	(void)bytes;
	(void)error;
	((struct test_sink *)sink)->prepared += batch->out_bytes;
	return 0;
}

static int test_write(struct sink *sink, const struct work_batch *batch,
		      const void *bytes, struct error *error)
{
	struct test_sink *const test = (struct test_sink *)sink;

	if (test->fails)
		return error_set(error, "no write");
	memcpy(test->got + test->n, bytes, batch->out_bytes);
	test->n += batch->out_bytes;
	return 0;
}

static int test_end(struct sink *sink, struct error *error)
{
	((struct test_sink *)sink)->ended = true;
	return ((struct test_sink *)sink)->fails ? error_set(error, "no end") :
						   0;
}

static void test_abort(struct sink *sink)
{
	((struct test_sink *)sink)->aborted = true;
}

static void test_sink_init(struct test_sink *test)
{
	memset(test, 0, sizeof(*test));
	test->sink = (struct sink){
		.prepare = test_prepare,
		.write = test_write,
		.end = test_end,
		.abort = test_abort,
	};
}

/* --------------------- a checksum that can be made to fail ----------------- */

/* That of "abc" is 'a' + 'b' + 'c', in two bytes. */
struct weak {
	unsigned sum;
};

enum step { STEP_NONE, STEP_OPEN, STEP_BEGIN, STEP_UPDATE, STEP_END };
static enum step failing;
static unsigned n_open;

static void *weak_open(void)
{
	if (failing == STEP_OPEN)
		return NULL;
	n_open++;
	return calloc(1, sizeof(struct weak));
}

static bool weak_begin(void *state, uint64_t total)
{
	(void)total;
	((struct weak *)state)->sum = 0;
	return failing != STEP_BEGIN;
}

static bool weak_update(void *state, const void *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((struct weak *)state)->sum += ((const unsigned char *)bytes)[i];
	return failing != STEP_UPDATE;
}

static bool weak_end(void *state, unsigned char *sum)
{
	sum[0] = (unsigned char)(((struct weak *)state)->sum >> 8);
	sum[1] = (unsigned char)((struct weak *)state)->sum;
	return failing != STEP_END;
}

static void weak_close(void *state)
{
	n_open -= state != NULL;
	free(state);
}

static const struct checksum weak = {
	"weak", "WEAK", "", 2, weak_open, weak_begin, weak_update, weak_end,
	weak_close,
};

/* ---------------------------------- tests --------------------------------- */

/* In the file in the order b, long, none, a. */
static void make_plans(struct fake_model *fake, struct plan *plan,
		       struct plan *sorted)
{
	fake_model_init(fake, 4);
	fake_model_add(fake, "a", FORMAT_I8, 2, 20000);
	fake_model_add(fake, "b", FORMAT_I8, 1, 0);
	fake_model_add(fake, "none", FORMAT_I8, 0, 19000);
	fake_model_add(fake, "long", FORMAT_I8, LONG_BYTES, 32);
	assert_int_equal(plan_init(plan, &fake->model, &everything, OUTPUT_F32,
				   &err), 0);
	assert_int_equal(plan_init_by_source(sorted, plan, &err), 0);
}

static void release(struct fake_model *fake, struct plan *plan,
		    struct plan *sorted)
{
	plan_release(plan);
	plan_release(sorted);
	fake_model_release(fake);
	assert_int_equal(n_open, 0);
}

/* Every byte of tensor "a" is 'a', and so on. */
static int write_plan(struct sink *sink, const struct plan *plan)
{
	struct plan_cursor cursor = { plan, PLAN_MIN_SLOT, 0, 0 };
	struct work_batch batch;
	char bytes[PLAN_MIN_SLOT];

	while (plan_next(&cursor, &batch)) {
		for (size_t i = 0; i < batch.n_items; i++)
			memset(bytes + batch.items[i].out,
			       batch.items[i].tensor->tensor->info->name.data[0],
			       batch.items[i].dst_bytes);
		if (sink->prepare)
			(void)sink->prepare(sink, &batch, bytes, &err);
		if (sink->write(sink, &batch, bytes, &err))
			return -1;
	}
	return 0;
}

static void test_checksums(void **state)
{
	static struct test_sink inner;
	static const unsigned long_sum = LONG_BYTES * 'l';
	const unsigned char expected[] = {
		0, 2 * 'a', 0, 'b', 0, 0,
		(unsigned char)(long_sum >> 8), (unsigned char)long_sum,
	};
	struct fake_model fake;
	struct plan plan, sorted;

	(void)state;
	make_plans(&fake, &plan, &sorted);
	for (unsigned any_order = 0; any_order < 2; any_order++) {
		unsigned char sums[sizeof(expected)];
		struct sink *sink;

		memset(sums, 0xa5, sizeof(sums));
		test_sink_init(&inner);
		inner.sink.any_order = any_order;
		sink = sink_checksum_open(&inner.sink, &plan, &weak, sums,
					  &err);
		assert_non_null(sink);
		assert_int_equal(sink->any_order, any_order);
		assert_int_equal(write_plan(sink, any_order ? &sorted : &plan),
				 0);
		assert_int_equal(inner.prepared, LONG_BYTES + 3);
		assert_int_equal(inner.n, LONG_BYTES + 3);
		assert_int_equal(inner.got[0], any_order ? 'b' : 'a');
		assert_int_equal(sink->end(sink, &err), 0);
		assert_true(inner.ended && !inner.aborted);
		assert_memory_equal(sums, expected, sizeof(sums));
	}
	release(&fake, &plan, &sorted);
}

static void test_no_prepare(void **state)
{
	static struct test_sink inner;
	unsigned char sums[8];
	struct fake_model fake;
	struct plan plan, sorted;
	struct sink *sink;

	(void)state;
	make_plans(&fake, &plan, &sorted);
	test_sink_init(&inner);
	inner.sink.prepare = NULL;
	sink = sink_checksum_open(&inner.sink, &plan, &weak, sums, &err);
	assert_non_null(sink);
	assert_null(sink->prepare);
	sink->abort(sink);
	assert_true(inner.aborted && !inner.ended);
	release(&fake, &plan, &sorted);
}

static void test_the_checksum_fails(void **state)
{
	static struct test_sink inner;
	unsigned char sums[8];
	struct fake_model fake;
	struct plan plan, sorted;

	(void)state;
	make_plans(&fake, &plan, &sorted);
	/* The empty tensor's checksum is made at once. */
	for (size_t i = 0; i < 3; i++) {
		failing = (enum step[]){ STEP_OPEN, STEP_BEGIN, STEP_END }[i];
		test_sink_init(&inner);
		assert_null(sink_checksum_open(&inner.sink, &plan, &weak, sums,
					       &err));
		assert_string_equal(err.message, "cannot compute WEAK");
		assert_true(inner.aborted && !inner.ended);
	}
	for (size_t i = 0; i < 3; i++) {
		struct sink *sink;

		failing = STEP_NONE;
		test_sink_init(&inner);
		sink = sink_checksum_open(&inner.sink, &plan, &weak, sums,
					  &err);
		assert_non_null(sink);
		failing = (enum step[]){ STEP_BEGIN, STEP_UPDATE, STEP_END }[i];
		assert_int_equal(write_plan(sink, &plan), -1);
		assert_string_equal(err.message,
				    "cannot compute WEAK of tensor 'a'");
		assert_int_equal(inner.n, 0);
		sink->abort(sink);
		assert_true(inner.aborted && !inner.ended);
	}
	failing = STEP_NONE;
	release(&fake, &plan, &sorted);
}

static void test_the_inner_sink_fails(void **state)
{
	static struct test_sink inner;
	unsigned char sums[8];
	struct fake_model fake;
	struct plan plan, sorted;
	struct sink *sink;

	(void)state;
	make_plans(&fake, &plan, &sorted);
	test_sink_init(&inner);
	inner.fails = true;
	sink = sink_checksum_open(&inner.sink, &plan, &weak, sums, &err);
	assert_non_null(sink);
	assert_int_equal(write_plan(sink, &plan), -1);
	assert_string_equal(err.message, "no write");
	sink->abort(sink);
	assert_true(inner.aborted && !inner.ended);

	sink = sink_checksum_open(&inner.sink, &plan, &weak, sums, &err);
	assert_non_null(sink);
	assert_int_equal(sink->end(sink, &err), -1);
	assert_string_equal(err.message, "no end");
	release(&fake, &plan, &sorted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checksums),
		cmocka_unit_test(test_no_prepare),
		cmocka_unit_test(test_the_checksum_fails),
		cmocka_unit_test(test_the_inner_sink_fails),
	};

	return cmocka_run_group_tests_name("sink_checksum", tests, NULL, NULL);
}

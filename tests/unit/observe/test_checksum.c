#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "hash/blake3.h"
#include "hash/blake3_lanes.h"
#include "observe/checksum.h"
#include "../fake_model.h"

#define LONG_BYTES 10000 /* more than one batch */

static struct error err;

static const struct plan_globs everything;

/* ---------------------- a sink that tells what it got --------------------- */

struct test_sink {
	struct sink sink;
	char got[4 * LONG_BYTES];
	size_t n;
	size_t prepared;
	bool unprepared, fails;
	bool ended, aborted;
};

static int test_prepare(struct sink *sink, struct work_batch *batch,
			const void *bytes, struct error *error)
{
	(void)bytes;
	((struct test_sink *)sink)->prepared += batch->out_bytes;
	return ((struct test_sink *)sink)->unprepared ?
		       error_set(error, "no prepare") : 0;
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

/* -------------------- a checksum that can be made to fail ----------------- */

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
	const unsigned char *const values = bytes;

	for (size_t i = 0; i < n; i++)
		((struct weak *)state)->sum += values[i];
	return failing != STEP_UPDATE;
}

/* Here a part has the sum of its bytes in the place of the chunks. */
static void weak_join(void *state, const struct blake3_part *part)
{
	((struct weak *)state)->sum += (unsigned)part->n_chunks;
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
	"weak", "WEAK", "", 2, weak_open, weak_begin, weak_update, NULL,
	weak_end, weak_close,
};

static const struct checksum weak_parts = {
	"weak", "WEAK", "", 2, weak_open, weak_begin, NULL, weak_join,
	weak_end, weak_close,
};

static const struct blake3_lanes lanes;

/* ---------------------------------- tests --------------------------------- */

/* What every test needs. */
struct fixture {
	struct test_sink inner;
	struct fake_model fake;
	struct plan plan, sorted;
	unsigned char sums[8];
};

/* In the file in the order b, long, none, a. */
static int set_up(void **state)
{
	struct fixture *const f = calloc(1, sizeof(*f));

	assert_non_null(f);
	fake_model_init(&f->fake, 4);
	fake_model_add(&f->fake, "a", FORMAT_I8, 2, 20000);
	fake_model_add(&f->fake, "b", FORMAT_I8, 1, 0);
	fake_model_add(&f->fake, "none", FORMAT_I8, 0, 19000);
	fake_model_add(&f->fake, "long", FORMAT_I8, LONG_BYTES, 32);
	assert_int_equal(plan_init(&f->plan, &f->fake.model, &everything,
				   OUTPUT_F32, &err), 0);
	assert_int_equal(plan_init_by_source(&f->sorted, &f->plan, &err), 0);
	test_sink_init(&f->inner);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *const f = *state;

	plan_release(&f->plan);
	plan_release(&f->sorted);
	fake_model_release(&f->fake);
	free(f);
	return n_open != 0;
}

static struct sink *open_sink(struct fixture *f,
			      const struct checksum *checksum)
{
	return sink_checksum_open(&f->inner.sink, &f->plan, checksum, &lanes,
				  f->sums, &err);
}

/* Every byte of tensor "a" is 'a', and so on. */
static int write_plan(struct sink *sink, const struct plan *plan)
{
	struct plan_cursor cursor = { plan, PLAN_MIN_SLOT, 0, 0 };
	struct work_batch batch;
	struct blake3_part parts[PLAN_BATCH_ITEMS];
	char bytes[PLAN_MIN_SLOT];

	while (plan_next(&cursor, &batch)) {
		for (size_t i = 0; i < batch.n_items; i++) {
			struct work_item *const item = &batch.items[i];
			const char byte =
				item->tensor->tensor->info->name.data[0];

			memset(bytes + item->out, byte, item->dst_bytes);
			parts[i].n_chunks = item->dst_bytes * (size_t)byte;
			item->part = sink->blake3 ? &parts[i] : NULL;
		}
		if (sink->prepare &&
		    sink->prepare(sink, &batch, bytes, &err))
			return -1;
		if (sink->write(sink, &batch, bytes, &err))
			return -1;
	}
	return 0;
}

static void test_checksums(void **state)
{
	static const unsigned long_sum = LONG_BYTES * 'l';
	const unsigned char expected[] = {
		0, 2 * 'a', 0, 'b', 0, 0,
		(unsigned char)(long_sum >> 8), (unsigned char)long_sum,
	};
	struct fixture *const f = *state;

	for (unsigned i = 0; i < 4; i++) {
		const bool any_order = i & 1, by_parts = i & 2;
		struct sink *sink;

		memset(f->sums, 0xa5, sizeof(f->sums));
		test_sink_init(&f->inner);
		f->inner.sink.any_order = any_order;
		f->inner.sink.parts_only = true;
		sink = open_sink(f, by_parts ? &weak_parts : &weak);
		assert_non_null(sink);
		assert_int_equal(sink->any_order, any_order);
		assert_ptr_equal(sink->blake3, by_parts ? &lanes : NULL);
		assert_int_equal(sink->parts_only, by_parts);
		assert_int_equal(write_plan(sink, any_order ? &f->sorted :
							      &f->plan), 0);
		assert_int_equal(f->inner.prepared, LONG_BYTES + 3);
		assert_int_equal(f->inner.n, LONG_BYTES + 3);
		assert_int_equal(f->inner.got[0], any_order ? 'b' : 'a');
		assert_int_equal(sink->end(sink, &err), 0);
		assert_true(f->inner.ended && !f->inner.aborted);
		assert_memory_equal(f->sums, expected, sizeof(expected));
	}
}

static void test_no_prepare(void **state)
{
	struct fixture *const f = *state;
	struct sink *sink;

	f->inner.sink.prepare = NULL;
	sink = open_sink(f, &weak_parts);
	assert_non_null(sink);
	assert_null(sink->prepare);
	assert_false(sink->parts_only);
	sink->abort(sink);
	assert_true(f->inner.aborted && !f->inner.ended);
}

static void test_the_checksum_fails(void **state)
{
	struct fixture *const f = *state;

	/* The empty tensor's checksum is made at once. */
	for (size_t i = 0; i < 3; i++) {
		failing = (enum step[]){ STEP_OPEN, STEP_BEGIN, STEP_END }[i];
		test_sink_init(&f->inner);
		assert_null(open_sink(f, &weak));
		assert_string_equal(err.message, "cannot compute WEAK");
		assert_true(f->inner.aborted && !f->inner.ended);
	}
	for (size_t i = 0; i < 3; i++) {
		struct sink *sink;

		failing = STEP_NONE;
		test_sink_init(&f->inner);
		sink = open_sink(f, &weak);
		assert_non_null(sink);
		failing = (enum step[]){ STEP_BEGIN, STEP_UPDATE, STEP_END }[i];
		assert_int_equal(write_plan(sink, &f->plan), -1);
		assert_string_equal(err.message,
				    "cannot compute WEAK of tensor 'a'");
		assert_int_equal(f->inner.n, 0);
		sink->abort(sink);
		assert_true(f->inner.aborted && !f->inner.ended);
	}
	failing = STEP_NONE;
}

static void test_the_inner_sink_fails(void **state)
{
	struct fixture *const f = *state;
	struct sink *sink;

	f->inner.unprepared = true;
	sink = open_sink(f, &weak);
	assert_non_null(sink);
	assert_int_equal(write_plan(sink, &f->plan), -1);
	assert_string_equal(err.message, "no prepare");
	sink->abort(sink);

	f->inner.fails = true;
	f->inner.unprepared = f->inner.aborted = false;
	sink = open_sink(f, &weak);
	assert_non_null(sink);
	assert_int_equal(write_plan(sink, &f->plan), -1);
	assert_string_equal(err.message, "no write");
	sink->abort(sink);
	assert_true(f->inner.aborted && !f->inner.ended);

	sink = open_sink(f, &weak);
	assert_non_null(sink);
	assert_int_equal(sink->end(sink, &err), -1);
	assert_string_equal(err.message, "no end");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_checksums),
		TEST(test_no_prepare),
		TEST(test_the_checksum_fails),
		TEST(test_the_inner_sink_fails),
	};

	return cmocka_run_group_tests_name("sink_checksum", tests, NULL, NULL);
}

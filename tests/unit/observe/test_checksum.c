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
#include "../observing.h"

#define LONG_BYTES 10000 /* more than one batch */

static struct error err;

static const struct plan_globs everything;

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

static struct observer *open_observer(struct fixture *f,
				      const struct checksum *checksum)
{
	return checksum_observer_open(&f->plan, checksum, &lanes, f->sums,
				      &err);
}

/* Every byte of tensor "a" is 'a', and so on. */
static int observe_plan(struct observer *observer, const struct plan *plan)
{
	struct plan_cursor cursor = { .plan = plan,
				      .slot_bytes = PLAN_MIN_SLOT };
	struct work_batch batch;
	struct blake3_part parts[PLAN_BATCH_ITEMS];
	char bytes[PLAN_MIN_SLOT];
	struct observed observed = observed_values(&batch, bytes);

	if (observer->blake3)
		observed.parts = parts;
	while (plan_next(&cursor, &batch)) {
		for (size_t i = 0; i < batch.n_items; i++) {
			const struct work_item *const item = &batch.items[i];
			const char byte =
				item->tensor->tensor->info->name.data[0];

			memset(bytes + item->out, byte, item->dst_bytes);
			parts[i].n_chunks = item->dst_bytes * (size_t)byte;
		}
		if (observe_batch(observer, &observed, &err))
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
		const bool by_source = i & 1, by_parts = i & 2;
		struct observer *observer;

		memset(f->sums, 0xa5, sizeof(f->sums));
		observer = open_observer(f, by_parts ? &weak_parts : &weak);
		assert_non_null(observer);
		assert_true(observer->any_order);
		assert_ptr_equal(observer->blake3, by_parts ? &lanes : NULL);
		assert_int_equal(observer->reads_values, !by_parts);
		assert_int_equal(observe_plan(observer, by_source ? &f->sorted :
								    &f->plan),
				 0);
		assert_memory_equal(f->sums, expected, sizeof(expected));
		observer->close(observer);
	}
}

/* Batches of "long" and of "a", in turns. */
static void test_tracks(void **state)
{
	static const unsigned long_sum = LONG_BYTES * 'l';
	struct fixture *const f = *state;
	struct observer *const observer = open_observer(f, &weak);
	struct plan only[2] = { f->plan, f->plan };
	struct plan_cursor cursors[2];
	struct work_batch batch;
	char bytes[PLAN_MIN_SLOT];
	const struct observed observed = observed_values(&batch, bytes);
	bool more = true;

	assert_non_null(observer);
	assert_true(observer->any_tracks && observer->wants_tracks);
	only[0].tensors += 3;
	for (unsigned i = 0; i < 2; i++) {
		only[i].n_tensors = 1;
		cursors[i] = (struct plan_cursor){
			.plan = &only[i],
			.slot_bytes = PLAN_MIN_SLOT,
			.track = 3 * i + 1,
		};
	}
	while (more) {
		more = false;
		for (unsigned i = 0; i < 2; i++) {
			if (!plan_next(&cursors[i], &batch))
				continue;
			assert_int_equal(batch.track, 3 * i + 1);
			memset(bytes, i ? 'a' : 'l', batch.out_bytes);
			assert_int_equal(observe_batch(observer, &observed,
						       &err), 0);
			more = true;
		}
	}
	assert_int_equal(f->sums[0] << 8 | f->sums[1], 2 * 'a');
	assert_int_equal(f->sums[6] << 8 | f->sums[7], long_sum & 0xffff);
	observer->close(observer);
}

static void test_the_checksum_fails(void **state)
{
	struct fixture *const f = *state;

	/* The empty tensor's checksum is made at once. */
	for (size_t i = 0; i < 3; i++) {
		failing = (enum step[]){ STEP_OPEN, STEP_BEGIN, STEP_END }[i];
		assert_null(open_observer(f, &weak));
		assert_string_equal(err.message, "cannot compute WEAK");
	}
	for (size_t i = 0; i < 3; i++) {
		struct observer *observer;

		failing = STEP_NONE;
		observer = open_observer(f, &weak);
		assert_non_null(observer);
		failing = (enum step[]){ STEP_BEGIN, STEP_UPDATE, STEP_END }[i];
		assert_int_equal(observe_plan(observer, &f->plan), -1);
		assert_string_equal(err.message,
				    "cannot compute WEAK of tensor 'a'");
		observer->close(observer);
	}
	failing = STEP_NONE;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_checksums),
		TEST(test_tracks),
		TEST(test_the_checksum_fails),
	};

	return cmocka_run_group_tests_name("observe_checksum", tests, NULL,
					   NULL);
}

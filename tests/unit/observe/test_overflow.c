#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/rows.h"
#include "observe/overflow.h"
#include "../fake_model.h"
#include "../observing.h"

static const struct plan_globs everything;
static struct error err;

/* Puts a batch of two tensors of that format through the observer: "a" of 3
 * weights, and "b" of 2. */
static struct overflow observe_as(enum format_index format, const void *a,
				  const void *b, bool known)
{
	struct fake_model fake;
	struct plan plan;
	struct overflow found;
	struct observer *const observer = overflow_observer_open(
		cpu_rows_select(NULL, &err), &found, &err);
	struct work_batch batch;
	char blocks[64] = { 0 };

	fake_model_init(&fake, 2);
	fake_model_add(&fake, "a", format, 3, 0);
	fake_model_add(&fake, "b", format, 2, 32);
	assert_int_equal(plan_init(&plan, &fake.model, &everything, OUTPUT_F16,
				   &err), 0);
	/* The second tensor comes first. */
	for (int i = 1; i >= 0; i--) {
		struct plan_cursor cursor = { .slot_bytes = PLAN_MIN_SLOT };
		struct plan one = plan;
		struct observed observed = { &batch, blocks, NULL, NULL,
					     known };

		one.tensors = &plan.tensors[i];
		one.n_tensors = 1;
		cursor.plan = &one;
		assert_true(plan_next(&cursor, &batch));
		memcpy(blocks + batch.items[0].in, i ? b : a,
		       batch.items[0].src_bytes);
		assert_int_equal(observe_batch(observer, &observed, &err), 0);
	}
	observer->close(observer);
	plan_release(&plan);
	fake_model_release(&fake);
	return found;
}

static struct overflow observe(const float *a, const float *b, bool known)
{
	return observe_as(FORMAT_F32, a, b, known);
}

static void test_count_and_first(void **state)
{
	static const float fits[] = { 65504, -65519, 1 };
	static const float three[] = { 1, -65520, 1e30f };
	static const float none[] = { INFINITY, -INFINITY, NAN };
	struct overflow found = observe(three, three, false);

	(void)state;
	assert_int_equal(found.n_weights, 3);
	assert_int_equal(found.n_tensors, 2);
	assert_int_equal(found.index, 0);
	assert_int_equal(found.weight, 1);
	assert_true(found.value == -65520);

	found = observe(fits, three, false);
	assert_int_equal(found.n_weights, 1);
	assert_int_equal(found.n_tensors, 1);
	assert_int_equal(found.index, 1);

	found = observe(none, fits, false);
	assert_int_equal(found.n_weights, 0);
	found = observe(three, three, true);
	assert_int_equal(found.n_weights, 0);
}

/* An F64 becomes an F32 first: 65519.999 becomes 65520. */
static void test_other_floats(void **state)
{
	static const double as_f64[] = { 65519.998, -65519.999, 1e300 };
	static const uint16_t as_bf16[] = { 0x477f, 0xc780, 0x7f80 };
	static const uint16_t as_f16[] = { 0x7bff, 0x7c00, 0xffff };
	struct overflow found = observe_as(FORMAT_F64, as_f64, as_f64, false);

	(void)state;
	assert_int_equal(found.n_weights, 3); /* two in a, one in b */
	assert_int_equal(found.weight, 1);
	assert_true(found.value == -65519.999);

	found = observe_as(FORMAT_BF16, as_bf16, as_bf16, false);
	assert_int_equal(found.n_weights, 2);
	assert_true(found.value == -65536);

	found = observe_as(FORMAT_F16, as_f16, as_f16, false);
	assert_int_equal(found.n_weights, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_count_and_first),
		cmocka_unit_test(test_other_floats),
	};

	return cmocka_run_group_tests_name("overflow", tests, NULL, NULL);
}

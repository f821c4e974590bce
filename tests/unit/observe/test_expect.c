#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "observe/expect.h"
#include "../failing_malloc.h"
#include "../fake_model.h"
#include "../observing.h"
#include "../scratch.h"

static struct error err;

static const struct plan_globs everything;
static const struct tolerance exact;

/* ---------------------------- a plan, compared ---------------------------- */

static void write_bytes(const char *path, const void *bytes, size_t n)
{
	FILE *const stream = fopen(path, "we");

	assert_non_null(stream);
	assert_int_equal(fwrite(bytes, 1, n, stream), n);
	assert_int_equal(fclose(stream), 0);
}

static struct observer *open_expect(const char *path, const struct tolerance *t,
				    const struct plan *plan)
{
	struct expected *const expected = expected_file_open(path, plan, &err);
	struct output *report;

	if (!expected)
		return NULL;
	report = output_open("report",
		&(struct output_options){ .force = true }, &err);
	assert_non_null(report);
	return expect_observer_open(expected, t, report, plan, &err);
}

static int finish(struct observer *observer)
{
	const int result = observer->finish(observer, &err);

	observer->close(observer);
	return result;
}

/* Puts the output `got` of `plan` through, in `walked`'s order. */
static int put(struct observer *observer, const struct plan *walked,
	       const char *got, size_t slot_bytes)
{
	struct plan_cursor cursor = { .plan = walked,
				      .slot_bytes = slot_bytes };
	char *const bytes = malloc(slot_bytes);
	struct work_batch batch;
	int result = 0;

	assert_non_null(bytes);
	while (!result && plan_next(&cursor, &batch)) {
		for (size_t i = 0; i < batch.n_items; i++) {
			const struct work_item *const item = &batch.items[i];

			memcpy(bytes + item->out,
			       got + item->tensor->dst_offset +
				       item->dst_offset,
			       item->dst_bytes);
		}
		result = observe_batch(observer, &(struct observed){
					       .batch = &batch,
					       .values = bytes }, &err);
	}
	free(bytes);
	return result;
}

/* Compares; the report must be `lines`, and the result that of `lines`. */
static void assert_report(const struct plan *plan, const struct tolerance *t,
			  const void *got, const void *expected,
			  const char *lines)
{
	struct observer *observer;

	write_bytes("expected", expected, plan->dst_bytes);
	observer = open_expect("expected", t, plan);
	if (!observer)
		fail_msg("%s", err.message);
	assert_true(observer->any_order);
	assert_int_equal(put(observer, plan, got, PLAN_MIN_SLOT), 0);
	assert_int_equal(finish(observer), *lines ? -1 : 0);
	assert_string_equal(scratch_read("report"), lines);
	if (*lines) {
		assert_true(err.differs);
		assert_non_null(strstr(err.message, " tensors differ from "
						    "'expected'"));
	}
}

/* The same of one tensor, "t", of `n` weights. */
static void assert_tensor_report(enum format_index format,
				 enum output_type type, uint64_t n,
				 const struct tolerance *t, const void *got,
				 const void *expected, const char *lines)
{
	struct fake_model fake;
	struct plan plan;

	fake_model_init(&fake, 1);
	fake_model_add(&fake, "t", format, n, 0);
	assert_int_equal(plan_init(&plan, &fake.model, &everything, type,
				   &err), 0);
	assert_report(&plan, t, got, expected, lines);
	plan_release(&plan);
	fake_model_release(&fake);
}

/* -------------------------------- tolerance ------------------------------- */

#define BITS { false, 0, 0, 0 }
#define ULP(n) { true, n, 0, 0 }
#define CLOSE(rtol, atol) { true, 0, rtol, atol }

static const struct pair {
	enum format_index format;
	uint64_t got, expected; /* bits */
	struct tolerance tolerance;
	bool differs;
} pairs[] = {
	/* No tolerance: the bits, all of them. */
	{ FORMAT_F32, 0x80000000, 0x00000000, BITS, true },
	{ FORMAT_F32, 0x7fc00000, 0x7fc00000, BITS, false },
	{ FORMAT_F32, 0x7fc00000, 0x7fc00001, BITS, true },
	{ FORMAT_F32, 0x7fc00000, 0xffc00000, BITS, true },
	{ FORMAT_F32, 0xff800000, 0xff800000, BITS, false },
	/* N floats, and one more. */
	{ FORMAT_F32, 0x3f800000, 0x3f800003, ULP(3), false },
	{ FORMAT_F32, 0x3f800003, 0x3f800000, ULP(3), false },
	{ FORMAT_F32, 0x3f800000, 0x3f800004, ULP(3), true },
	{ FORMAT_F32, 0xbf800004, 0xbf800000, ULP(3), true },
	{ FORMAT_F32, 0x3f800001, 0x3f800000, ULP(0), true },
	{ FORMAT_F32, 0x3f7fffff, 0x3f800001, ULP(2), false },
	/* Across zero there is one number less: both zeros are it. */
	{ FORMAT_F32, 0x80000000, 0x00000000, ULP(0), false },
	{ FORMAT_F32, 0x00000001, 0x80000000, ULP(1), false },
	{ FORMAT_F32, 0x80000001, 0x00000001, ULP(1), true },
	{ FORMAT_F32, 0x80000001, 0x00000001, ULP(2), false },
	{ FORMAT_F32, 0x80000002, 0x00000003, ULP(4), true },
	{ FORMAT_F32, 0x80000002, 0x00000003, ULP(5), false },
	/* From the denormals to the normal numbers. */
	{ FORMAT_F32, 0x007fffff, 0x00800001, ULP(2), false },
	{ FORMAT_F32, 0x007ffffe, 0x00800001, ULP(2), true },
	/* Any NaN is NaN, an infinity only itself. */
	{ FORMAT_F32, 0x7f800001, 0xffffffff, ULP(0), false },
	{ FORMAT_F32, 0x7fc00000, 0x3f800000, ULP(UINT64_MAX), true },
	{ FORMAT_F32, 0x3f800000, 0x7fc00000, CLOSE(1e300, 1e300), true },
	{ FORMAT_F32, 0x7f800000, 0x7f800001, ULP(UINT64_MAX), true },
	{ FORMAT_F32, 0x7f800000, 0x7f7fffff, ULP(UINT64_MAX), true },
	{ FORMAT_F32, 0x7f7fffff, 0x7f800000, CLOSE(1e300, 1e300), true },
	{ FORMAT_F32, 0x7f800000, 0xff800000, ULP(UINT64_MAX), true },
	{ FORMAT_F32, 0xff7fffff, 0x7f7fffff, ULP(0xfefffffe), false },
	{ FORMAT_F32, 0xff7fffff, 0x7f7fffff, ULP(0xfefffffd), true },
	/* 1.5 and 1 are 0.5 apart; what counts is the value expected. */
	{ FORMAT_F32, 0x3fc00000, 0x3f800000, CLOSE(0, 0.5), false },
	{ FORMAT_F32, 0x3fc00001, 0x3f800000, CLOSE(0, 0.5), true },
	{ FORMAT_F32, 0x3fc00000, 0x3f800000, CLOSE(0.5, 0), false },
	{ FORMAT_F32, 0x3fc00000, 0x3f800000, CLOSE(0.4375, 0), true },
	{ FORMAT_F32, 0x3f800000, 0x3fc00000, CLOSE(0.4375, 0), false },
	{ FORMAT_F32, 0xbfc00000, 0xbf800000, CLOSE(0.5, 0), false },
	{ FORMAT_F32, 0x3f800000, 0xbf800000, CLOSE(1.5, 0), true },
	{ FORMAT_F32, 0x3fc00000, 0x3f800000, CLOSE(0.25, 0.25), false },
	{ FORMAT_F32, 0x3fc00000, 0x3f800000, CLOSE(0.25, 0.1875), true },
	/* In double: as an F32, the first limit would be the second. */
	{ FORMAT_F32, 0x3f800001, 0x3f800000, CLOSE(0, 0x1.ffffffffp-24),
	  true },
	{ FORMAT_F32, 0x3f800001, 0x3f800000, CLOSE(0, 0x1p-23), false },
	{ FORMAT_F32, 0x00000001, 0x00000000, CLOSE(0, 0x1p-149), false },
	{ FORMAT_F32, 0x00000002, 0x00000000, CLOSE(0, 0x1p-149), true },
	/* Either is enough. */
	{ FORMAT_F32, 0x3f800002, 0x3f800000, { true, 2, 0, 1e-9 }, false },
	{ FORMAT_F32, 0x3fc00000, 0x3f800000, { true, 2, 0, 0.5 }, false },
	{ FORMAT_F32, 0x3fc00001, 0x3f800000, { true, 2, 0, 0.5 }, true },
	/* The other floats. */
	{ FORMAT_F16, 0x3c00, 0x3c03, ULP(3), false },
	{ FORMAT_F16, 0x3c00, 0x3c04, ULP(3), true },
	{ FORMAT_F16, 0x8001, 0x0001, ULP(2), false },
	{ FORMAT_F16, 0x8001, 0x0001, ULP(1), true },
	{ FORMAT_F16, 0x7c00, 0x7bff, ULP(9), true },
	{ FORMAT_F16, 0xfe00, 0x7c01, ULP(0), false },
	{ FORMAT_F16, 0x0002, 0x0001, CLOSE(0, 0x1p-24), false },
	{ FORMAT_F16, 0x0003, 0x0001, CLOSE(0, 0x1p-24), true },
	{ FORMAT_BF16, 0x3f80, 0x3f83, ULP(3), false },
	{ FORMAT_BF16, 0x3f80, 0x3f84, ULP(3), true },
	{ FORMAT_BF16, 0x8001, 0x0001, ULP(1), true },
	{ FORMAT_BF16, 0x7f80, 0x7f7f, ULP(9), true },
	{ FORMAT_BF16, 0x7f81, 0xffff, ULP(0), false },
	{ FORMAT_BF16, 0x3fc0, 0x3f80, CLOSE(0.5, 0), false },
	{ FORMAT_BF16, 0x3fc1, 0x3f80, CLOSE(0.5, 0), true },
	{ FORMAT_F64, 0x3ff0000000000000, 0x3ff0000000000003, ULP(3), false },
	{ FORMAT_F64, 0x3ff0000000000000, 0x3ff0000000000004, ULP(3), true },
	{ FORMAT_F64, 0x8000000000000001, 0x0000000000000001, ULP(2), false },
	{ FORMAT_F64, 0xffefffffffffffff, 0x7fefffffffffffff,
	  ULP(UINT64_MAX), false },
	{ FORMAT_F64, 0x7ff0000000000000, 0x7fefffffffffffff, ULP(9), true },
	{ FORMAT_F64, 0x3ff8000000000000, 0x3ff0000000000000, CLOSE(0.5, 0),
	  false },
	{ FORMAT_F64, 0x3ff8000000000001, 0x3ff0000000000000, CLOSE(0.5, 0),
	  true },
	/* Integers are exact. */
	{ FORMAT_I8, 1, 2, { true, 9, 9, 9 }, true },
	{ FORMAT_I64, 1, 2, { true, 9, 9, 9 }, true },
};

static void test_tolerance(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		const struct pair *const p = &pairs[i];
		struct fake_model fake;
		struct plan plan;
		struct observer *observer;
		int result;

		fake_model_init(&fake, 1);
		fake_model_add(&fake, "t", p->format, 1, 0);
		assert_int_equal(plan_init(&plan, &fake.model, &everything,
					   OUTPUT_NATIVE, &err), 0);
		write_bytes("expected", &p->expected, plan.dst_bytes);
		observer = open_expect("expected", &p->tolerance, &plan);
		assert_non_null(observer);
		assert_int_equal(put(observer, &plan, (const char *)&p->got,
				     PLAN_MIN_SLOT), 0);
		result = finish(observer);
		if (result != (p->differs ? -1 : 0))
			fail_msg("pair %zu: %d", i, result);
		plan_release(&plan);
		fake_model_release(&fake);
	}
}

/* --------------------------------- report --------------------------------- */

static void test_floats(void **state)
{
	const uint32_t got[] = { 0x3f800000, 0x80000000, 0x3f800002,
				 0x40000000 };
	const uint32_t expected[] = { 0x3f800000, 0x00000000, 0x3f800000,
				      0x40000001 };
	const uint16_t got_16[32] = { 0, 0, 0xc900 };
	const uint16_t expected_16[32] = { 0, 0, 0xc901 };
	const struct tolerance one = ULP(1);

	(void)state;
	assert_tensor_report(FORMAT_F32, OUTPUT_F32, 4, &exact, got, got, "");
	assert_tensor_report(FORMAT_F32, OUTPUT_F32, 4, &exact, got, expected,
			     "t: 3 of 4 values differ, by up to 2 ulp and "
			     "2.38419e-07; first [1]: -0 (80000000), expected "
			     "0 (00000000)\n");
	assert_tensor_report(FORMAT_F32, OUTPUT_F32, 4, &one, got, expected,
			     "t: 1 of 4 values differ, by up to 2 ulp and "
			     "2.38419e-07; first [2]: 1.00000024 (3f800002), "
			     "expected 1 (3f800000)\n");
	assert_tensor_report(FORMAT_Q8_0, OUTPUT_F16, 32, &exact, got_16,
			     expected_16,
			     "t: 1 of 32 values differ, by up to 1 ulp and "
			     "0.0078125; first [2]: -10 (c900), expected "
			     "-10.008 (c901)\n");
	assert_tensor_report(FORMAT_F32, OUTPUT_BF16, 3, &exact, got_16,
			     expected_16,
			     "t: 1 of 3 values differ, by up to 1 ulp and "
			     "4096; first [2]: -5.243e+05 (c900), expected "
			     "-5.284e+05 (c901)\n");
}

static void test_not_finite(void **state)
{
	const uint32_t got[] = { 0x7fc00000, 0x7f800000, 0x40000000,
				 0x7fc00001 };
	const uint32_t expected[] = { 0x3f800000, 0x7f7fffff, 0x40000002,
				      0x7fc00000 };

	(void)state;
	assert_tensor_report(FORMAT_F32, OUTPUT_F32, 2, &exact, got, expected,
			     "t: 2 of 2 values differ, 2 of them NaN or Inf; "
			     "first [0]: nan (7fc00000), expected 1 "
			     "(3f800000)\n");
	assert_tensor_report(FORMAT_F32, OUTPUT_F32, 4, &exact, got, expected,
			     "t: 4 of 4 values differ, 3 of them NaN or Inf, "
			     "by up to 2 ulp and 4.76837e-07; first [0]: nan "
			     "(7fc00000), expected 1 (3f800000)\n");
	assert_tensor_report(FORMAT_F32, OUTPUT_F32, 1, &exact, &got[1],
			     &expected[1],
			     "t: 1 of 1 values differ, 1 of them NaN or Inf; "
			     "first [0]: inf (7f800000), expected "
			     "3.40282347e+38 (7f7fffff)\n");
}

static void test_integers(void **state)
{
	(void)state;
	assert_tensor_report(FORMAT_I8, OUTPUT_F32, 3, &exact,
			     (int8_t[]){ 1, -128, 5 }, (int8_t[]){ 1, 127, 4 },
			     "t: 2 of 3 values differ, by up to 255; first "
			     "[1]: -128, expected 127\n");
	assert_tensor_report(FORMAT_I16, OUTPUT_F16, 2, &exact,
			     (int16_t[]){ 1, -2 }, (int16_t[]){ 1, 1 },
			     "t: 1 of 2 values differ, by up to 3; first [1]: "
			     "-2, expected 1\n");
	assert_tensor_report(FORMAT_I64, OUTPUT_F32, 1, &exact,
			     (int64_t[]){ INT64_MIN }, (int64_t[]){ INT64_MAX },
			     "t: 1 of 1 values differ, by up to "
			     "18446744073709551615; first [0]: "
			     "-9223372036854775808, expected "
			     "9223372036854775807\n");
}

static void test_blocks(void **state)
{
	const char got[34] = { 0, 1, 2, 3 }, expected[34] = { 0, 1, 2, 0x7f };
	const struct tolerance any = { true, UINT64_MAX, 1, 1 };

	(void)state;
	assert_tensor_report(FORMAT_Q8_0, OUTPUT_NATIVE, 32, &any, got,
			     expected, "t: 1 of 34 bytes differ; first [3]: "
			     "03, expected 7f\n");
}

/* --------------------------- plans, and their order ----------------------- */

#define LARGE 20000 /* floats: more than a piece, and than a batch */

static struct plan plan, sorted;
static struct fake_model fake;
static char got[LARGE * 4 + 16], expected[LARGE * 4 + 16];

static int set_up(void **state)
{
	fake_model_init(&fake, 6);
	fake_model_add(&fake, "e0", FORMAT_F32, 0, 0);
	fake_model_add(&fake, "first\n", FORMAT_F32, 2, 1 << 20);
	fake_model_add(&fake, "e1", FORMAT_Q8_0, 0, 0);
	fake_model_add(&fake, "large", FORMAT_F32, LARGE, 64);
	fake_model_add(&fake, "last", FORMAT_F32, 2, 0);
	fake_model_add(&fake, "e2", FORMAT_F32, 0, 0);
	if (plan_init(&plan, &fake.model, &everything, OUTPUT_F32, &err) ||
	    plan_init_by_source(&sorted, &plan, &err))
		return -1;
	memset(got, 0, sizeof(got));
	memset(expected, 0, sizeof(expected));
	/* In "first" float 0, in "large" 9000 and 12001, in "last" 1. */
	expected[8 + 4 * 12001] = 2;
	expected[8 + 4 * 9000] = 1;
	expected[8 + 4 * LARGE + 4] = 5;
	got[0] = 3;
	return scratch_enter(state);
}

static int tear_down(void **state)
{
	plan_release(&sorted);
	plan_release(&plan);
	fake_model_release(&fake);
	return scratch_leave(state);
}

static const char all_lines[] =
	"first\\n: 1 of 2 values differ, by up to 3 ulp and 4.2039e-45; first "
	"[0]: 4.20389539e-45 (00000003), expected 0 (00000000)\n"
	"large: 2 of 20000 values differ, by up to 2 ulp and 2.8026e-45; "
	"first [9000]: 0 (00000000), expected 1.40129846e-45 (00000001)\n"
	"last: 1 of 2 values differ, by up to 5 ulp and 7.00649e-45; first "
	"[1]: 0 (00000000), expected 7.00649232e-45 (00000005)\n";

static void assert_all_lines(void)
{
	char lines[sizeof(all_lines)];
	FILE *const stream = fopen("report", "re");

	assert_non_null(stream);
	assert_int_equal(fread(lines, 1, sizeof(lines), stream),
			 sizeof(lines) - 1);
	assert_int_equal(fclose(stream), 0);
	assert_memory_equal(lines, all_lines, sizeof(lines) - 1);
	assert_true(err.differs);
	assert_string_equal(err.message, "3 of 6 tensors differ from "
					 "'expected'");
}

static void test_every_order(void **state)
{
	static const size_t slots[] = { PLAN_MIN_SLOT, 10000, 1 << 20 };

	(void)state;
	write_bytes("expected", expected, sizeof(expected));
	for (unsigned i = 0; i < 6; i++) {
		struct observer *const observer =
			open_expect("expected", &exact, &plan);

		assert_non_null(observer);
		assert_int_equal(put(observer, i % 2 ? &sorted : &plan, got,
				     slots[i / 2]), 0);
		assert_int_equal(finish(observer), -1);
		assert_all_lines();
	}
}

struct part {
	struct observer *observer;
	struct work_batch batch;
	const char *bytes;
};

static void *prepare_part(void *arg)
{
	struct part *const part = arg;
	static struct error unused;
	const struct observed observed =
		observed_values(&part->batch, part->bytes);

	return part->observer->prepare(part->observer, &observed, NULL,
				       &unused) ? part : NULL;
}

/* Each batch in a thread of its own, begun from the last. */
static void test_threads(void **state)
{
	struct plan_cursor cursor = { .plan = &plan,
				      .slot_bytes = 8192 };
	struct part parts[12];
	pthread_t threads[12];
	struct observer *observer;
	uint64_t at = 0;
	unsigned n = 0;

	(void)state;
	write_bytes("expected", expected, sizeof(expected));
	observer = open_expect("expected", &exact, &plan);
	assert_non_null(observer);
	while (plan_next(&cursor, &parts[n].batch)) {
		parts[n].observer = observer;
		parts[n].bytes = got + at;
		at += parts[n++].batch.out_bytes;
		assert_true(n < 12);
	}
	assert_true(n > 8);
	for (unsigned i = n; i--;)
		assert_int_equal(pthread_create(&threads[i], NULL,
						prepare_part, &parts[i]), 0);
	for (unsigned i = 0; i < n; i++) {
		void *failed;

		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	assert_null(observer->commit);
	assert_int_equal(finish(observer), -1);
	assert_all_lines();
}

static void *write_pipe(void *arg)
{
	const struct text *const text = arg;
	FILE *const stream = fopen("pipe", "we");

	fwrite(text->data, 1, text->len, stream);
	return fclose(stream) ? arg : NULL;
}

/* Compares with a stream of the first n bytes; what put gave. */
static int put_stream(size_t n, struct observer **observer)
{
	struct text text = { expected, n };
	pthread_t thread;
	int result = -1;

	assert_int_equal(pthread_create(&thread, NULL, write_pipe, &text), 0);
	*observer = open_expect("pipe", &exact, &plan);
	if (*observer) {
		assert_false((*observer)->any_order);
		result = put(*observer, &plan, got, 10000);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	return result;
}

static void test_stream(void **state)
{
	struct observer *observer;

	(void)state;
	assert_int_equal(mkfifo("pipe", 0666), 0);
	assert_int_equal(put_stream(sizeof(expected), &observer), 0);
	assert_int_equal(finish(observer), -1);
	assert_string_equal(err.message, "3 of 6 tensors differ from 'pipe'");
}

static void test_stream_that_is_too_short(void **state)
{
	struct observer *observer;

	(void)state;
	assert_int_equal(mkfifo("pipe", 0666), 0);
	assert_int_equal(put_stream(sizeof(expected) - 1, &observer), -1);
	assert_false(err.differs);
	assert_string_equal(err.message, "'pipe' has 80015 bytes, but should "
					 "have 80016");
	observer->close(observer);
	assert_int_equal(scratch_count("."), 1);
}

static void test_file_that_shrinks(void **state)
{
	struct observer *observer;

	(void)state;
	write_bytes("expected", expected, sizeof(expected));
	observer = open_expect("expected", &exact, &plan);
	assert_non_null(observer);
	write_bytes("expected", expected, 100);
	assert_int_equal(put(observer, &plan, got, 10000), -1);
	assert_false(err.differs);
	assert_string_equal(err.message, "'expected' shrank while it was read,"
					 " from 80016 to 100 bytes");
	observer->close(observer);
	assert_int_equal(scratch_count("."), 1);
}

static void test_what_cannot_be_opened(void **state)
{
	(void)state;
	assert_null(open_expect("none", &exact, &plan));
	assert_string_equal(err.message, "cannot open 'none': No such file or "
					 "directory");
	for (unsigned i = 0; i < 2; i++) {
		write_bytes("expected", expected, i ? 80015 : 0);
		assert_null(open_expect("expected", &exact, &plan));
		assert_false(err.differs);
		assert_string_equal(err.message, i ?
			"'expected' has 80015 bytes, but should have 80016" :
			"'expected' has 0 bytes, but should have 80016");
	}
	assert_int_equal(scratch_count("."), 1);
}

/* Without a report, only that there is a difference; a full disk is trouble. */
static void test_report_is_optional(void **state)
{
	struct output *report = NULL;

	(void)state;
	write_bytes("expected", expected, sizeof(expected));
	for (unsigned i = 0; i < 2; i++) {
		struct observer *const observer = expect_observer_open(
			expected_file_open("expected", &plan, &err), &exact,
			report, &plan, &err);

		assert_non_null(observer);
		assert_int_equal(put(observer, &plan, got, 10000), 0);
		assert_int_equal(finish(observer), -1);
		assert_int_equal(err.differs, !report);
		assert_string_equal(err.message, report ?
			"cannot write '/dev/full': No space left on device" :
			"3 of 6 tensors differ from 'expected'");
		report = output_open("/dev/full",
			&(struct output_options){ .force = false }, &err);
		assert_non_null(report);
	}
	output_abort(report);
	assert_int_equal(scratch_count("."), 1);
}

static void test_allocations_may_fail(void **state)
{
	unsigned n = 0;

	(void)state;
	write_bytes("expected", expected, sizeof(expected));
	for (;; n++) {
		struct output *const report =
			output_open("report",
				&(struct output_options){
					.force = true
				}, &err);
		struct expected *values;
		struct observer *observer;

		assert_non_null(report);
		until_failure = n + 1;
		values = expected_file_open("expected", &plan, &err);
		observer = !values ? NULL :
			   expect_observer_open(values, &exact, report, &plan,
						&err);
		if (observer) {
			until_failure = 0;
			observer->close(observer);
			break;
		}
		if (!values)
			output_abort(report);
		assert_int_equal(until_failure, 0);
		assert_non_null(strstr(err.message, ": Cannot allocate"));
		assert_int_equal(scratch_count("."), 1);
	}
	assert_int_equal(n, 4);
}

static void test_a_line_without_memory(void **state)
{
	struct observer *observer;

	(void)state;
	write_bytes("expected", expected, sizeof(expected));
	observer = open_expect("expected", &exact, &plan);
	assert_non_null(observer);
	assert_int_equal(put(observer, &plan, got, 10000), 0);
	until_failure = 1;
	assert_int_equal(finish(observer), -1);
	assert_int_equal(until_failure, 0);
	assert_false(err.differs);
	assert_string_equal(err.message, "cannot write 'report': Cannot "
					 "allocate memory");
	assert_int_equal(scratch_count("."), 1);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, scratch_enter, scratch_leave)
#define TEST_OF_PLAN(name) \
	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_tolerance),
		TEST(test_floats),
		TEST(test_not_finite),
		TEST(test_integers),
		TEST(test_blocks),
		TEST_OF_PLAN(test_every_order),
		TEST_OF_PLAN(test_threads),
		TEST_OF_PLAN(test_stream),
		TEST_OF_PLAN(test_stream_that_is_too_short),
		TEST_OF_PLAN(test_file_that_shrinks),
		TEST_OF_PLAN(test_what_cannot_be_opened),
		TEST_OF_PLAN(test_report_is_optional),
		TEST_OF_PLAN(test_allocations_may_fail),
		TEST_OF_PLAN(test_a_line_without_memory),
	};

	return cmocka_run_group_tests_name("expect", tests, NULL, NULL);
}

#include "observe/expect.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/escape.h"
#include "io/output_stream.h"
#include "kernels/dq.h"

/* Forces a separate loop for each type, which is a constant in the caller. */
#define INLINE static inline __attribute__((always_inline))

/* How the values of one tensor differ from the expected ones. */
struct tally {
	uint64_t differing;
	uint64_t not_finite; /* of these, NaN or infinite on either side */
	uint64_t distance;   /* largest of the others: in ulp, or of integers */
	double difference;   /* largest of the others, for floats */
	uint64_t first;      /* index of the first differing value */
	uint64_t got, expected; /* its bits */
};

struct expect_observer {
	struct observer observer; /* first */
	struct expected *expected;
	struct tolerance tolerance;
	const struct plan *plan;
	struct output *report; /* or NULL */
	pthread_mutex_t lock;  /* protects tallies */
	struct tally *tallies; /* one per tensor of the plan */
};

/* --------------------------------- values --------------------------------- */

static double value_f32(uint64_t bits)
{
	return (double)dq_float((uint32_t)bits);
}

static double value_f16(uint64_t bits)
{
	return (double)dq_from_f16((uint16_t)bits);
}

static double value_bf16(uint64_t bits)
{
	return (double)dq_float((uint32_t)bits << 16);
}

static double value_f64(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

struct float_type {
	enum format_index index;
	uint64_t infinity; /* its bits; larger ones, without sign, are NaN */
	double (*value)(uint64_t bits);
	int digits; /* decimal digits that distinguish all values */
};

enum { F32, F16, BF16, F64 };

static const struct float_type float_types[] = {
	[F32] = { FORMAT_F32, 0x7f800000, value_f32, 9 },
	[F16] = { FORMAT_F16, 0x7c00, value_f16, 5 },
	[BF16] = { FORMAT_BF16, 0x7f80, value_bf16, 4 },
	[F64] = { FORMAT_F64, 0x7ff0000000000000, value_f64, 17 },
};

/* The values of a tensor's output: floats, integers, or bytes of blocks. */
struct values {
	const struct float_type *floats; /* or NULL */
	bool integers;
	size_t bytes; /* of one */
};

static struct values values_of(const struct plan_tensor *tensor)
{
	const struct format *const format = tensor->format;

	for (size_t i = 0; i < sizeof(float_types) / sizeof(*float_types); i++)
		if (float_types[i].index == format->index)
			return (struct values){ &float_types[i], false,
						format->block_bytes };
	if (format->kind == FORMAT_KIND_INTEGER)
		return (struct values){ NULL, true, format->block_bytes };
	return (struct values){ NULL, false, 1 };
}

static uint64_t load_bits(const char *p, size_t bytes)
{
	switch (bytes) {
	case 1:
		return (unsigned char)*p;
	case 2:
		return bytes_load_u16(p);
	case 4:
		return bytes_load_u32(p);
	default:
		return bytes_load_u64(p);
	}
}

static int64_t load_integer(uint64_t bits, size_t bytes)
{
	const unsigned unused = 64 - 8 * (unsigned)bytes;

	return (int64_t)(bits << unused) >> unused;
}

static uint64_t magnitude(uint64_t bits, size_t bytes)
{
	return bits & ~((uint64_t)1 << (8 * bytes - 1));
}

/* The index of a float if all floats are counted up and down from 0. */
static int64_t float_number(uint64_t bits, size_t bytes)
{
	const int64_t n = (int64_t)magnitude(bits, bytes);

	return load_integer(bits, bytes) < 0 ? -n : n;
}

static uint64_t distance(int64_t a, int64_t b)
{
	return a < b ? (uint64_t)b - (uint64_t)a : (uint64_t)a - (uint64_t)b;
}

/* ------------------------------- comparison ------------------------------- */

/* Whether floats with different bits are too far apart. Updates the largest
 * differences in the tally, but does not count. */
INLINE bool floats_differ(const struct values *values,
			  const struct tolerance *tolerance, uint64_t got,
			  uint64_t expected, struct tally *tally)
{
	const struct float_type *const type = values->floats;
	const uint64_t a = magnitude(got, values->bytes);
	const uint64_t b = magnitude(expected, values->bytes);
	uint64_t ulp;
	double wanted, difference;

	if (a >= type->infinity || b >= type->infinity) {
		if (tolerance->given && a > type->infinity &&
		    b > type->infinity)
			return false;
		tally->not_finite++;
		return true;
	}
	ulp = distance(float_number(got, values->bytes),
		       float_number(expected, values->bytes));
	wanted = type->value(expected);
	difference = fabs(type->value(got) - wanted);
	if (tolerance->given &&
	    (ulp <= tolerance->ulp ||
	     difference <= tolerance->atol + tolerance->rtol * fabs(wanted)))
		return false;
	if (tally->distance < ulp)
		tally->distance = ulp;
	if (tally->difference < difference)
		tally->difference = difference;
	return true;
}

static void note_distance(const struct values *values, uint64_t got,
			  uint64_t expected, struct tally *tally)
{
	const uint64_t apart = distance(load_integer(got, values->bytes),
					load_integer(expected, values->bytes));

	if (tally->distance < apart)
		tally->distance = apart;
}

/* Compares n bytes. The first value has the index `first` in its tensor. */
INLINE void compare_any(const struct values *values,
			const struct tolerance *tolerance, const char *got,
			const char *expected, size_t n, uint64_t first,
			struct tally *tally)
{
	const size_t bytes = values->bytes;

	for (size_t i = 0; i < n; i += bytes) {
		const uint64_t a = load_bits(got + i, bytes);
		const uint64_t b = load_bits(expected + i, bytes);

		if (a == b)
			continue;
		if (values->integers)
			note_distance(values, a, b, tally);
		else if (values->floats &&
			 !floats_differ(values, tolerance, a, b, tally))
			continue;
		if (tally->differing++)
			continue;
		tally->first = first + i / bytes;
		tally->got = a;
		tally->expected = b;
	}
}

/* The same, with a separate loop for each common type. */
static void compare_values(const struct values *values,
			   const struct tolerance *tolerance, const char *got,
			   const char *expected, size_t n, uint64_t first,
			   struct tally *tally)
{
	static const struct values f32 = { &float_types[F32], false, 4 };
	static const struct values f16 = { &float_types[F16], false, 2 };
	static const struct values bf16 = { &float_types[BF16], false, 2 };

	if (values->floats == f32.floats)
		compare_any(&f32, tolerance, got, expected, n, first, tally);
	else if (values->floats == f16.floats)
		compare_any(&f16, tolerance, got, expected, n, first, tally);
	else if (values->floats == bf16.floats)
		compare_any(&bf16, tolerance, got, expected, n, first, tally);
	else
		compare_any(values, tolerance, got, expected, n, first, tally);
}

/* Adds `part`, which has a difference. The result does not depend on the
 * order. */
static void tally_add(struct tally *tally, const struct tally *part)
{
	if (!tally->differing || part->first < tally->first) {
		tally->first = part->first;
		tally->got = part->got;
		tally->expected = part->expected;
	}
	tally->differing += part->differing;
	tally->not_finite += part->not_finite;
	if (tally->distance < part->distance)
		tally->distance = part->distance;
	if (tally->difference < part->difference)
		tally->difference = part->difference;
}

static int compare_item(struct expect_observer *expect,
			const struct observed *observed, size_t i,
			struct error *err)
{
	const struct work_item *const item = &observed->batch->items[i];
	const struct values values = values_of(item->tensor);
	const char *const got = observed->values + item->out;
	_Alignas(64) char expected[EXPECTED_PIECE];
	struct tally part = { 0 };
	size_t n;

	for (size_t at = 0; at < item->dst_bytes; at += n) {
		n = item->dst_bytes - at;
		if (n > EXPECTED_PIECE)
			n = EXPECTED_PIECE;
		if (expect->expected->read(expect->expected, observed, i, at,
					   n, expected, err))
			return -1;
		if (memcmp(got + at, expected, n))
			compare_values(&values, &expect->tolerance, got + at,
				       expected, n,
				       (item->dst_offset + at) / values.bytes,
				       &part);
	}
	if (!part.differing)
		return 0;
	pthread_mutex_lock(&expect->lock);
	tally_add(&expect->tallies[item->tensor->index], &part);
	pthread_mutex_unlock(&expect->lock);
	return 0;
}

static int compare_batch(struct expect_observer *expect,
			 const struct observed *observed, struct error *err)
{
	const struct work_batch *const batch = observed->batch;
	const bool converted_only = expect->expected->converted_only;

	for (size_t i = 0; i < batch->n_items; i++)
		if (!(converted_only && batch->items[i].tensor->verbatim) &&
		    compare_item(expect, observed, i, err))
			return -1;
	return 0;
}

/* Expected values that can be read in any order: the thread that converted the
 * batch compares. */
static int expect_prepare(struct observer *observer,
			  const struct observed *observed, void *notes,
			  struct error *err)
{
	(void)notes;
	return compare_batch((struct expect_observer *)observer, observed, err);
}

/* Expected values from a stream: in order. */
static int expect_commit(struct observer *observer,
			 const struct observed *observed, const void *notes,
			 struct error *err)
{
	(void)notes;
	return compare_batch((struct expect_observer *)observer, observed, err);
}

/* --------------------------------- report --------------------------------- */

static void print_value(FILE *stream, const struct values *values,
			uint64_t bits)
{
	const int hex_digits = 2 * (int)values->bytes;

	if (values->floats)
		fprintf(stream, "%.*g (%0*" PRIx64 ")", values->floats->digits,
			values->floats->value(bits), hex_digits, bits);
	else if (values->integers)
		fprintf(stream, "%" PRId64, load_integer(bits, values->bytes));
	else
		fprintf(stream, "%0*" PRIx64, hex_digits, bits);
}

static void print_tally(FILE *stream, const struct plan_tensor *tensor,
			const struct tally *tally)
{
	const struct values values = values_of(tensor);
	const bool are_values = values.floats || values.integers;

	fprintf(stream, "%" PRIu64 " of %" PRIu64 " %s differ",
		tally->differing, tensor->dst_bytes / values.bytes,
		are_values ? "values" : "bytes");
	if (tally->not_finite)
		fprintf(stream, ", %" PRIu64 " of them NaN or Inf",
			tally->not_finite);
	if (are_values && tally->differing > tally->not_finite)
		fprintf(stream, ", by up to %" PRIu64, tally->distance);
	if (values.floats && tally->differing > tally->not_finite)
		fprintf(stream, " ulp and %.6g", tally->difference);
	fprintf(stream, "; first [%" PRIu64 "]: ", tally->first);
	print_value(stream, &values, tally->got);
	fputs(", expected ", stream);
	print_value(stream, &values, tally->expected);
	fputc('\n', stream);
}

static int write_report(const struct expect_observer *expect,
			struct error *err)
{
	const struct plan *const plan = expect->plan;
	struct output_stream text;

	if (output_stream_open(&text, expect->report, err))
		return -1;
	for (size_t i = 0; i < plan->n_tensors; i++) {
		if (!expect->tallies[i].differing)
			continue;
		escape_print(text.stream, plan->tensors[i].tensor->info->name);
		fputs(": ", text.stream);
		print_tally(text.stream, &plan->tensors[i],
			    &expect->tallies[i]);
	}
	return output_stream_close(&text);
}

static int finish_report(struct expect_observer *expect, struct error *err)
{
	struct output *const report = expect->report;

	if (!report)
		return 0;
	if (write_report(expect, err))
		return -1;
	expect->report = NULL;
	return output_finish(report, err);
}

static void expect_close(struct observer *observer)
{
	struct expect_observer *const expect =
		(struct expect_observer *)observer;

	if (expect->report)
		output_abort(expect->report);
	pthread_mutex_destroy(&expect->lock);
	expect->expected->close(expect->expected);
	free(expect->tallies);
	free(expect);
}

static int expect_finish(struct observer *observer, struct error *err)
{
	struct expect_observer *const expect =
		(struct expect_observer *)observer;
	size_t n = 0;

	if (finish_report(expect, err))
		return -1;
	for (size_t i = 0; i < expect->plan->n_tensors; i++)
		n += expect->tallies[i].differing > 0;
	if (!n)
		return 0;
	return error_differ(err, "%zu of %zu tensors differ from %s", n,
			    expect->plan->n_tensors, expect->expected->name);
}

struct observer *expect_observer_open(struct expected *expected,
				      const struct tolerance *tolerance,
				      struct output *report,
				      const struct plan *plan,
				      struct error *err)
{
	struct expect_observer *const expect = malloc(sizeof(*expect));
	struct tally *const tallies =
		calloc(plan->n_tensors + 1, sizeof(*tallies));

	if (!expect || !tallies) {
		error_errno(err, "cannot compare %zu tensors", plan->n_tensors);
		if (report)
			output_abort(report);
		expected->close(expected);
		free(expect);
		free(tallies);
		return NULL;
	}
	*expect = (struct expect_observer){
		.observer = {
			.any_order = expected->any_order,
			.reads_values = true,
			.prepare = expected->any_order ? expect_prepare : NULL,
			.commit = expected->any_order ? NULL : expect_commit,
			.finish = expect_finish,
			.close = expect_close,
		},
		.expected = expected,
		.tolerance = *tolerance,
		.plan = plan,
		.report = report,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.tallies = tallies,
	};
	return &expect->observer;
}

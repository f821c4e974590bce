#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "kernels/formats.h"
#include "cpu/rows.h"
#include "../../reference_formats.h"

#define MAX_WEIGHTS 256
#define MAX_BYTES 4160 /* of a block and a header */

/* The instruction sets of this CPU, ended by NULL. */
static const struct cpu_rows *all_rows[8];

static int find_rows(void **state)
{
	size_t n = 0;

	(void)state;
	for (size_t i = 0; cpu_rows_at(i); i++)
		if (cpu_rows_runs(cpu_rows_at(i)))
			all_rows[n++] = cpu_rows_at(i);
		else
			fprintf(stderr, "SKIPPED: %s, which this CPU lacks\n",
				cpu_rows_at(i)->isa);
	return 0;
}

static void fill(uint8_t *p, size_t n)
{
	static uint64_t x = 1; /* one sequence for all tests */

	while (n-- > 0) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		*p++ = (uint8_t)(x >> 56);
	}
}

static uint32_t canonical(float f)
{
	return isnan(f) ? 0x7fc00000 : reference_bits(f);
}

static void check_block(const struct cpu_rows *rows,
			const struct format *format, const uint8_t *block,
			const uint32_t *expected)
{
	const struct cpu_run run = { block, 1, 0, 1 };
	float y[MAX_WEIGHTS];

	cpu_rows_convert(rows, OUTPUT_F32, format, &run, y);
	for (unsigned i = 0; i < format->block_weights; i++)
		if (reference_bits(y[i]) != expected[i])
			fail_msg("%s %s: weight %u is %08x, not %08x",
				 rows->isa, format->name, i,
				 reference_bits(y[i]), expected[i]);
}

/* The formats in reference_formats.h, and the offset of two bytes of scale,
 * which take every value. */
static const struct {
	enum format_index index;
	double (*weight)(const uint8_t *block, unsigned i);
	unsigned scale;
} references[] = {
	{ FORMAT_Q4_0, reference_q4_0, 0 },
	{ FORMAT_Q4_1, reference_q4_1, 0 },
	{ FORMAT_Q4_1, reference_q4_1, 2 },
	{ FORMAT_Q5_0, reference_q5_0, 0 },
	{ FORMAT_Q5_1, reference_q5_1, 0 },
	{ FORMAT_Q5_1, reference_q5_1, 2 },
	{ FORMAT_Q8_0, reference_q8_0, 0 },
	{ FORMAT_Q8_1, reference_q8_1, 0 },
	{ FORMAT_Q2_K, reference_q2_k, 80 },
	{ FORMAT_Q2_K, reference_q2_k, 82 },
	{ FORMAT_Q3_K, reference_q3_k, 108 },
	{ FORMAT_Q4_K, reference_q4_k, 0 },
	{ FORMAT_Q4_K, reference_q4_k, 2 },
	{ FORMAT_Q5_K, reference_q5_k, 0 },
	{ FORMAT_Q5_K, reference_q5_k, 2 },
	{ FORMAT_Q6_K, reference_q6_k, 208 },
	{ FORMAT_Q8_K, reference_q8_k, 2 }, /* the upper half of an F32 */
	{ FORMAT_TQ1_0, reference_tq1_0, 52 },
	{ FORMAT_TQ2_0, reference_tq2_0, 64 },
	{ FORMAT_MXFP4, reference_mxfp4, 0 }, /* E8M0, and two weights */
	{ FORMAT_MXFP6_E2M3, reference_mxfp6_e2m3, 0 },
	{ FORMAT_MXFP6_E3M2, reference_mxfp6_e3m2, 0 },
	{ FORMAT_NVFP4, reference_nvfp4, 0 }, /* two UE4M3 */
	{ FORMAT_NVFP4, reference_nvfp4, 2 },
	{ FORMAT_Q1_0, reference_q1_0, 0 },
	{ FORMAT_Q2_0, reference_q2_0, 0 },
};

static void check_reference(size_t r, uint32_t scale)
{
	const struct format *format = format_at(references[r].index);
	uint8_t block[MAX_BYTES];
	uint32_t expected[MAX_WEIGHTS];

	fill(block, format->block_bytes);
	block[references[r].scale] = scale & 255;
	block[references[r].scale + 1] = (uint8_t)(scale >> 8);
	for (unsigned i = 0; i < format->block_weights; i++)
		expected[i] = canonical((float)references[r].weight(block, i));
	for (size_t i = 0; all_rows[i]; i++)
		check_block(all_rows[i], format, block, expected);
}

static void test_every_scale(void **state)
{
	(void)state;
	for (size_t r = 0; r < sizeof(references) / sizeof(*references); r++)
		for (uint32_t scale = 0; scale < 65536; scale++)
			check_reference(r, scale);
}

/* Like the threads of a GPU: 4 or 8 weights at a time. */
#define DQ_QUANT(NAME, name, id, weights, bytes, span)                       \
	static void name##_in_pieces(const void *block, float *y4, float *y8) \
	{                                                                    \
		for (unsigned i = 0; i < (weights); i += 4)                  \
			name##_decode(block, i, 4, y4 + i);                  \
		for (unsigned i = 0; i < (weights); i += 8)                  \
			name##_decode(block, i, 8, y8 + i);                  \
	}
#include "kernels/formats.def"

static void (*const in_pieces[FORMAT_COUNT])(const void *block, float *y4,
					     float *y8) = {
#define DQ_QUANT(NAME, name, id, weights, bytes, span) \
	[FORMAT_##NAME] = name##_in_pieces,
#include "kernels/formats.def"
};

static void check_pieces(const struct format *format)
{
	uint8_t block[MAX_BYTES];
	float y4[MAX_WEIGHTS], y8[MAX_WEIGHTS];
	uint32_t expected[MAX_WEIGHTS];

	fill(block, format->block_bytes);
	in_pieces[format->index](block, y4, y8);
	for (unsigned i = 0; i < format->block_weights; i++) {
		expected[i] = canonical(y4[i]);
		assert_int_equal(canonical(y8[i]), expected[i]);
	}
	for (size_t i = 0; all_rows[i]; i++)
		check_block(all_rows[i], format, block, expected);
}

static void test_pieces_give_the_same(void **state)
{
	(void)state;
	for (unsigned f = 0; f < FORMAT_COUNT; f++)
		for (unsigned i = 0; in_pieces[f] && i < 2000; i++)
			check_pieces(format_at(f));
}

static void test_every_f16_widens(void **state)
{
	static uint16_t halves[65536];
	static float y[65536];

	(void)state;
	for (uint32_t h = 0; h < 65536; h++)
		halves[h] = (uint16_t)h;
	for (size_t i = 0; all_rows[i]; i++) {
		all_rows[i]->convert[OUTPUT_F32][FORMAT_F16](halves, 65536, y);
		for (uint32_t h = 0; h < 65536; h++) {
			const double value = reference_from_f16(halves[h]);

			assert_int_equal(reference_bits(y[h]),
					 canonical((float)value));
		}
	}
}

/* The reference is dq_to_f16 and dq_to_bf16, which test_dq.c tests. */
static void check_rows_narrow(const struct cpu_rows *rows, const float *x,
			      size_t n)
{
	static uint16_t f16[4096], bf16[4096];

	rows->convert[OUTPUT_F16][FORMAT_F32](x, n, f16);
	rows->convert[OUTPUT_BF16][FORMAT_F32](x, n, bf16);
	for (size_t i = 0; i < n; i++) {
		const float f = dq_canonical(x[i]);

		if (f16[i] != dq_to_f16(f) || bf16[i] != dq_to_bf16(f))
			fail_msg("%s: %08x to %04x, %04x", rows->isa,
				 reference_bits(x[i]), f16[i], bf16[i]);
	}
}

static void check_narrowing(const float *x, size_t n)
{
	for (size_t i = 0; all_rows[i]; i++)
		check_rows_narrow(all_rows[i], x, n);
}

static void test_f32_narrows(void **state)
{
	static float x[4096];

	(void)state;
	for (uint64_t u = 0; u <= UINT32_MAX;) {
		size_t n = 0;

		for (; n < 4096 && u <= UINT32_MAX; u += 1021)
			x[n++] = reference_float((uint32_t)u);
		check_narrowing(x, n);
	}
}

/* Next to every value with a mantissa of 10 bits, and next to the midpoints. */
static void test_f32_narrows_at_the_edges(void **state)
{
	static const uint32_t low[] = { 0, 1, 0xfff, 0x1000, 0x1001, 0x1fff };

	(void)state;
	for (uint32_t high = 0; high < 1 << 19; high += 512) {
		float x[512 * 6];
		size_t n = 0;

		for (uint32_t i = 0; i < 512; i++)
			for (unsigned k = 0; k < 6; k++)
				x[n++] = reference_float((high + i) << 13 |
							 low[k]);
		check_narrowing(x, n);
	}
}

/* The same for the subnormals of binary16, multiples of 2^-24. */
static void test_f32_narrows_to_subnormals(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 2049; i++) {
		const float f = ldexpf((float)i, -25);
		const float x[] = { f, nextafterf(f, -1), nextafterf(f, 1),
				    -f, nextafterf(-f, -1), nextafterf(-f, 1) };

		check_narrowing(x, 6);
	}
}

/* A value that is infinite as F16 is never missed. */
static bool check_fit(const struct format *format, const uint8_t *block)
{
	bool fits = false;

	for (size_t i = 0; all_rows[i]; i++) {
		const struct cpu_rows *const rows = all_rows[i];
		float y[MAX_WEIGHTS];
		uint16_t f16[MAX_WEIGHTS];

		rows->convert[OUTPUT_F32][format->index](block, 1, y);
		fits = rows->fits_f16[format->index](block, 1);
		assert_int_equal(rows->convert[OUTPUT_F16][format->index](
					 block, 1, f16), fits);
		for (unsigned k = 0; fits && k < format->block_weights; k++)
			if (!(fabsf(y[k]) < 65520))
				fail_msg("%s %s: weight %u is %g", rows->isa,
					 format->name, k, (double)y[k]);
	}
	return fits;
}

static void test_quants_that_fit_f16(void **state)
{
	uint8_t block[MAX_BYTES];

	(void)state;
	for (size_t r = 0; r < sizeof(references) / sizeof(*references); r++) {
		const struct format *format = format_at(references[r].index);

		for (uint32_t scale = 0; scale < 65536; scale += 7) {
			fill(block, format->block_bytes);
			block[references[r].scale] = scale & 255;
			block[references[r].scale + 1] = (uint8_t)(scale >> 8);
			check_fit(format, block);
		}
		/* The scales of a model fit without a look at the weights. */
		for (size_t i = 0; i < format->block_bytes; i++)
			block[i] &= 0xbf; /* below 2 as a binary16 */
		block[references[r].scale] = 0;
		block[references[r].scale + 1] = 0x3c;
		assert_true(check_fit(format, block));
	}
	for (unsigned f = 0; f < FORMAT_COUNT; f++)
		for (unsigned i = 0; in_pieces[f] && i < 2000; i++) {
			fill(block, format_at(f)->block_bytes);
			check_fit(format_at(f), block);
		}
}

/* One large value among small ones, in the part that is converted at once and
 * in what is left. */
static void check_large(float large, bool expected)
{
	static const size_t places[] = { 0, 255, 256, 300, 519 };
	static float x[520];
	static uint16_t f16[520];

	for (size_t k = 0; k < sizeof(places) / sizeof(*places); k++) {
		x[places[k]] = large;
		for (size_t i = 0; all_rows[i]; i++) {
			const struct cpu_rows *const rows = all_rows[i];

			assert_int_equal(rows->convert[OUTPUT_F16][FORMAT_F32](
						 x, 520, f16), expected);
			assert_int_equal(rows->fits_f16[FORMAT_F32](x, 520),
					 expected);
			assert_int_equal(f16[places[k]],
					 dq_to_f16(dq_canonical(large)));
		}
		x[places[k]] = 0.5f;
	}
}

static void test_floats_that_fit_f16(void **state)
{
	(void)state;
	check_large(1.0f, true);
	check_large(-2.0f, true);
	check_large(65504.0f, true);
	check_large(nextafterf(65520.0f, 0), true);
	check_large(65520.0f, false);
	check_large(-65520.0f, false);
	check_large(3e38f, false);
	check_large(INFINITY, false);
	check_large(NAN, false);
}

/* Whether 100 small values and this one fit, on every instruction set. */
static void check_fits(enum format_index format, const void *value, size_t size,
		       bool expected)
{
	uint8_t values[101 * 8] = { 0 };

	memcpy(values + 70 * size, value, size);
	for (size_t i = 0; all_rows[i]; i++)
		assert_int_equal(all_rows[i]->fits_f16[format](values, 101),
				 expected);
}

static void test_other_floats_that_fit_f16(void **state)
{
	static const struct {
		uint16_t bits;
		bool fits;
	} bf16[] = { { 0x477f, true }, { 0xc77f, true }, { 0x4780, false },
		     { 0xc780, false }, { 0x7f80, false }, { 0xffc0, false } };
	static const struct {
		double value;
		bool fits;
	} f64[] = { { 65519, true }, { -65519, true }, { 65519.999, false },
		    { -65520, false }, { 1e300, false }, { NAN, false } };
	static const uint16_t infinity = 0x7c00;

	(void)state;
	for (size_t i = 0; i < sizeof(bf16) / sizeof(*bf16); i++)
		check_fits(FORMAT_BF16, &bf16[i].bits, 2, bf16[i].fits);
	for (size_t i = 0; i < sizeof(f64) / sizeof(*f64); i++)
		check_fits(FORMAT_F64, &f64[i].value, 8, f64[i].fits);
	check_fits(FORMAT_F16, &infinity, 2, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_scale),
		cmocka_unit_test(test_pieces_give_the_same),
		cmocka_unit_test(test_every_f16_widens),
		cmocka_unit_test(test_f32_narrows),
		cmocka_unit_test(test_f32_narrows_at_the_edges),
		cmocka_unit_test(test_f32_narrows_to_subnormals),
		cmocka_unit_test(test_quants_that_fit_f16),
		cmocka_unit_test(test_floats_that_fit_f16),
		cmocka_unit_test(test_other_floats_that_fit_f16),
	};

	return cmocka_run_group_tests_name("cpu_rows", tests, find_rows, NULL);
}

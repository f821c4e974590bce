/*
 * The GPU kernels, compiled for the host and run thread by thread: every format
 * × output type against the golden vectors, at lengths around every tile, and
 * BLAKE3 against a reference. Each buffer ends at the end of its data, so that
 * AddressSanitizer sees every excess.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define DQ_WORDS /* like for a GPU */
#include "kernels/dequant.hip"
#include "../golden/golden.h"
#include "../unit/blake3_reference.h"

_Thread_local struct dq_position dq_position;

typedef void kernel_fn(const void *blocks, void *values, uint64_t n_blocks);
typedef void rows_fn(const void *blocks, void *values, uint64_t n_blocks,
		     uint32_t row_blocks, uint32_t reciprocal, uint32_t shift);

static kernel_fn *const kernels[FORMAT_COUNT][OUTPUT_NATIVE] = {
#define ROW(TYPE, type, bytes, nan, file_type, NAME, name) \
	[FORMAT_##NAME][OUTPUT_##TYPE] = dq_##name##_##type,
#define DQ_QUANT(NAME, name, id, weights, bytes, span) \
	DQ_OUTPUT_TYPES(ROW, NAME, name)
#define DQ_FLOAT(NAME, name, id, bytes) DQ_OUTPUT_TYPES(ROW, NAME, name)
#include "kernels/formats.def"
};

static rows_fn *const rows_kernels[FORMAT_COUNT][OUTPUT_NATIVE] = {
#define DQ_ROWS(NAME, name, id, weights, bytes, span, header, rows) \
	DQ_OUTPUT_TYPES(ROW, NAME, name)
#include "kernels/formats.def"
};

#define GUARD 64 /* bytes past the output that must stay as they are */
#define UNTOUCHED 0xa5

static void run_grid(const struct format *format, enum output_type type,
		     const struct dq_parameters *p, unsigned groups)
{
	kernel_fn *const kernel = kernels[format->index][type];
	rows_fn *const rows = rows_kernels[format->index][type];

	for (unsigned group = 0; group < groups; group++)
		for (unsigned thread = 0; thread < DQ_THREADS; thread++) {
			dq_position.group = group;
			dq_position.thread = thread;
			if (kernel)
				kernel(p->blocks, p->values, p->n_blocks);
			else
				rows(p->blocks, p->values, p->n_blocks,
				     p->row_blocks, p->reciprocal, p->shift);
		}
}

static void check_length(const struct format *format, enum output_type type,
			 const struct golden *golden, const uint8_t *expected,
			 size_t n)
{
	const size_t in_bytes = n * format->block_bytes;
	const unsigned value_bytes = output_type_at(type)->bytes;
	const size_t out_bytes = n * format->block_weights * value_bytes;
	const struct dq_launch launch =
		dq_launch(format->block_weights, value_bytes, n);
	uint8_t *in = malloc(in_bytes), *out = malloc(out_bytes + GUARD);
	const struct dq_parameters parameters = {
		.blocks = in, .values = out, .n_blocks = n };

	assert_non_null(in);
	assert_non_null(out);
	assert_int_equal(launch.n_blocks, n);
	memcpy(in, golden->blocks, in_bytes);
	memset(out, UNTOUCHED, out_bytes + GUARD);
	run_grid(format, type, &parameters, launch.groups);

	if (memcmp(out, expected, out_bytes))
		fail_msg("%s, output type %d, %zu blocks", format->name, type,
			 n);
	for (size_t i = 0; i < GUARD; i++)
		assert_int_equal(out[out_bytes + i], UNTOUCHED);
	free(in);
	free(out);
}

/* The first n_rows rows of a tensor, in a buffer whose end is that of the next
 * whole word. */
static void check_rows(const struct format *format, enum output_type type,
		       const struct golden *golden,
		       const struct golden_tensor *t, const uint8_t *expected,
		       size_t n_rows)
{
	const size_t n = n_rows * t->row_blocks;
	const size_t in_bytes =
		(size_t)format_run_bytes(format, n, t->row_blocks);
	const unsigned value_bytes = output_type_at(type)->bytes;
	const size_t block_values = format->block_weights * value_bytes;
	const struct dq_launch launch = dq_launch_rows(
		format->block_weights, value_bytes, n,
		t->row_blocks * DQ_GROUP_ROWS(format->group_rows));
	uint8_t *in = malloc((in_bytes + 3) & ~(size_t)3);
	uint8_t *out = malloc(n * block_values + GUARD);
	struct dq_parameters parameters = {
		.blocks = in, .values = out, .n_blocks = n };

	assert_non_null(in);
	assert_non_null(out);
	assert_int_equal(launch.n_blocks, n);
	dq_set_divisor(&parameters, (uint32_t)t->row_blocks);
	memcpy(in, golden->blocks + t->at, in_bytes);
	memset(out, UNTOUCHED, n * block_values + GUARD);
	run_grid(format, type, &parameters, launch.groups);

	if (memcmp(out, expected + t->first * block_values, n * block_values))
		fail_msg("%s, output type %d, %zu rows of %zu blocks",
			 format->name, type, n_rows, t->row_blocks);
	for (size_t i = 0; i < GUARD; i++)
		assert_int_equal(out[n * block_values + i], UNTOUCHED);
	free(in);
	free(out);
}

/* Every number of rows of every tensor. */
static void test_rows(void **state)
{
	const struct format *format = *state;
	const size_t step = DQ_GROUP_ROWS(format->group_rows);
	struct golden golden;

	golden_read(&golden, format);
	for (int type = 0; type < OUTPUT_NATIVE; type++) {
		uint8_t *expected = golden_values(&golden, format, type);

		for (size_t i = 0; i < golden.n_tensors; i++) {
			const struct golden_tensor *t = &golden.tensors[i];

			for (size_t n = step; n * t->row_blocks <= t->n_blocks;
			     n += step)
				check_rows(format, type, &golden, t, expected,
					   n);
		}
		free(expected);
	}
	golden_release(&golden);
}

static void test_division(void **state)
{
	static const uint32_t divisors[] = {
		1, 2, 3, 5, 7, 10, 28, 255, 256, 257, 641, 65535, 65537,
		DQ_MAX_ROW_BLOCKS / 3, DQ_MAX_ROW_BLOCKS - 1,
		DQ_MAX_ROW_BLOCKS,
	};
	const uint32_t most = (1u << 31) - 1;

	(void)state;
	for (size_t k = 0; k < sizeof(divisors) / sizeof(*divisors); k++) {
		struct dq_parameters p;
		const uint32_t d = divisors[k], last = most / d;

		dq_set_divisor(&p, d);
		for (uint32_t q = 0; q <= last;
		     q += q < 300 || last - q < 300 ? 1 : (last - q) / 3)
			for (uint32_t i = q * d - (q > 0); i <= q * d; i++)
				assert_int_equal(dq_divide(i, p.reciprocal,
							   p.shift), i / d);
		assert_int_equal(dq_divide(most, p.reciprocal, p.shift),
				 most / d);
	}
}

static void test_launches_have_whole_groups(void **state)
{
	const uint64_t group = 3 * 4, most = DQ_MAX_ROW_BLOCKS / 12 * 12;

	(void)state;
	assert_int_equal(dq_launch_rows(256, 4, group, group).groups, 2);
	assert_int_equal(dq_launch_rows(256, 4, group, group).n_blocks, group);
	assert_int_equal(dq_launch_rows(256, 4, most, group).n_blocks, most);
	assert_int_equal(dq_launch_rows(256, 4, most + group, group).n_blocks,
			 most);
	assert_int_equal(dq_launch_rows(256, 4, DQ_MAX_ROW_BLOCKS,
					DQ_MAX_ROW_BLOCKS).groups,
			 DQ_MAX_GROUPS);
}

static void test_format(void **state)
{
	const struct format *format = *state;
	struct golden golden;

	golden_read(&golden, format);
	for (int type = 0; type < OUTPUT_NATIVE; type++) {
		const size_t tile = DQ_TILE(format->block_weights,
					    output_type_at(type)->bytes);
		uint8_t *expected =
				golden_values(&golden, format, type);

		for (size_t n = tile; n <= golden.n_blocks; n += tile)
			for (size_t k = n - 1; k <= n + 1; k++)
				if (k > 0 && k <= golden.n_blocks)
					check_length(format, type, &golden,
						     expected, k);
		check_length(format, type, &golden, expected, 1);
		free(expected);
	}
	golden_release(&golden);
}

/* Lengths that end anywhere in a chunk. */
static void test_tails(void **state)
{
	(void)state;
	for (unsigned i = 0; i < FORMAT_COUNT; i++) {
		const struct format *format = format_at(i);
		struct golden golden;

		if (format->kind != FORMAT_KIND_FLOAT)
			continue;
		golden_read(&golden, format);
		for (int type = 0; type < OUTPUT_NATIVE; type++) {
			uint8_t *expected =
				golden_values(&golden, format, type);

			for (size_t n = 1; n <= 33; n++)
				check_length(format, type, &golden, expected,
					     n);
			free(expected);
		}
		golden_release(&golden);
	}
}

static void test_launch_covers_the_blocks(void **state)
{
	const uint64_t most = (uint64_t)DQ_MAX_GROUPS * DQ_TILE(32, 4);

	(void)state;
	assert_int_equal(dq_launch(32, 4, 1).groups, 1);
	assert_int_equal(dq_launch(32, 4, DQ_TILE(32, 4)).groups, 1);
	assert_int_equal(dq_launch(32, 4, DQ_TILE(32, 4) + 1).groups, 2);
	assert_int_equal(dq_launch(32, 4, most - 1).groups, DQ_MAX_GROUPS);
	assert_int_equal(dq_launch(32, 4, most - 1).n_blocks, most - 1);
	assert_int_equal(dq_launch(32, 4, most + 1).groups, DQ_MAX_GROUPS);
	assert_int_equal(dq_launch(32, 4, most + 1).n_blocks, most);
}

typedef void hash_fn(const void *from, void *values, uint64_t n, uint64_t first,
		     uint64_t total);

/* Runs the kernel, checks its values, and returns them. */
static void *check_hash(hash_fn *kernel, const void *from, uint64_t n,
			uint64_t first, uint64_t total, uint64_t n_threads,
			const void *expected)
{
	const size_t bytes = n_threads * 32;
	char *const values = malloc(bytes);

	assert_non_null(values);
	memset(values, UNTOUCHED, bytes);
	for (unsigned i = 0; i < dq_hash_groups(n_threads) * DQ_HASH_THREADS;
	     i++) {
		dq_position.group = i / DQ_HASH_THREADS;
		dq_position.thread = i % DQ_HASH_THREADS;
		kernel(from, values, n, first, total);
	}
	if (memcmp(values, expected, bytes))
		fail_msg("%s of %u from chunk %u of %u",
			 kernel == dq_blake3_chunks ? "bytes" : "chunks",
			 (unsigned)n, (unsigned)first, (unsigned)total);
	return values;
}

/* This kernel overwrites the chunks' values. */
static void hash_groups(const void *chunks, void *values, uint64_t n,
			uint64_t first, uint64_t total)
{
	dq_blake3_groups((void *)(uintptr_t)chunks, values, n, first, total);
}

#define MOST_CHUNKS 140

static void check_hashes(size_t bytes, uint64_t first, uint64_t total)
{
	const uint64_t n_chunks = (bytes + 1023) / 1024;
	uint32_t chunks[MOST_CHUNKS][8], groups[MOST_CHUNKS][8];
	uint8_t *const in = malloc(bytes);
	void *values;

	assert_non_null(in);
	for (size_t i = 0; i < bytes; i++)
		in[i] = (uint8_t)(i % 251);
	assert_int_equal(reference_values(in, bytes, first, total, 1, chunks),
			 n_chunks);
	values = check_hash(dq_blake3_chunks, in, bytes, first, total,
			    n_chunks, chunks);
	assert_int_equal(dq_hash_layout(n_chunks, first, total).n_values,
			 reference_values(in, bytes, first, total,
					  DQ_HASH_GROUP, groups));
	free(check_hash(hash_groups, values, n_chunks, first, total,
			dq_hash_layout(n_chunks, first, total).n_values,
			groups));
	free(values);
	free(in);
}

/* Whole inputs, ends and middles of inputs, and chunk numbers past 2^32. */
static void test_hashes(void **state)
{
	static const unsigned borders[] = { 1, 2, 3, 15, 16, 17, 31, 32, 33, 48,
					    63, 64, 65, 127, 128, 129 };

	(void)state;
	for (size_t n = 2; n <= 2048 + 64; n += 2)
		check_hashes(n, 0, (n + 1023) / 1024);
	for (size_t i = 0; i < sizeof(borders) / sizeof(*borders); i++) {
		const unsigned n = borders[i];

		for (size_t bytes = n * 1024 - 2; bytes <= n * 1024 + 2;
		     bytes += 2) {
			const uint64_t chunks = (bytes + 1023) / 1024;

			check_hashes(bytes, 0, chunks);
			check_hashes(bytes, (1ull << 32) - 7,
				     (1ull << 32) - 7 + chunks);
			for (uint64_t first = 1; first < 18; first += 3)
				check_hashes(bytes, first, first + chunks);
		}
		check_hashes(n * 1024, 0, 1000);
		check_hashes(n * 1024, 16, 1000);
		check_hashes(n * 1024, 9, 1000);
	}
}

int main(void)
{
	struct CMUnitTest tests[FORMAT_COUNT + 5] = {
		cmocka_unit_test(test_launch_covers_the_blocks),
		cmocka_unit_test(test_tails),
		cmocka_unit_test(test_hashes),
		cmocka_unit_test(test_division),
		cmocka_unit_test(test_launches_have_whole_groups),
	};
	size_t n = 5;

	for (unsigned i = 0; i < FORMAT_COUNT; i++) {
		const struct format *format = format_at(i);

		if (format->kind != FORMAT_KIND_INTEGER)
			tests[n++] = (struct CMUnitTest){
				.name = format->name,
				.test_func = format_has_rows(format) ?
					     test_rows : test_format,
				.initial_state = (void *)(uintptr_t)format,
			};
	}
	return _cmocka_run_group_tests("kernels", tests, n, NULL, NULL);
}

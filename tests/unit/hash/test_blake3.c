/* Compares BLAKE3 by parts, on each instruction set of this CPU, with digests
 * from b3sum and with a reference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hash/blake3.h"
#include "hash/blake3_lanes.h"
#include "cpu/rows.h"
#include "../blake3_reference.h"

#define CHUNK ((size_t)BLAKE3_CHUNK_BYTES)

static const struct {
	size_t n;
	const char *hex;
} vectors[] = {
#include "../blake3_vectors.h"
};

/* Byte i is i % 251, as in the official test vectors. The caller frees it. */
static uint8_t *pattern(size_t n)
{
	uint8_t *const bytes = malloc(n + 1);

	assert_non_null(bytes);
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(i % 251);
	return bytes;
}

/* Hashes n bytes in parts of `cut` chunks or, if cut is 0, of 1 to 300 chunks
 * in turn. Each part is copied, so that a sanitizer sees an overrun. */
static void hash(const struct blake3_lanes *lanes, const uint8_t *bytes,
		 size_t n, size_t cut, uint8_t digest[32])
{
	struct blake3_part *const part = malloc(sizeof(*part));
	struct blake3_tree tree;
	unsigned turn = 0;

	assert_non_null(part);
	blake3_tree_init(&tree, n);
	for (size_t at = 0, len; at < n; at += len) {
		uint8_t *copy;

		turn = (turn * 61 + 17) % 300;
		len = (cut ? cut : turn + 1) * CHUNK;
		len = len < n - at ? len : n - at;
		copy = malloc(len);
		assert_non_null(copy);
		memcpy(copy, bytes + at, len);
		blake3_part_hash(part, lanes, copy, len, at, n);
		blake3_tree_add(&tree, part);
		free(copy);
	}
	blake3_tree_finish(&tree, digest);
	free(part);
}

static void check(const struct cpu_rows *rows, const uint8_t *bytes, size_t n,
		  size_t cut, const void *expected)
{
	uint8_t digest[32];

	hash(rows->blake3, bytes, n, cut, digest);
	if (memcmp(digest, expected, 32))
		fail_msg("%s: %zu bytes in parts of %zu chunks", rows->isa, n,
			 cut);
}

static void test_vectors(void **state)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		const size_t n = vectors[i].n;
		uint8_t *const bytes = pattern(n);
		uint8_t expected[32];
		uint32_t h[8];

		for (size_t j = 0; j < 32; j++) {
			unsigned byte;

			assert_int_equal(sscanf(vectors[i].hex + 2 * j, "%2x",
						&byte), 1);
			expected[j] = (uint8_t)byte;
		}
		reference_node(bytes, n, 0, 8, h);
		assert_memory_equal(h, expected, 32);
		check(*state, bytes, n, BLAKE3_PART_BYTES / CHUNK, expected);
		free(bytes);
	}
}

/* Every cut of n bytes, or some of them if n is large. */
static void check_length(const struct cpu_rows *rows, const uint8_t *bytes,
			 size_t n)
{
	static const size_t cuts[] = { 0, 1, 17, 256, 65536, 2, 3, 5, 8, 16, 64,
				       255, 257, 512 };
	const size_t n_cuts = n > 70 * CHUNK ? 5 : sizeof(cuts) / sizeof(*cuts);
	uint32_t expected[8];

	reference_node(bytes, n, 0, 8, expected);
	for (size_t i = 0; i < n_cuts; i++)
		check(rows, bytes, n, cuts[i], expected);
}

static void test_lengths(void **state)
{
	static const size_t chunks[] = { 3, 5, 6, 7, 9, 12, 15, 17, 24, 31, 33,
					 47, 63, 65, 100, 127, 129, 255, 257,
					 383, 511, 513, 600, 768, 777 };
	uint8_t *const bytes = pattern(778 * CHUNK);

	for (size_t n = 1; n <= 512 * CHUNK; n *= 2)
		for (size_t k = n - 1; k <= n + 1; k++)
			check_length(*state, bytes, k);
	for (size_t n = 64; n <= 3 * CHUNK; n += 64)
		for (size_t k = n - 1; k <= n + 1; k++)
			check_length(*state, bytes, k);
	for (size_t i = 0; i < sizeof(chunks) / sizeof(*chunks); i++)
		for (size_t k = 0; k < 3; k++)
			check_length(*state, bytes, chunks[i] * CHUNK + k - 1);
	free(bytes);
}

/* The largest part, placed so that it falls into the most subtrees. */
static void test_the_largest_part(void **state)
{
	const size_t n = BLAKE3_PART_BYTES + 2 * CHUNK + 1;
	uint8_t *const bytes = pattern(n);
	struct blake3_part *const part = malloc(sizeof(*part));
	const struct cpu_rows *const rows = cpu_rows_select(NULL, NULL);
	struct blake3_tree tree;
	uint8_t digest[32];
	uint32_t expected[8];

	(void)state;
	assert_non_null(part);
	blake3_tree_init(&tree, n);
	for (size_t at = 0, len = CHUNK; at < n; at += len, len = n - at) {
		if (len > BLAKE3_PART_BYTES)
			len = BLAKE3_PART_BYTES;
		blake3_part_hash(part, rows->blake3, bytes + at, len, at, n);
		blake3_tree_add(&tree, part);
	}
	blake3_tree_finish(&tree, digest);
	reference_node(bytes, n, 0, 8, expected);
	assert_memory_equal(digest, expected, 32);
	free(part);
	free(bytes);
}

/* Chunk numbers past 2^32, an odd address, and nothing written past the last
 * value. */
static void test_lanes(void **state)
{
	const struct blake3_lanes *const lanes =
		((const struct cpu_rows *)*state)->blake3;
	const uint64_t first = ((uint64_t)1 << 32) - 5;
	uint8_t *const bytes = pattern(40 * CHUNK);
	uint32_t values[41][8], expected[8];

	for (size_t n = 1; n <= 40; n++) {
		memset(values, 0xa5, sizeof(values));
		lanes->chunks(bytes + 1, n - 1, first, values);
		assert_int_equal(values[n - 1][0], 0xa5a5a5a5);
		for (size_t i = 0; i + 1 < n; i++) {
			reference_node(bytes + 1 + i * CHUNK, CHUNK, first + i,
				       0, expected);
			assert_memory_equal(values[i], expected, 32);
		}
	}
	free(bytes);
}

/* Values in the form of the GPU's: one for each whole group of 16 chunks, and
 * those of the chunks before and after. */
static void check_join(const struct cpu_rows *rows, const uint8_t *bytes,
		       size_t first, size_t n, size_t total)
{
	const size_t end = first + n < total ? first + n : total;
	struct blake3_part joined, part;
	uint32_t values[100][8];
	const size_t n_values = reference_values(
		bytes + first, end - first, first / CHUNK,
		(total + CHUNK - 1) / CHUNK, 16, values);

	memset(&joined, 0, sizeof(joined));
	memset(&part, 0, sizeof(part));
	assert_int_equal(blake3_part_join(&joined, rows->blake3, values, 4,
					  end - first, first, total),
			 n_values);
	blake3_part_hash(&part, rows->blake3, bytes + first, end - first,
			 first, total);
	if (memcmp(&joined, &part, sizeof(part)))
		fail_msg("%s: bytes %zu to %zu of %zu", rows->isa, first, end,
			 total);
}

static void test_join(void **state)
{
	uint8_t *const bytes = pattern(80 * CHUNK);

	for (size_t total = 1; total <= 80; total += total % 16 > 1 ? 13 : 1)
		for (size_t first = 0; first < total; first += 3)
			for (size_t n = 1; n <= total; n += n < 3 ? 1 : 7) {
				check_join(*state, bytes, first * CHUNK,
					   n * CHUNK, total * CHUNK);
				check_join(*state, bytes, first * CHUNK,
					   n * CHUNK, total * CHUNK - 7);
			}
	free(bytes);
}

int main(void)
{
	struct CMUnitTest tests[16] = {
		cmocka_unit_test(test_the_largest_part),
	};
	size_t n = 1;

	for (size_t i = 0; cpu_rows_at(i); i++) {
		void *const rows = (void *)(uintptr_t)cpu_rows_at(i);
		const struct CMUnitTest each[] = {
			cmocka_unit_test_prestate(test_vectors, rows),
			cmocka_unit_test_prestate(test_lanes, rows),
			cmocka_unit_test_prestate(test_join, rows),
			cmocka_unit_test_prestate(test_lengths, rows),
		};

		if (!cpu_rows_runs(cpu_rows_at(i)))
			continue;
		memcpy(tests + n, each, sizeof(each));
		n += sizeof(each) / sizeof(each[0]);
	}
	return _cmocka_run_group_tests("blake3", tests, n, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hash/blake3.h"
#include "hash/checksum.h"
#include "cpu/rows.h"

#define N_BYTES 100000

/* Checksums of nothing, of "abc", and of fill()'s bytes, by b3sum, sha256sum
 * and xxhsum. */
static const struct known {
	const char *name;
	const char *empty, *abc, *bytes;
} known[] = {
	{ "blake3",
	  "af1349b9f5f9a1a6a0404dea36dcc949"
	  "9bcb25c9adc112b7cc9a93cae41f3262",
	  "6437b3ac38465133ffb63b75273a8db5"
	  "48c558465d79db03fd359c6cd5bd9d85",
	  "c3884d02a3f9e4f517050e4923244531"
	  "3d439f05354d505b00e8eae4bcb31cfe" },
	{ "sha256",
	  "e3b0c44298fc1c149afbf4c8996fb924"
	  "27ae41e4649b934ca495991b7852b855",
	  "ba7816bf8f01cfea414140de5dae2223"
	  "b00361a396177a9cb410ff61f20015ad",
	  "96ad0ddabe9c733d4550fde750255a94"
	  "806811029be67504bd9bd68e556686b9" },
	{ "xxh3", "2d06800538d394c2", "78af5f94892f3950", "17a701075a95b432" },
	{ "xxh64", "ef46db3751d8e999", "44bc2cf5ad770999", "38257cc2053a1729" },
};

#define N_KNOWN (sizeof(known) / sizeof(*known))

static void fill(unsigned char *bytes)
{
	for (size_t i = 0; i < N_BYTES; i++)
		bytes[i] = (unsigned char)(i * 7 % 251);
}

static void add(const struct checksum *checksum, void *state,
		const char *bytes, size_t n, uint64_t offset, uint64_t total)
{
	struct error err;
	struct blake3_part part;

	if (!checksum->join) {
		assert_true(checksum->update(state, bytes + offset, n));
		return;
	}
	blake3_part_hash(&part, cpu_rows_select(NULL, &err)->blake3,
			 bytes + offset, n, offset, total);
	checksum->join(state, &part);
}

/* Takes the bytes in pieces of `step`, rounded up to whole chunks for a
 * checksum that is joined from parts. */
static void sum_is(const struct checksum *checksum, void *state,
		   const void *bytes, size_t n, size_t step, const char *hex)
{
	unsigned char sum[CHECKSUM_MAX_BYTES + 1];
	char got[2 * CHECKSUM_MAX_BYTES + 1];

	if (checksum->join)
		step = (step | (BLAKE3_CHUNK_BYTES - 1)) + 1;
	memset(sum, 0xa5, sizeof(sum));
	assert_true(checksum->begin(state, n));
	for (size_t i = 0; i < n; i += step)
		add(checksum, state, bytes, n - i < step ? n - i : step, i, n);
	assert_true(checksum->end(state, sum));
	for (size_t i = 0; i < checksum->bytes; i++)
		sprintf(got + 2 * i, "%02x", sum[i]);
	assert_string_equal(got, hex);
	assert_int_equal(sum[checksum->bytes], 0xa5);
}

static void test_known_checksums(void **state)
{
	static unsigned char bytes[N_BYTES];

	(void)state;
	fill(bytes);
	for (size_t i = 0; i < N_KNOWN; i++) {
		const struct checksum *const checksum =
			checksum_by_name(known[i].name);
		void *sum;

		assert_non_null(checksum);
		sum = checksum->open();
		assert_non_null(sum);
		sum_is(checksum, sum, "", 0, 1, known[i].empty);
		sum_is(checksum, sum, "abc", 3, 3, known[i].abc);
		sum_is(checksum, sum, "abc", 3, 1, known[i].abc);
		sum_is(checksum, sum, bytes, N_BYTES, N_BYTES, known[i].bytes);
		sum_is(checksum, sum, bytes, N_BYTES, 1024, known[i].bytes);
		sum_is(checksum, sum, bytes, N_BYTES, 333, known[i].bytes);
		/* An abandoned checksum does not affect the next. */
		assert_true(checksum->begin(sum, N_BYTES));
		add(checksum, sum, (const char *)bytes, BLAKE3_CHUNK_BYTES, 0,
		    N_BYTES);
		sum_is(checksum, sum, "abc", 3, 2, known[i].abc);
		checksum->close(sum);
	}
}

static void test_table(void **state)
{
	const struct checksum *checksum;
	size_t n = 0;

	(void)state;
	for (; (checksum = checksum_at(n)); n++) {
		assert_true(checksum->bytes <= CHECKSUM_MAX_BYTES);
		assert_ptr_equal(checksum_by_name(checksum->name), checksum);
		assert_ptr_equal(checksum_by_name(checksum->tag), checksum);
	}
	assert_int_equal(n, N_KNOWN);
	assert_null(checksum_by_name("md5"));
	assert_null(checksum_by_name(""));
	assert_ptr_equal(checksum_default(), checksum_at(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_checksums),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests_name("checksum", tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io/output_stream.h"
#include "../scratch.h"

static struct error err;

static struct output *open_output(const char *path)
{
	struct output *const output = output_open(path,
		&(struct output_options){ .force = false }, &err);

	assert_non_null(output);
	return output;
}

static void test_counts(void **state)
{
	static const char many[100000];
	struct output_stream s;

	(void)state;
	assert_int_equal(output_stream_open(&s, NULL, &err), 0);
	fputs("abc", s.stream);
	output_stream_put(&s, many, sizeof(many));
	output_stream_put_zeros(&s, 10000);
	output_stream_put_u16(&s, 1);
	output_stream_put_u32(&s, 1);
	output_stream_put_u64(&s, 1);
	assert_int_equal(output_stream_flush(&s), 0);
	assert_int_equal(s.offset, 3 + 100000 + 10000 + 14);
	assert_int_equal(output_stream_close(&s), 0);
}

static void test_writes(void **state)
{
	static char many[100000];
	struct output *const output = open_output("out");
	struct output_stream s;
	FILE *file;

	(void)state;
	memset(many, 'x', sizeof(many));
	assert_int_equal(output_stream_open(&s, output, &err), 0);
	output_stream_seek(&s, 20);
	output_stream_put(&s, many, sizeof(many));
	output_stream_put(&s, "end", 3);
	output_stream_seek(&s, 0);
	output_stream_put_u16(&s, 0x6261);
	output_stream_put_u32(&s, 0x66656463);
	output_stream_put_u64(&s, 0x6e6d6c6b6a696867);
	output_stream_put_zeros(&s, 6);
	assert_int_equal(output_stream_close(&s), 0);
	assert_int_equal(output_finish(output, &err), 0);

	file = fopen("out", "r");
	assert_int_equal(fread(many, 1, 20, file), 20);
	assert_memory_equal(many, "abcdefghijklmn\0\0\0\0\0\0", 20);
	assert_int_equal(fseek(file, 20 + sizeof(many), SEEK_SET), 0);
	assert_int_equal(fread(many, 1, 4, file), 3);
	assert_memory_equal(many, "end", 3);
	fclose(file);
}

/* The first error is kept, whatever comes after it. */
static void test_error(void **state)
{
	struct output *const output = open_output("/dev/full");
	struct output_stream s;
	struct error later = { .message = "" };

	(void)state;
	assert_int_equal(output_stream_open(&s, output, &err), 0);
	output_stream_put(&s, "abc", 3);
	assert_int_equal(output_stream_flush(&s), -1);
	assert_string_equal(err.message, "cannot write '/dev/full': "
					 "No space left on device");
	s.err = &later;
	output_stream_put(&s, "abc", 3);
	assert_int_equal(output_stream_flush(&s), -1);
	assert_int_equal(output_stream_close(&s), -1);
	assert_string_equal(later.message, "");
	output_abort(output);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, scratch_enter, scratch_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		TEST(test_writes),
		TEST(test_error),
	};

	return cmocka_run_group_tests_name("output_stream", tests, NULL, NULL);
}

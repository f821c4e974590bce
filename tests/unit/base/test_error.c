#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/escape.h"

static void test_messages_are_put_together(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(error_set(&err, "'%s' has %d", "a", 1), -1);
	assert_string_equal(err.message, "'a' has 1");
	assert_int_equal(error_append(&err, ", not %d", 2), -1);
	assert_string_equal(err.message, "'a' has 1, not 2");
	errno = ENOSPC;
	assert_int_equal(error_errno(&err, "cannot write '%s'", "b"), -1);
	assert_string_equal(err.message,
			    "cannot write 'b': No space left on device");
}

static void assert_ends(const struct error *err, const char *start,
			const char *end)
{
	const size_t len = strlen(err->message), n = strlen(end);

	assert_in_range(len, ERROR_MESSAGE_SIZE - 8, ERROR_MESSAGE_SIZE - 1);
	assert_memory_equal(err->message, start, strlen(start));
	assert_string_equal(err->message + len - n, end);
	assert_non_null(strstr(err->message, "x…x"));
}

/* A long path leaves room for the reason. */
static void test_long_messages_lose_their_middle(void **state)
{
	static char text[2 * ERROR_MESSAGE_SIZE];
	struct error err;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	errno = ENAMETOOLONG;
	error_errno(&err, "cannot open '%s'", text);
	assert_ends(&err, "cannot open 'xxx", "xxx': File name too long");
	error_append(&err, ", and %s", "more");
	assert_ends(&err, "cannot open 'xxx", ": File name too long, and more");
	error_append(&err, "%s", text);
	assert_ends(&err, "cannot open 'xxx", "xxx");
}

static void test_lengths_around_the_limit(void **state)
{
	char text[ERROR_MESSAGE_SIZE + 8];
	struct error err;

	(void)state;
	for (size_t n = ERROR_MESSAGE_SIZE - 8; n < sizeof(text); n++) {
		memset(text, 'x', n);
		text[n] = '\0';
		error_set(&err, "%s", text);
		if (n < ERROR_MESSAGE_SIZE)
			assert_string_equal(err.message, text);
		else
			assert_ends(&err, "x", "x");
	}
}

/* No character is cut. */
static void test_long_messages_of_wide_characters(void **state)
{
	char text[3 * ERROR_MESSAGE_SIZE + 4];
	struct error err;

	(void)state;
	for (size_t shift = 0; shift < 3; shift++) {
		size_t n = shift;

		memset(text, 'x', shift);
		for (; n < sizeof(text) - 3; n += 3)
			memcpy(text + n, "€", 3);
		text[n] = '\0';
		error_set(&err, "%s", text);
		assert_true(escape_is_utf8((struct text){
			err.message, strlen(err.message) }));
		assert_in_range(strlen(err.message), ERROR_MESSAGE_SIZE - 8,
				ERROR_MESSAGE_SIZE - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages_are_put_together),
		cmocka_unit_test(test_long_messages_lose_their_middle),
		cmocka_unit_test(test_lengths_around_the_limit),
		cmocka_unit_test(test_long_messages_of_wide_characters),
	};

	return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}

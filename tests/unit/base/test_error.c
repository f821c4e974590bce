#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

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

static void test_messages_are_cut_to_fit(void **state)
{
	char text[ERROR_MESSAGE_SIZE];
	struct error err;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	error_set(&err, "y%s", text);
	assert_int_equal(strlen(err.message), ERROR_MESSAGE_SIZE - 1);
	assert_int_equal(err.message[0], 'y');
	error_append(&err, "more");
	assert_int_equal(strlen(err.message), ERROR_MESSAGE_SIZE - 1);
	errno = ENOSPC;
	error_errno(&err, "%s", text);
	assert_string_equal(err.message, text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages_are_put_together),
		cmocka_unit_test(test_messages_are_cut_to_fit),
	};

	return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}

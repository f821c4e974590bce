#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io/temporary.h"
#include "../scratch.h"

/* test_output.c has the names, and the file systems that can do less. */

static unsigned n_tries;
static int fails_with; /* errno */

static int create(const char *name)
{
	assert_memory_equal(name, "folder/.name.", 13);
	assert_int_equal(strlen(name), 19);
	n_tries++;
	errno = fails_with;
	return n_tries == 3 && fails_with == EEXIST ? 7 : -1;
}

static void test_create_tries_again(void **state)
{
	char *name;
	int fd;

	(void)state;
	n_tries = 0;
	fails_with = EEXIST;
	name = temporary_create("folder/name", create, &fd);
	assert_non_null(name);
	assert_int_equal(fd, 7);
	assert_int_equal(n_tries, 3);
	free(name);
}

static void test_create_fails(void **state)
{
	int fd;

	(void)state;
	n_tries = 0;
	fails_with = EACCES;
	assert_null(temporary_create("folder/name", create, &fd));
	assert_int_equal(errno, EACCES);
	assert_int_equal(n_tries, 1);

	n_tries = 3;
	fails_with = EEXIST;
	assert_null(temporary_create("folder/name", create, &fd));
	assert_int_equal(errno, EEXIST);
	assert_in_range(n_tries, 50, 1000);
}

static void test_rename_new(void **state)
{
	int from, to;

	(void)state;
	assert_int_equal(mkdir("from", 0777) | mkdir("to", 0777), 0);
	scratch_write("from/a", "a");
	scratch_write("from/b", "b");
	scratch_write("to/b", "theirs");
	from = open("from", O_RDONLY | O_DIRECTORY);
	to = open("to", O_RDONLY | O_DIRECTORY);
	assert_int_equal(temporary_rename_new(from, "a", to, "a"), 0);
	assert_string_equal(scratch_read("to/a"), "a");
	assert_int_equal(temporary_rename_new(from, "b", to, "b"), -1);
	assert_int_equal(errno, EEXIST);
	assert_string_equal(scratch_read("to/b"), "theirs");
	assert_int_equal(scratch_count("from"), 1);
	close(from);
	close(to);
	assert_int_equal(temporary_rename_new(AT_FDCWD, "from", AT_FDCWD, "to"),
			 -1);
	assert_int_equal(temporary_rename_new(AT_FDCWD, "to", AT_FDCWD, "new"),
			 0);
	assert_int_equal(scratch_count("new"), 2);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, scratch_enter, scratch_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create_tries_again),
		cmocka_unit_test(test_create_fails),
		TEST(test_rename_new),
	};

	return cmocka_run_group_tests_name("temporary", tests, NULL, NULL);
}

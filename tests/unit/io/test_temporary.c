#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/random.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "io/temporary.h"
#include "../scratch.h"

/* test_output.c has the file systems that can do less. */

static unsigned n_tries;
static int fails_with; /* errno */
static bool no_random;

/* In place of libc's. A sandbox may deny the system call. */
ssize_t getrandom(void *bytes, size_t n, unsigned flags)
{
	if (!no_random)
		return syscall(SYS_getrandom, bytes, n, flags);
	errno = EPERM;
	return -1;
}

static int create(const char *name, int argument)
{
	assert_memory_equal(name, "folder/.name.gguf-dequant.", 26);
	assert_int_equal(strlen(name), 32);
	assert_int_equal(argument, 17);
	n_tries++;
	errno = fails_with;
	return n_tries == 3 && fails_with == EEXIST ? open(".", O_RDONLY) : -1;
}

static void test_create_tries_again(void **state)
{
	char *name;
	int fd;

	(void)state;
	n_tries = 0;
	fails_with = EEXIST;
	name = temporary_create("folder/name", create, 17, &fd);
	assert_non_null(name);
	assert_true(fd >= 0);
	assert_int_equal(n_tries, 3);
	free(name);
	close(fd);
}

static int create_file(const char *name, int mode)
{
	return open(name, O_WRONLY | O_CREAT | O_EXCL, mode);
}

/* The names still differ, from each other and from those that are taken. */
static void test_create_without_random_numbers(void **state)
{
	char *names[3];
	int fds[3];

	(void)state;
	no_random = true;
	for (size_t i = 0; i < 3; i++) {
		names[i] = temporary_create("name", create_file, 0600,
					    &fds[i]);
		assert_non_null(names[i]);
	}
	no_random = false;
	assert_int_equal(scratch_count("."), 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(unlink(names[i]), 0);
		free(names[i]);
		close(fds[i]);
	}
}

static void test_create_fails(void **state)
{
	int fd;

	(void)state;
	n_tries = 0;
	fails_with = EACCES;
	assert_null(temporary_create("folder/name", create, 17, &fd));
	assert_int_equal(errno, EACCES);
	assert_int_equal(n_tries, 1);

	n_tries = 3;
	fails_with = EEXIST;
	assert_null(temporary_create("folder/name", create, 17, &fd));
	assert_int_equal(errno, EEXIST);
	assert_in_range(n_tries, 50, 1000);
}

/* However a temporary name is cut, it is valid UTF-8 like the name. */
static void test_name_has_whole_characters(void **state)
{
	(void)state;
	for (unsigned ascii = 95; ascii <= 101; ascii++) {
		char path[128], *name;
		const char *at;
		int fd;

		memset(path, 'x', ascii);
		strcpy(path + ascii, "\u20ac\u20ac\u20ac");
		name = temporary_create(path, create_file, 0600, &fd);
		assert_non_null(name);
		at = strpbrk(name, "\xe2\x82\xac");
		while (at && !strncmp(at, "\u20ac", 3))
			at += 3;
		assert_true(!at || *at == '.');
		assert_memory_equal(name + 1, path, ascii < 98 ? ascii : 98);
		close(fd);
		free(name);
	}
}

static int create_folder(const char *name, int mode)
{
	return mkdir(name, (mode_t)mode) ? -1 : open(name, O_RDONLY);
}

/* What is left of a process that was killed goes, and nothing else. */
static void test_sweep(void **state)
{
	char *used, *left, *folder;
	int fds[3];

	(void)state;
	scratch_write(".name.backup", "");
	scratch_write(".name.gguf-dequant.abcde", "");
	scratch_write(".name.gguf-dequant.abcde.", "");
	scratch_write(".names.gguf-dequant.abcdef", "");
	used = temporary_create("./name", create_file, 0600, &fds[0]);
	left = temporary_create("name", create_file, 0400, &fds[1]);
	folder = temporary_create("name", create_folder, 0700, &fds[2]);
	assert_true(used && left && folder);
	temporary_sweep("name");
	assert_int_equal(scratch_count("."), 7);
	close(fds[1]);
	close(fds[2]);
	assert_int_equal(chdir(folder), 0);
	scratch_write("tensor", "");
	assert_int_equal(chdir(".."), 0);
	temporary_sweep("name");
	assert_int_equal(scratch_count("."), 5);
	assert_int_equal(access(used, F_OK), 0);
	close(fds[0]);
	free(used);
	free(left);
	free(folder);
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
		TEST(test_create_without_random_numbers),
		TEST(test_name_has_whole_characters),
		TEST(test_sweep),
		TEST(test_rename_new),
	};

	return cmocka_run_group_tests_name("temporary", tests, NULL, NULL);
}

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/cpus.h"
#include "../scratch.h"

static size_t possible = 1024; /* CPUs of the kernel, which all may be used */
static int fails_with;

/* In place of libc's. */
int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
	(void)pid;
	errno = size * 8 < possible ? EINVAL : fails_with;
	if (errno)
		return -1;
	memset(set, 0, size);
	memset(set, 0xff, possible / 8);
	return 0;
}

/* A quota of the machine that runs the test may be less. */
static void test_more_cpus_than_a_cpu_set_has(void **state)
{
	unsigned n;

	(void)state;
	n = cpus_usable();
	assert_in_range(n, 1, 1024);
	possible = 8192;
	assert_in_range(cpus_usable(), n, 8192);
	if (n == 1024)
		assert_int_equal(cpus_usable(), 8192);
	possible = SIZE_MAX;
	assert_int_equal(cpus_usable(), 1);
	possible = 1024;
	fails_with = EPERM;
	assert_int_equal(cpus_usable(), 1);
	fails_with = 0;
}

static void test_nested_groups(void **state)
{
	(void)state;
	mkdir("a", 0755);
	mkdir("a/b", 0755);
	mkdir("a/b/c", 0755);
	assert_int_equal(cpus_of_group(".", "/a/b/c"), UINT_MAX);
	scratch_write("a/b/c/cpu.max", "max 100000\n");
	assert_int_equal(cpus_of_group(".", "/a/b/c"), UINT_MAX);
	scratch_write("a/cpu.max", "250000 100000\n");
	assert_int_equal(cpus_of_group(".", "/a/b/c"), 3);
	assert_int_equal(cpus_of_group(".", "/a"), 3);
	assert_int_equal(cpus_of_group(".", "/"), UINT_MAX);
	scratch_write("a/b/cpu.max", "400000 100000\n");
	assert_int_equal(cpus_of_group(".", "/a/b/c"), 3);
	scratch_write("a/b/c/cpu.max", "1000 100000\n");
	assert_int_equal(cpus_of_group(".", "/a/b/c"), 1);
	assert_int_equal(cpus_of_group(".", "/a/b"), 3);
	scratch_write("cpu.max", "200000 100000\n"); /* as in a container */
	assert_int_equal(cpus_of_group(".", "/a/b"), 2);
	assert_int_equal(cpus_of_group(".", "/"), 2);
	assert_int_equal(cpus_of_group(".", "/not/seen/from/here"), 2);
}

static void test_malformed_quotas(void **state)
{
	static const char *const texts[] = { "", "max", "5", "5 0", "x y",
					     "-1 1", "99999999999999999999 1" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		scratch_write("cpu.max", texts[i]);
		assert_int_equal(cpus_of_group(".", "/"), UINT_MAX);
	}
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, scratch_enter, scratch_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_more_cpus_than_a_cpu_set_has),
		TEST(test_nested_groups),
		TEST(test_malformed_quotas),
	};

	return cmocka_run_group_tests_name("cpus", tests, NULL, NULL);
}

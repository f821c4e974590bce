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

static unsigned quota_of(const char *list)
{
	scratch_write("list", list);
	return cpus_of_groups("list", ".");
}

static void test_nested_groups(void **state)
{
	(void)state;
	mkdir("a", 0755);
	mkdir("a/b", 0755);
	mkdir("a/b/c", 0755);
	assert_int_equal(cpus_of_groups("list", "."), UINT_MAX);
	assert_int_equal(quota_of("0::/a/b/c\n"), UINT_MAX);
	scratch_write("a/b/c/cpu.max", "max 100000\n");
	assert_int_equal(quota_of("0::/a/b/c\n"), UINT_MAX);
	scratch_write("a/cpu.max", "250000 100000\n");
	assert_int_equal(quota_of("0::/a/b/c\n"), 3);
	assert_int_equal(quota_of("0::/a\n"), 3);
	assert_int_equal(quota_of("0::/\n"), UINT_MAX);
	scratch_write("a/b/cpu.max", "400000 100000\n");
	assert_int_equal(quota_of("0::/a/b/c\n"), 3);
	scratch_write("a/b/c/cpu.max", "1000 100000\n");
	assert_int_equal(quota_of("0::/a/b/c\n"), 1);
	assert_int_equal(quota_of("0::/a/b\n"), 3);
	scratch_write("cpu.max", "200000 100000\n"); /* as in a container */
	assert_int_equal(quota_of("0::/a/b\n"), 2);
	assert_int_equal(quota_of("0::/\n"), 2);
	assert_int_equal(quota_of("0::/not/seen/from/here\n"), 2);
}

static void test_groups_of_version_1(void **state)
{
	(void)state;
	mkdir("cpu", 0755);
	mkdir("cpu/a:b", 0755);
	scratch_write("cpu/a:b/cpu.cfs_period_us", "100000\n");
	assert_int_equal(quota_of("4:cpu,cpuacct:/a:b\n"), UINT_MAX);
	scratch_write("cpu/a:b/cpu.cfs_quota_us", "-1\n");
	assert_int_equal(quota_of("4:cpu,cpuacct:/a:b\n"), UINT_MAX);
	scratch_write("cpu/a:b/cpu.cfs_quota_us", "350000\n");
	assert_int_equal(quota_of("4:cpu,cpuacct:/a:b\n"), 4);
	assert_int_equal(quota_of("4:cpuacct,cpu:/a:b\n"), 4);
	assert_int_equal(quota_of("4:cpu:/a:b\n"), 4);
	assert_int_equal(quota_of("4:cpuset,cpuacct:/a:b\n"), UINT_MAX);
	assert_int_equal(quota_of("3:cpuset:/\n4:cpu:/a:b\n0::/\n"), 4);
	scratch_write("cpu/cpu.cfs_quota_us", "150000\n");
	scratch_write("cpu/cpu.cfs_period_us", "100000\n");
	assert_int_equal(quota_of("4:cpu:/a:b\n"), 2);
	assert_int_equal(quota_of("4:cpu:/not/seen/from/here\n"), 2);
}

static void test_malformed_lists(void **state)
{
	static const char *const lists[] = { "", "\n", "0", "0:", "0:\n", ":",
					     "cpu", "4:cpu", "4:cpu\n" };

	(void)state;
	scratch_write("cpu.max", "200000 100000\n");
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		assert_int_equal(quota_of(lists[i]), UINT_MAX);
}

static void test_malformed_quotas(void **state)
{
	static const char *const texts[] = { "", "max", "5", "5 0", "x y",
					     "-1 1", "99999999999999999999 1" };

	(void)state;
	mkdir("cpu", 0755);
	scratch_write("cpu/cpu.cfs_period_us", "1");
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		scratch_write("cpu.max", texts[i]);
		assert_int_equal(quota_of("0::/"), UINT_MAX);
	}
	scratch_write("cpu/cpu.cfs_quota_us", "");
	assert_int_equal(quota_of("4:cpu:/"), UINT_MAX);
	scratch_write("cpu/cpu.cfs_quota_us", "x");
	assert_int_equal(quota_of("4:cpu:/"), UINT_MAX);
	scratch_write("cpu/cpu.cfs_quota_us", "5");
	assert_int_equal(quota_of("4:cpu:/"), 5);
	scratch_write("cpu/cpu.cfs_period_us", "");
	assert_int_equal(quota_of("4:cpu:/"), UINT_MAX);
	scratch_write("cpu/cpu.cfs_period_us", "0");
	assert_int_equal(quota_of("4:cpu:/"), UINT_MAX);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, scratch_enter, scratch_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_more_cpus_than_a_cpu_set_has),
		TEST(test_nested_groups),
		TEST(test_groups_of_version_1),
		TEST(test_malformed_lists),
		TEST(test_malformed_quotas),
	};

	return cmocka_run_group_tests_name("cpus", tests, NULL, NULL);
}

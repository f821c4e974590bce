#include "cli/cpus.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CPUS (1 << 20) /* more than any kernel has */

/* The kernel refuses a set that is smaller than its own. */
static unsigned affinity(void)
{
	for (size_t n = CPU_SETSIZE; n <= MAX_CPUS; n *= 2) {
		const size_t size = CPU_ALLOC_SIZE(n);
		cpu_set_t *const set = CPU_ALLOC(n);
		const int failed = set ? sched_getaffinity(0, size, set) : -1;
		const unsigned count =
			failed ? 0 : (unsigned)CPU_COUNT_S(size, set);

		if (set)
			CPU_FREE(set);
		if (!failed)
			return count;
		if (errno != EINVAL)
			break;
	}
	return 1;
}

struct group {
	const char *mount;     /* of all hierarchies */
	const char *hierarchy; /* "/cpu", or "" in version 2 */
	char *path;            /* in there: "/a/b", "/a" or "" */
};

/* Reads up to two numbers from a group's file. Returns how many. */
static int read_numbers(const struct group *group, const char *file,
			int64_t *first, int64_t *second)
{
	FILE *stream;
	char *path;
	int n;

	if (asprintf(&path, "%s%s%s/%s", group->mount, group->hierarchy,
		     group->path, file) < 0)
		return 0;
	stream = fopen(path, "re");
	free(path);
	if (!stream)
		return 0;
	n = fscanf(stream, "%" SCNd64 " %" SCNd64, first, second);
	fclose(stream);
	return n == EOF ? 0 : n;
}

/* Quota and period are in microseconds, and in one file in version 2. Without a
 * quota, that has "max" in its place, and version 1 has -1. */
static unsigned quota_of(const struct group *group)
{
	int64_t quota, period, unused, cpus;

	if (read_numbers(group, "cpu.max", &quota, &period) != 2 &&
	    (!read_numbers(group, "cpu.cfs_quota_us", &quota, &unused) ||
	     !read_numbers(group, "cpu.cfs_period_us", &period, &unused)))
		return UINT_MAX;
	if (quota < 0 || period <= 0)
		return UINT_MAX;
	cpus = quota / period + (quota % period != 0);
	return cpus < UINT_MAX ? (unsigned)cpus : UINT_MAX;
}

/* The least quota of the group and of those that it is in. A container may see
 * only the one that is mounted. */
static unsigned quota_of_nested(struct group *group)
{
	unsigned least = UINT_MAX;
	char *end = group->path + strlen(group->path);

	while (end) {
		unsigned cpus;

		*end = '\0';
		cpus = quota_of(group);
		if (cpus < least)
			least = cpus;
		end = strrchr(group->path, '/');
	}
	return least;
}

static bool has_word(char *words, const char *word)
{
	const char *next;

	while ((next = strsep(&words, ",")))
		if (!strcmp(next, word))
			return true;
	return false;
}

/* A line is "0::/a/b" or, in version 1, "4:cpu,cpuacct:/a/b". */
static unsigned quota_of_line(char *line, const char *mount)
{
	struct group group = { .mount = mount };
	char *controllers;

	(void)strsep(&line, ":");
	controllers = strsep(&line, ":");
	if (!line || (*controllers && !has_word(controllers, "cpu")))
		return UINT_MAX;
	group.hierarchy = *controllers ? "/cpu" : "";
	group.path = line;
	line[strcspn(line, "\n")] = '\0';
	return quota_of_nested(&group);
}

unsigned cpus_of_groups(const char *list, const char *mount)
{
	FILE *const stream = fopen(list, "re");
	unsigned least = UINT_MAX;
	char *line = NULL;
	size_t size = 0;

	while (stream && getline(&line, &size, stream) > 0) {
		const unsigned cpus = quota_of_line(line, mount);

		if (cpus < least)
			least = cpus;
	}
	free(line);
	if (stream)
		fclose(stream);
	return least;
}

unsigned cpus_usable(void)
{
	const unsigned set = affinity();
	const unsigned quota = cpus_of_groups("/proc/self/cgroup",
					      "/sys/fs/cgroup");
	const unsigned cpus = set < quota ? set : quota;

	return cpus ? cpus : 1;
}

#include "cli/cpus.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUPS "/sys/fs/cgroup"
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

/* cpu.max holds "max" or the quota, and the period, in microseconds. */
static unsigned read_quota(const char *mount, const char *group)
{
	uint64_t quota, period, cpus = UINT_MAX;
	FILE *stream;
	char *path;

	if (asprintf(&path, "%s%s/cpu.max", mount, group) < 0)
		return UINT_MAX;
	stream = fopen(path, "re");
	free(path);
	if (!stream)
		return UINT_MAX;
	if (fscanf(stream, "%" SCNu64 " %" SCNu64, &quota, &period) == 2 &&
	    period)
		cpus = quota / period + (quota % period != 0);
	fclose(stream);
	return cpus < UINT_MAX ? (unsigned)cpus : UINT_MAX;
}

unsigned cpus_of_group(const char *mount, const char *group)
{
	char *const path = strdup(group);
	unsigned least = UINT_MAX;
	char *end;

	/* "/a/b", "/a" and "" */
	for (end = path ? path + strlen(path) : NULL; end;
	     end = strrchr(path, '/')) {
		unsigned cpus;

		*end = '\0';
		cpus = read_quota(mount, path);
		if (cpus < least)
			least = cpus;
	}
	free(path);
	return least;
}

/* The limit of our control group: "0::/a/b" in /proc/self/cgroup. */
static unsigned quota(void)
{
	FILE *const stream = fopen("/proc/self/cgroup", "re");
	unsigned least = UINT_MAX;
	char *line = NULL;
	size_t size = 0;

	while (stream && getline(&line, &size, stream) > 0)
		if (!strncmp(line, "0::/", 4)) {
			line[strcspn(line, "\n")] = '\0';
			least = cpus_of_group(GROUPS, line + 3);
		}
	free(line);
	if (stream)
		fclose(stream);
	return least;
}

unsigned cpus_usable(void)
{
	const unsigned set = affinity(), limit = quota();
	const unsigned cpus = set < limit ? set : limit;

	return cpus ? cpus : 1;
}

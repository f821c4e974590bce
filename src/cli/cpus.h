/* cpus.h - the CPUs that this process may use. */
#ifndef CLI_CPUS_H
#define CLI_CPUS_H

/* Their number, at least 1: limited by the affinity and, in a container, by the
 * quotas of its control groups. */
unsigned cpus_usable(void);

/* The least CPU quota, rounded up, of the control groups in the file `list`,
 * which is like /proc/self/cgroup, and of those that they are in. UINT_MAX if
 * there is no quota. Version 2 is mounted at `mount`, the "cpu" hierarchy of
 * version 1 at "`mount`/cpu". */
unsigned cpus_of_groups(const char *list, const char *mount);

#endif

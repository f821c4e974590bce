/* cpus.h - the CPUs that this process may use. */
#ifndef CLI_CPUS_H
#define CLI_CPUS_H

/* Their number, at least 1: limited by the affinity and, in a container, by the
 * quotas of its control groups. */
unsigned cpus_usable(void);

/* The least quota of the control group `group`, "/a/b", and of those that it is
 * in, of which the first is mounted at `mount`; rounded up. UINT_MAX if none
 * has one. */
unsigned cpus_of_group(const char *mount, const char *group);

#endif

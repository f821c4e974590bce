/* child.h - runs a part of a test in another process. */
#ifndef CHILD_H
#define CHILD_H

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs child(arg) in another process, which exits with the value returned.
 * Returns the wait status. */
static inline int child_run(int (*child)(int), int arg)
{
	const struct rlimit no_core = { 0, 0 };
	const pid_t pid = fork();
	int status;

	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &no_core);
		_exit(child(arg));
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		abort();
	return status;
}

#endif

/* terminal.h - a pseudo-terminal for a test. Include after cmocka.h. */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <errno.h>
#include <pty.h>
#include <string.h>

/* As openpty(3), for the caller to close. Skips the test, and says so, on a
 * system without pseudo-terminals: a bare chroot, or a build farm. */
static inline void terminal_open(int *master, int *slave,
				 const struct winsize *size)
{
	if (openpty(master, slave, NULL, NULL, size)) {
		print_error("no pseudo-terminal, hence no test of one: %s\n",
			    strerror(errno));
		skip();
	}
}

#endif

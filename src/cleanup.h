/* cleanup.h - files that must not stay when a signal ends the program. */
#ifndef CLEANUP_H
#define CLEANUP_H

#include <signal.h>

#define CLEANUP_MAX_FILES 8

/*
 * Makes and opens a new file for writing, with the permissions that the umask
 * or the folder gives. Until it is forgotten, SIGINT, SIGTERM, SIGHUP, SIGQUIT,
 * SIGPIPE, SIGXCPU and SIGXFSZ unlink it before they end the program, unless
 * they were ignored from the start. `path` must stay as it is until then, and
 * is known by its address. Returns a descriptor, or -1 and errno.
 *
 * Only one thread calls these; every other must block cleanup_signals.
 */
int cleanup_create(const char *path);
void cleanup_forget(const char *path);

/* Fills the set with those signals but SIGPIPE and SIGXFSZ, which come to the
 * thread whose write raised them. */
void cleanup_signals(sigset_t *set);

#endif

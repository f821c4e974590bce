/* cleanup.h - what must not stay when a signal ends the program. */
#ifndef IO_CLEANUP_H
#define IO_CLEANUP_H

#include <signal.h>
#include <stdbool.h>

#define CLEANUP_MAX_FILES 8

/*
 * Makes and opens a new file for writing, with what the umask or the folder
 * leaves of the permissions `mode`. Until it is forgotten, each signal that
 * ends a program unlinks it first, unless the signal was ignored or handled
 * from the start: those that are sent (SIGINT, SIGTERM, SIGHUP, SIGQUIT,
 * SIGXCPU) as well as those of a failing write (SIGPIPE, SIGXFSZ) or of a crash
 * (SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL), which a GPU's runtime may raise,
 * too. `path` must stay as it is until then, and is known by its address.
 * Returns a descriptor, or -1 and errno.
 *
 * Only one thread calls these; every other must block cleanup_signals.
 */
int cleanup_create(const char *path, int mode);
void cleanup_forget(const char *path);

/* The same for a new folder, which goes with all that is in it by then: files,
 * and folders CLEANUP_MAX_DEPTH deep. */
#define CLEANUP_MAX_DEPTH 32
int cleanup_create_folder(const char *path, int mode);

/* Whether a signal removes it just now. A thread that makes files there, which
 * goes on meanwhile, asks before each: else there might be no end of them. */
bool cleanup_is_ending(void);

/* Removes such a folder, as the signals do, and forgets it. */
void cleanup_remove_folder(const char *path);

/*
 * From now on SIGABRT is trouble like any other: once what must not stay is
 * removed, `message`, a line, goes to standard error, and the program exits
 * with `status`. AMD's runtimes before HIP 7 call abort if the GPU accesses
 * memory that it must not. `message` must outlive the program.
 */
void cleanup_report_abort(const char *message, int status);

/* Fills the set with those of the signals that are sent to the program; the
 * others come to the thread that raises them. */
void cleanup_signals(sigset_t *set);

/* Blocks them in the calling thread, until it restores *before. Threads that it
 * starts in between keep them blocked. */
void cleanup_block_signals(sigset_t *before);
void cleanup_restore_signals(const sigset_t *before);

#endif

#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

static const int fatal_signals[] = {
	SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGXCPU, SIGXFSZ,
};

#define N_SIGNALS (sizeof(fatal_signals) / sizeof(fatal_signals[0]))

/* Static because a signal handler takes no argument; atomic because SIGPIPE
 * may run it in another thread. */
static _Atomic(const char *) files[CLEANUP_MAX_FILES];

/* SA_RESETHAND gave the signal its default action back, and it is blocked until
 * the handler returns: the program then dies of it, as the shell shall see. */
static void unlink_files(int number)
{
	for (size_t i = 0; i < CLEANUP_MAX_FILES; i++) {
		const char *const path = files[i];

		if (path)
			(void)unlink(path);
	}
	(void)raise(number);
}

static void install_handlers(void)
{
	static bool installed;
	struct sigaction action = {
		.sa_handler = unlink_files,
		.sa_flags = (int)SA_RESETHAND,
	};
	struct sigaction before;

	if (installed)
		return;
	installed = true;
	(void)sigfillset(&action.sa_mask);
	for (size_t i = 0; i < N_SIGNALS; i++)
		if (!sigaction(fatal_signals[i], NULL, &before) &&
		    before.sa_handler == SIG_DFL)
			(void)sigaction(fatal_signals[i], &action, NULL);
}

/* The entry that holds `path`; NULL finds a free one. */
static _Atomic(const char *) *find(const char *path)
{
	for (size_t i = 0; i < CLEANUP_MAX_FILES; i++)
		if (files[i] == path)
			return &files[i];
	return NULL;
}

void cleanup_signals(sigset_t *set)
{
	(void)sigemptyset(set);
	for (size_t i = 0; i < N_SIGNALS; i++)
		if (fatal_signals[i] != SIGPIPE && fatal_signals[i] != SIGXFSZ)
			(void)sigaddset(set, fatal_signals[i]);
}

int cleanup_create(const char *path)
{
	_Atomic(const char *) *const entry = find(NULL);
	sigset_t all, before;
	int fd, saved;

	if (!entry) {
		errno = EMFILE;
		return -1;
	}
	install_handlers();
	/* No signal may come between the file and the entry. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	saved = errno;
	if (fd >= 0)
		*entry = path;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = saved;
	return fd;
}

void cleanup_forget(const char *path)
{
	_Atomic(const char *) *const entry = find(path);

	if (entry)
		*entry = NULL;
}

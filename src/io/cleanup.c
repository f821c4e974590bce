#include "io/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* `own`: comes to the thread whose fault or write raises it, which must not
 * block it: the program would end at once, without the handler. */
static const struct {
	int number;
	bool own;
} fatal_signals[] = {
	{ SIGHUP, false }, { SIGINT, false },  { SIGQUIT, false },
	{ SIGTERM, false }, { SIGXCPU, false }, { SIGPIPE, true },
	{ SIGXFSZ, true },  { SIGABRT, true },  { SIGSEGV, true },
	{ SIGBUS, true },   { SIGFPE, true },   { SIGILL, true },
};

#define N_SIGNALS (sizeof(fatal_signals) / sizeof(fatal_signals[0]))

/* Static because a signal handler takes no argument; atomic because it may run
 * in another thread. */
static _Atomic(const char *) files[CLEANUP_MAX_FILES];
static _Atomic(const char *) folders[CLEANUP_MAX_FILES];

/* A signal is removing the folders: nobody begins a file in one any more. */
static atomic_bool ending;

/* How SIGABRT ends the program, if not as the other signals do. Set before a
 * thread is there that might raise it. */
static struct {
	const char *message; /* NULL: as they do */
	int status;
} on_abort;

/* What a thread was about to make when that began comes after the first. */
#define MAX_TRIES 100

static void remove_tree(int parent, const char *name, unsigned depth);

/* Removes what is in the folder. Only calls that a signal handler may make. */
static void empty_folder(int fd, unsigned depth)
{
	_Alignas(struct dirent64) char buffer[2048];
	ssize_t n;

	while ((n = getdents64(fd, buffer, sizeof(buffer))) > 0) {
		const struct dirent64 *entry;

		for (ssize_t i = 0; i < n; i += entry->d_reclen) {
			entry = (const struct dirent64 *)(buffer + i);
			if (!strcmp(entry->d_name, ".") ||
			    !strcmp(entry->d_name, ".."))
				continue;
			if (unlinkat(fd, entry->d_name, 0))
				remove_tree(fd, entry->d_name, depth + 1);
		}
	}
}

static void remove_tree(int parent, const char *name, unsigned depth)
{
	int fd, tries = 0;

	if (depth == CLEANUP_MAX_DEPTH)
		return;
	fd = openat(parent, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		(void)unlinkat(parent, name, AT_REMOVEDIR); /* if empty */
		return;
	}
	do {
		(void)lseek(fd, 0, SEEK_SET);
		empty_folder(fd, depth);
	} while (unlinkat(parent, name, AT_REMOVEDIR) && errno == ENOTEMPTY &&
		 ++tries < MAX_TRIES);
	close(fd);
}

/* The signal itself ends the program, once the handler has returned, so that a
 * shell sees why. */
static void end_by(int number)
{
	const struct sigaction end = { .sa_handler = SIG_DFL };

	if (number == SIGABRT && on_abort.message) {
		(void)!write(STDERR_FILENO, on_abort.message,
			     strlen(on_abort.message));
		_exit(on_abort.status);
	}
	(void)sigaction(number, &end, NULL);
	(void)raise(number);
}

/* All signals are blocked until the handler returns. More may come in other
 * threads, such as the SIGPIPE of each write; those threads wait here for the
 * end. */
static void remove_all(int number)
{
	while (atomic_exchange(&ending, true))
		(void)pause();
	for (size_t i = 0; i < CLEANUP_MAX_FILES; i++) {
		const char *const path = files[i];
		const char *const folder = folders[i];

		if (path)
			(void)unlink(path);
		if (folder)
			remove_tree(AT_FDCWD, folder, 0);
	}
	end_by(number);
}

static void install_handlers(void)
{
	static bool installed;
	struct sigaction action = { .sa_handler = remove_all };
	struct sigaction before;

	if (installed)
		return;
	installed = true;
	(void)sigfillset(&action.sa_mask);
	for (size_t i = 0; i < N_SIGNALS; i++)
		if (!sigaction(fatal_signals[i].number, NULL, &before) &&
		    before.sa_handler == SIG_DFL)
			(void)sigaction(fatal_signals[i].number, &action, NULL);
}

void cleanup_report_abort(const char *message, int status)
{
	on_abort.message = message;
	on_abort.status = status;
	install_handlers();
}

/* The entry that holds `path`; NULL finds a free one. */
static _Atomic(const char *) *find(_Atomic(const char *) *entries,
				   const char *path)
{
	for (size_t i = 0; i < CLEANUP_MAX_FILES; i++)
		if (entries[i] == path)
			return &entries[i];
	return NULL;
}

void cleanup_signals(sigset_t *set)
{
	(void)sigemptyset(set);
	for (size_t i = 0; i < N_SIGNALS; i++)
		if (!fatal_signals[i].own)
			(void)sigaddset(set, fatal_signals[i].number);
}

void cleanup_block_signals(sigset_t *before)
{
	sigset_t signals;

	cleanup_signals(&signals);
	(void)pthread_sigmask(SIG_BLOCK, &signals, before);
}

void cleanup_restore_signals(const sigset_t *before)
{
	(void)pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* Gives a descriptor of what `make` made at `path`, or -1. */
static int create(_Atomic(const char *) *entries, const char *path, int mode,
		  int (*make)(const char *path, mode_t mode))
{
	_Atomic(const char *) *const entry = find(entries, NULL);
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
	fd = make(path, (mode_t)mode);
	saved = errno;
	if (fd >= 0)
		*entry = path;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = saved;
	return fd;
}

static int make_file(const char *path, mode_t mode)
{
	return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
}

static int make_folder(const char *path, mode_t mode)
{
	int fd;

	if (mkdir(path, mode))
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		(void)rmdir(path);
	return fd;
}

int cleanup_create(const char *path, int mode)
{
	return create(files, path, mode, make_file);
}

int cleanup_create_folder(const char *path, int mode)
{
	return create(folders, path, mode, make_folder);
}

bool cleanup_is_ending(void)
{
	return ending;
}

void cleanup_remove_folder(const char *path)
{
	remove_tree(AT_FDCWD, path, 0);
	cleanup_forget(path);
}

void cleanup_forget(const char *path)
{
	_Atomic(const char *) *entry = find(files, path);

	if (!entry)
		entry = find(folders, path);
	if (entry)
		*entry = NULL;
}

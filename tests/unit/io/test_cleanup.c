#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io/cleanup.h"
#include "../child.h"
#include "../scratch.h"

static int create_two_and_raise(int number)
{
	signal(number, SIG_DFL); /* sanitizers handle some */
	if (cleanup_create("a", 0666) < 0 || cleanup_create("b", 0666) < 0)
		return 1;
	return raise(number);
}

static void test_signals_remove_files_and_kill(void **state)
{
	static const int signals[] = { SIGHUP,  SIGINT,  SIGQUIT, SIGPIPE,
				       SIGTERM, SIGXCPU, SIGXFSZ, SIGABRT,
				       SIGSEGV, SIGBUS,  SIGFPE,  SIGILL };

	(void)state;
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		const int status = child_run(create_two_and_raise, signals[i]);

		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), signals[i]);
		assert_int_equal(scratch_count("."), 0);
	}
}

/* In a thread that blocks what threads block here; abort is what a GPU's
 * runtime calls on a memory fault. */
static void *abort_or_crash(void *number)
{
	sigset_t before;

	cleanup_block_signals(&before);
	if (*(int *)number == SIGABRT)
		abort();
	raise(*(int *)number);
	return NULL;
}

static int create_and_crash_in_a_thread(int number)
{
	pthread_t thread;

	signal(number, SIG_DFL);
	if (cleanup_create("a", 0666) < 0 ||
	    cleanup_create_folder("folder", 0777) < 0 ||
	    pthread_create(&thread, NULL, abort_or_crash, &number))
		return 1;
	return pthread_join(thread, NULL);
}

static void test_a_crash_in_a_thread(void **state)
{
	static const int signals[] = { SIGABRT, SIGSEGV };

	(void)state;
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		const int status =
			child_run(create_and_crash_in_a_thread, signals[i]);

		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), signals[i]);
		assert_int_equal(scratch_count("."), 0);
	}
}

static int report_an_abort(int status)
{
	int ends[2];

	signal(SIGABRT, SIG_DFL);
	if (pipe(ends) || dup2(ends[1], STDERR_FILENO) < 0)
		return 1;
	cleanup_report_abort("message\n", status);
	if (cleanup_create("a", 0666) < 0)
		return 1;
	abort();
}

static void test_an_abort_that_is_reported(void **state)
{
	const int status = child_run(report_an_abort, 7);

	(void)state;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	assert_int_equal(scratch_count("."), 0);
}

static int ignore_create_and_raise(int number)
{
	signal(number, SIG_IGN);
	if (cleanup_create("a", 0666) < 0)
		return 1;
	raise(number);
	return scratch_count(".") == 1 ? 0 : 2;
}

static void test_ignored_signals_stay_ignored(void **state)
{
	(void)state;
	assert_int_equal(child_run(ignore_create_and_raise, SIGHUP), 0);
	assert_int_equal(unlink("a"), 0);
}

static int forget_one_and_raise(int number)
{
	static const char a[] = "a", b[] = "b";

	if (cleanup_create(a, 0666) < 0 || cleanup_create(b, 0666) < 0)
		return 1;
	cleanup_forget(a);
	cleanup_forget("no such file");
	return raise(number);
}

static void test_forgotten_files_stay(void **state)
{
	(void)state;
	assert_int_equal(WTERMSIG(child_run(forget_one_and_raise, SIGTERM)),
			 SIGTERM);
	assert_int_equal(scratch_count("."), 1);
	assert_int_equal(unlink("a"), 0);
}

static int signal_in_waiting(int number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(number);
	if (cleanup_create("a", 0666) < 0)
		return 1;
	/* What the caller blocked is blocked still. */
	if (scratch_count(".") != 1)
		return 2;
	return sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void test_the_callers_mask_stays(void **state)
{
	(void)state;
	assert_int_equal(WTERMSIG(child_run(signal_in_waiting, SIGINT)),
			 SIGINT);
	assert_int_equal(scratch_count("."), 0);
}

static void test_files_are_new_and_as_the_umask_says(void **state)
{
	static const char path[] = "new";
	const mode_t before = umask(027);
	struct stat st;
	int fd;

	(void)state;
	fd = cleanup_create(path, 0666);
	umask(before);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);

	assert_int_equal(cleanup_create(path, 0666), -1);
	assert_int_equal(errno, EEXIST);
	cleanup_forget(path);
	assert_int_equal(cleanup_create("no/such/folder", 0666), -1);
	assert_int_equal(errno, ENOENT);
}

static int create_too_many(int unused)
{
	static const char *const names[CLEANUP_MAX_FILES + 1] = {
		"0", "1", "2", "3", "4", "5", "6", "7", "8",
	};

	(void)unused;
	for (int i = 0; i < CLEANUP_MAX_FILES; i++)
		if (cleanup_create(names[i], 0666) < 0)
			return 1;
	if (cleanup_create(names[CLEANUP_MAX_FILES], 0666) >= 0 ||
	    errno != EMFILE)
		return 2;
	cleanup_forget(names[3]);
	if (cleanup_create(names[CLEANUP_MAX_FILES], 0666) < 0)
		return 3;
	return raise(SIGTERM);
}

static void test_room_for_files(void **state)
{
	(void)state;
	assert_int_equal(WTERMSIG(child_run(create_too_many, 0)), SIGTERM);
	assert_int_equal(scratch_count("."), 1);
}

/* A folder with 300 files, and with folders to the depth that is allowed. */
static int make_tree(const char *path)
{
	char name[16];
	int fd = cleanup_create_folder(path, 0777);

	for (unsigned i = 0; fd >= 0 && i < 300; i++) {
		snprintf(name, sizeof(name), "%u", i);
		close(openat(fd, name, O_WRONLY | O_CREAT, 0666));
	}
	for (unsigned i = 1; fd >= 0 && i < CLEANUP_MAX_DEPTH; i++) {
		int next;

		if (mkdirat(fd, "folder", 0777) ||
		    symlinkat("/", fd, "link"))
			return -1;
		next = openat(fd, "folder", O_RDONLY | O_DIRECTORY);
		close(fd);
		fd = next;
	}
	close(fd);
	return fd < 0 ? -1 : 0;
}

static int make_tree_and_raise(int number)
{
	return make_tree("tree") || cleanup_create("a", 0666) < 0 ?
		       1 : raise(number);
}

static void test_signals_remove_folders(void **state)
{
	(void)state;
	assert_int_equal(WTERMSIG(child_run(make_tree_and_raise, SIGTERM)),
			 SIGTERM);
	assert_int_equal(scratch_count("."), 0);
}

static int remove_tree_and_raise(int number)
{
	static const char tree[] = "tree", kept[] = "kept";

	if (make_tree(tree) || make_tree(kept))
		return 1;
	cleanup_remove_folder(tree);
	if (scratch_count(".") != 1 || mkdir(tree, 0777))
		return 2;
	cleanup_forget(kept);
	return raise(number);
}

static void test_folders_that_are_removed_or_forgotten(void **state)
{
	(void)state;
	assert_int_equal(WTERMSIG(child_run(remove_tree_and_raise, SIGTERM)),
			 SIGTERM);
	assert_int_equal(scratch_count("."), 2);
	assert_int_equal(scratch_count("tree"), 0);
	assert_int_equal(scratch_count("kept"), 302);
}

/* Files that another thread makes meanwhile do not stay. */
static void *make_files(void *fd)
{
	for (unsigned i = 0; !cleanup_is_ending(); i++) {
		char name[16];

		snprintf(name, sizeof(name), "%u", i);
		close(openat(*(int *)fd, name, O_WRONLY | O_CREAT, 0666));
	}
	return NULL;
}

static int make_files_and_raise(int number)
{
	pthread_t thread;
	sigset_t before;
	int fd = cleanup_create_folder("tree", 0777);

	cleanup_block_signals(&before);
	if (fd < 0 || pthread_create(&thread, NULL, make_files, &fd))
		return 1;
	usleep(10000);
	cleanup_restore_signals(&before);
	return raise(number);
}

static void test_a_folder_that_grows(void **state)
{
	(void)state;
	assert_int_equal(WTERMSIG(child_run(make_files_and_raise, SIGTERM)),
			 SIGTERM);
	assert_int_equal(scratch_count("."), 0);
}

static void *raise_while_ending(void *number)
{
	while (!cleanup_is_ending())
		sched_yield();
	raise(*(int *)number);
	return NULL;
}

static int raise_in_two_threads(int number)
{
	pthread_t thread;

	if (make_tree("tree") ||
	    pthread_create(&thread, NULL, raise_while_ending, &number))
		return 1;
	return raise(number);
}

/* As when several threads write to a pipe that nobody reads. */
static void test_the_same_signal_in_another_thread(void **state)
{
	(void)state;
	assert_int_equal(WTERMSIG(child_run(raise_in_two_threads, SIGPIPE)),
			 SIGPIPE);
	assert_int_equal(scratch_count("."), 0);
}

static void test_folders_are_new(void **state)
{
	(void)state;
	scratch_write("file", "");
	assert_int_equal(cleanup_create_folder("file", 0777), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(cleanup_create_folder("no/such/folder", 0777), -1);
	assert_int_equal(errno, ENOENT);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, scratch_enter, scratch_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_signals_remove_files_and_kill),
		TEST(test_a_crash_in_a_thread),
		TEST(test_an_abort_that_is_reported),
		TEST(test_ignored_signals_stay_ignored),
		TEST(test_forgotten_files_stay),
		TEST(test_the_callers_mask_stays),
		TEST(test_files_are_new_and_as_the_umask_says),
		TEST(test_room_for_files),
		TEST(test_signals_remove_folders),
		TEST(test_folders_that_are_removed_or_forgotten),
		TEST(test_a_folder_that_grows),
		TEST(test_the_same_signal_in_another_thread),
		TEST(test_folders_are_new),
	};

	return cmocka_run_group_tests_name("cleanup", tests, NULL, NULL);
}

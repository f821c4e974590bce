#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "io/source.h"
#include "../scratch.h"
#include "../terminal.h"

#define PATH_SIZE 64

/* Makes a file in memory with the string in it, and a path that opens it. */
static int make_file(const char *content, char *path)
{
	const int fd = memfd_create("test_source", MFD_CLOEXEC);
	const size_t len = strlen(content);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, len), len);
	snprintf(path, PATH_SIZE, "/proc/self/fd/%d", fd);
	return fd;
}

/* Makes a pipe with the string in it that has ended, and a path to it. */
static int make_pipe(const char *content, char *path)
{
	const size_t len = strlen(content);
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(write(fds[1], content, len), len);
	close(fds[1]);
	snprintf(path, PATH_SIZE, "/proc/self/fd/%d", fds[0]);
	return fds[0];
}

static void assert_reads(struct source *src, uint64_t offset,
			 const char *expected)
{
	const size_t n = strlen(expected);
	char *const buf = malloc(n + 1);
	struct error err = { 0 };

	if (source_read(src, offset, buf, n, &err))
		fail_msg("%s", err.message);
	buf[n] = '\0';
	assert_string_equal(buf, expected);
	free(buf);
}

/* Reads n bytes at `offset`, which must fail with the message. */
__attribute__((format(printf, 4, 5)))
static void assert_read_fails(struct source *src, uint64_t offset, size_t n,
			      const char *format, ...)
{
	char expected[ERROR_MESSAGE_SIZE];
	struct error err = { 0 };
	char buf[64];
	va_list args;

	va_start(args, format);
	vsnprintf(expected, sizeof(expected), format, args);
	va_end(args);
	assert_int_equal(source_read(src, offset, buf, n, &err), -1);
	assert_string_equal(err.message, expected);
}

static void assert_open_fails(const char *path, const char *expected)
{
	struct source src;
	struct error err = { 0 };

	assert_int_equal(source_open(&src, path, &err), -1);
	assert_string_equal(err.message, expected);
}

static void test_file(void **state)
{
	char path[PATH_SIZE];
	const int fd = make_file("0123456789", path);
	struct source src;
	struct error err;
	char buf[16];

	(void)state;
	assert_int_equal(source_open(&src, path, &err), 0);
	assert_true(src.seekable);
	assert_int_equal(src.size, 10);
	assert_reads(&src, 4, "456789");
	assert_reads(&src, 0, "0123");
	assert_reads(&src, 10, "");
	assert_int_equal(source_read_upto(&src, 8, buf, 16, &err), 2);
	assert_memory_equal(buf, "89", 2);
	assert_int_equal(source_read_upto(&src, 99, buf, 16, &err), 0);
	assert_read_fails(&src, 8, 3, "'%s' ends at offset 10, but 3 bytes at "
			  "offset 8 are needed", path);
	/* Nothing to put back, and nothing to copy. */
	assert_int_equal(source_unread(&src, buf, 2, &err), 0);
	assert_int_equal(source_spool(&src, &err), 0);
	assert_reads(&src, 1, "123");
	source_close(&src);
	close(fd);
}

static void test_file_that_shrinks(void **state)
{
	char path[PATH_SIZE];
	const int fd = make_file("0123456789", path);
	struct source src;
	struct error err;

	(void)state;
	assert_int_equal(source_open(&src, path, &err), 0);
	assert_int_equal(ftruncate(fd, 5), 0);
	assert_reads(&src, 2, "234");
	assert_read_fails(&src, 2, 4, "'%s' shrank while it was read, from 10 "
			  "to 5 bytes", path);
	assert_read_fails(&src, 8, 2, "'%s' shrank while it was read, from 10 "
			  "to 5 bytes", path);
	source_close(&src);
	close(fd);
}

static void test_file_beyond_4_gib(void **state)
{
	const off_t far = 5ll << 30;
	char path[PATH_SIZE];
	const int fd = make_file("", path);
	struct source src;
	struct error err;

	(void)state;
	assert_int_equal(pwrite(fd, "far", 3, far), 3);
	assert_int_equal(source_open(&src, path, &err), 0);
	assert_int_equal(src.size, far + 3);
	assert_reads(&src, (uint64_t)far, "far");
	source_close(&src);
	close(fd);
}

/* Runs with fd as the standard input. */
static void open_stdin(struct source *src, int fd)
{
	const int saved = dup(STDIN_FILENO);
	struct error err = { 0 };

	assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	if (source_open(src, "-", &err))
		fail_msg("%s", err.message);
	assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
	close(saved);
}

static void test_standard_input_starts_where_it_stands(void **state)
{
	char path[PATH_SIZE];
	const int fd = make_file("header0123456789", path);
	struct source src;

	(void)state;
	assert_int_equal(lseek(fd, 6, SEEK_SET), 6);
	open_stdin(&src, fd);
	assert_true(src.seekable);
	assert_int_equal(src.size, 10);
	assert_reads(&src, 2, "23");
	assert_reads(&src, 0, "0");
	assert_read_fails(&src, 9, 2, "'%s' ends at offset 10, but 2 bytes at "
			  "offset 9 are needed", "standard input");
	assert_int_equal(ftruncate(fd, 8), 0);
	assert_read_fails(&src, 1, 2, "'%s' shrank while it was read, from 10 "
			  "to 2 bytes", "standard input");
	source_close(&src);

	/* Already past its end. */
	assert_int_equal(lseek(fd, 20, SEEK_SET), 20);
	open_stdin(&src, fd);
	assert_int_equal(src.size, 0);
	source_close(&src);
	close(fd);
}

static void test_pipe(void **state)
{
	char path[PATH_SIZE];
	const int fd = make_pipe("0123456789", path);
	struct source src;

	(void)state;
	open_stdin(&src, fd);
	assert_false(src.seekable);
	assert_reads(&src, 0, "01");
	assert_reads(&src, 4, "45"); /* "23" is dropped */
	assert_read_fails(&src, 5, 1, "cannot go back to offset 5 of '%s', "
			  "which was read up to offset 6", "standard input");
	assert_read_fails(&src, 8, 4, "'%s' ends at offset 10, but 4 bytes at "
			  "offset 8 are needed", "standard input");
	source_close(&src);
	close(fd);
}

static void test_pipe_that_ends_before_the_offset(void **state)
{
	char path[PATH_SIZE];
	const int fd = make_pipe("0123456789", path);
	struct source src;
	struct error err;

	(void)state;
	assert_int_equal(source_open(&src, path, &err), 0);
	assert_read_fails(&src, 20, 4, "'%s' ends at offset 10, but 4 bytes at "
			  "offset 20 are needed", path);
	source_close(&src);
	close(fd);
}

static void test_unread(void **state)
{
	char path[PATH_SIZE];
	const int fd = make_pipe("0123456789", path);
	struct source src;
	struct error err;

	(void)state;
	assert_int_equal(source_open(&src, path, &err), 0);
	assert_reads(&src, 0, "012345");
	assert_int_equal(source_unread(&src, "345", 3, &err), 0);
	assert_reads(&src, 3, "3");
	assert_int_equal(source_unread(&src, "23", 2, &err), 0);
	assert_int_equal(src.position, 2);
	assert_reads(&src, 2, "2345678");
	assert_int_equal(source_unread(&src, "5678", 4, &err), 0);
	assert_reads(&src, 7, "789"); /* "56" is dropped */
	source_close(&src);
	close(fd);
}

/* Bytes are copied on their way, read or skipped, whole or in pieces. */
static void test_taps(void **state)
{
	char path[PATH_SIZE], first[3] = "--", second[5] = "----";
	char third[3] = "--", never[3] = "--";
	struct source_tap taps[] = { { .offset = 1, .n = 2, .to = first },
				     { .offset = 3, .n = 4, .to = second },
				     { .offset = 8, .n = 2, .to = third },
				     { .offset = 9, .n = 2, .to = never } };
	const int fd = make_pipe("0123456789", path);
	struct source src;
	struct error err;

	(void)state;
	assert_int_equal(source_open(&src, path, &err), 0);
	for (size_t i = 0; i < 4; i++)
		source_tap(&src, &taps[i]);
	assert_reads(&src, 2, "234");
	assert_string_equal(first, "12");
	assert_string_equal(second, "34--");
	assert_int_equal(source_unread(&src, "4", 1, &err), 0);
	assert_reads(&src, 6, "6");
	assert_string_equal(second, "3456");
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(source_tap_finish(&src, &taps[i], &err), 0);
	assert_string_equal(third, "89");
	assert_int_equal(source_tap_finish(&src, &taps[3], &err), -1);
	source_close(&src);
	close(fd);
}

static void test_tap_of_a_spooled_pipe(void **state)
{
	char path[PATH_SIZE], to[3] = "--";
	struct source_tap tap = { .offset = 4, .n = 2, .to = to };
	const int fd = make_pipe("0123456789", path);
	struct source src;
	struct error err;

	(void)state;
	assert_int_equal(source_open(&src, path, &err), 0);
	source_tap(&src, &tap);
	assert_int_equal(source_spool(&src, &err), 0);
	memcpy(to, "--", 2);
	assert_reads(&src, 8, "8");
	assert_int_equal(source_tap_finish(&src, &tap, &err), 0);
	assert_string_equal(to, "45");
	source_close(&src);
	close(fd);
}

static void test_file_of_a_given_size(void **state)
{
	char path[PATH_SIZE], expected[ERROR_MESSAGE_SIZE];
	const int fd = make_file("0123456789", path);
	struct source src;
	struct error err;

	(void)state;
	assert_int_equal(source_open(&src, path, &err), 0);
	assert_int_equal(source_end_at(&src, 10, &err), 0);
	assert_reads(&src, 0, "0123456789");
	for (unsigned n = 0; n < 13; n += n == 9 ? 2 : 1) {
		assert_int_equal(source_end_at(&src, n, &err), -1);
		snprintf(expected, sizeof(expected), "'%s' has 10 bytes, but "
			 "should have %u", path, n);
		assert_string_equal(err.message, expected);
	}
	source_close(&src);
	close(fd);
}

static void test_pipe_of_a_given_size(void **state)
{
	struct source src;
	struct error err;

	(void)state;
	for (unsigned n = 0; n < 12; n++) {
		char path[PATH_SIZE], end[2] = "";
		const int fd = make_pipe("0123456789", path);
		const bool goes_on = n < 10;

		assert_int_equal(source_open(&src, path, &err), 0);
		assert_int_equal(source_end_at(&src, n, &err), n ? 0 : -1);
		if (n == 0) {
			assert_non_null(strstr(err.message,
					       "' has trailing data after 0 "
					       "bytes"));
		} else if (goes_on) {
			/* Up to its last byte, but that, and too far. */
			if (n > 1)
				assert_reads(&src, 0, "0");
			assert_read_fails(&src, n - 1, n % 2 + 1, "'%s' has "
					  "trailing data after %u bytes", path,
					  n);
		} else {
			*end = n == 10 ? '9' : '\0';
			assert_reads(&src, 9, end);
			assert_int_equal(source_read_upto(&src, 10, end, 1,
							  &err), 0);
			assert_read_fails(&src, 10, 1, "'%s' has 10 bytes, but "
					  "should have %u", path, n);
		}
		source_close(&src);
		close(fd);
	}
}

static void test_empty_pipe(void **state)
{
	char path[PATH_SIZE];
	const int fd = make_pipe("", path);
	struct source src;
	struct error err;

	(void)state;
	assert_int_equal(source_open(&src, path, &err), 0);
	assert_int_equal(source_end_at(&src, 0, &err), 0);
	source_close(&src);
	close(fd);
}

/* A writer that keeps the reader waiting, and sends it signals. */
struct slow_writer {
	int fd;
	pthread_t reader;
};

static void *write_slowly(void *arg)
{
	const struct slow_writer *const writer = arg;

	for (unsigned i = 0; i < 10; i++) {
		usleep(2000);
		pthread_kill(writer->reader, SIGUSR1);
		usleep(1000);
		if (write(writer->fd, "0123456789", 10) != 10)
			abort();
	}
	close(writer->fd);
	return NULL;
}

static void ignore(int signal)
{
	(void)signal;
}

static void check_slow_pipe(int flags)
{
	struct slow_writer writer = { .reader = pthread_self() };
	struct source src;
	struct error err = { 0 };
	pthread_t thread;
	char path[PATH_SIZE];
	char buf[128];
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(fcntl(fds[0], F_SETFL, flags), 0);
	writer.fd = fds[1];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[0]);
	open_stdin(&src, fds[0]);
	assert_int_equal(pthread_create(&thread, NULL, write_slowly, &writer),
			 0);
	assert_int_equal(source_read_upto(&src, 5, buf, sizeof(buf), &err), 95);
	assert_memory_equal(buf, "5678901234", 10);
	pthread_join(thread, NULL);
	source_close(&src);
	close(fds[0]);
}

static void test_pipe_in_small_pieces_and_signals(void **state)
{
	struct sigaction action = { .sa_handler = ignore }; /* no SA_RESTART */

	(void)state;
	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	check_slow_pipe(0);
	check_slow_pipe(O_NONBLOCK);
	signal(SIGUSR1, SIG_DFL);
}

static void test_spool(void **state)
{
	char path[PATH_SIZE];
	const int fd = make_pipe("0123456789", path);
	struct source src;
	struct error err;

	(void)state;
	assert_int_equal(setenv("TMPDIR", ".", 1), 0);
	assert_int_equal(source_open(&src, path, &err), 0);
	assert_reads(&src, 0, "0123");
	assert_int_equal(source_unread(&src, "3", 1, &err), 0);
	assert_int_equal(source_spool(&src, &err), 0);
	assert_int_equal(scratch_count("."), 0); /* it has no name */
	assert_true(src.seekable);
	assert_int_equal(src.size, 10);
	assert_reads(&src, 8, "89");
	assert_reads(&src, 3, "34");
	assert_read_fails(&src, 2, 1, "cannot go back to offset 2 of '%s', "
			  "which was read up to offset 3", path);
	assert_read_fails(&src, 9, 2, "'%s' ends at offset 10, but 2 bytes at "
			  "offset 9 are needed", path);
	source_close(&src);
	close(fd);
	unsetenv("TMPDIR");
}

static bool tmp_is_memory;

/* In place of libc's. */
int statfs(const char *path, struct statfs *fs)
{
	int result;

	*fs = (struct statfs){ 0 }; /* for MemorySanitizer */
	result = (int)syscall(SYS_statfs, path, fs);
	if (tmp_is_memory && !strcmp(path, "/tmp"))
		fs->f_type = TMPFS_MAGIC;
	return result;
}

static void assert_spooled_to(const char *folder)
{
	char path[PATH_SIZE], link[64], target[256];
	const int fd = make_pipe("0123456789", path);
	struct source src;
	struct error err;
	ssize_t n;

	assert_int_equal(source_open(&src, path, &err), 0);
	assert_int_equal(source_spool(&src, &err), 0);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", src.fd);
	n = readlink(link, target, sizeof(target));
	assert_true(n > 0);
	assert_memory_equal(target, folder, strlen(folder));
	source_close(&src);
	close(fd);
}

static void test_spool_not_to_memory(void **state)
{
	(void)state;
	if (access("/tmp", W_OK) || access("/var/tmp", W_OK))
		skip();
	unsetenv("TMPDIR");
	tmp_is_memory = true;
	assert_spooled_to("/var/tmp/");
	assert_int_equal(setenv("TMPDIR", "/tmp", 1), 0);
	assert_spooled_to("/tmp/"); /* the user says so */
	tmp_is_memory = false;
	unsetenv("TMPDIR");
}

/* For a minute, or until nobody reads. */
static void *trickle(void *fd)
{
	for (unsigned i = 0; i < 3000; i++) {
		if (write(*(int *)fd, "x", 1) < 0)
			break;
		usleep(20000);
	}
	return NULL;
}

/* Neither a writer that waits nor one that never ends is waited for. */
static void test_drain_ends(void **state)
{
	struct source src;
	struct error err;
	char path[PATH_SIZE];
	pthread_t thread;
	unsigned tries = 0;
	double start;
	int ends[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(ends), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
	assert_int_equal(source_open(&src, path, &err), 0);
	close(ends[0]);
	do { /* all is there; a busy machine may take its time */
		assert_true(tries++ < 100);
		assert_int_equal(write(ends[1], "padding", 7), 7);
		start = clock_seconds();
		source_drain(&src, 7);
	} while (clock_seconds() - start >= 0.09);
	start = clock_seconds();
	source_drain(&src, 65536);
	assert_true(clock_seconds() - start < 30);
	assert_int_equal(pthread_create(&thread, NULL, trickle, &ends[1]),
			 0);
	start = clock_seconds();
	source_drain(&src, 65536);
	assert_true(clock_seconds() - start < 30);
	source_close(&src);
	pthread_join(thread, NULL);
	close(ends[1]);
	signal(SIGPIPE, SIG_DFL);
}

static void test_spool_without_a_place(void **state)
{
	char path[PATH_SIZE];
	const int fd = make_pipe("0123456789", path);
	struct source src;
	struct error err;

	(void)state;
	assert_int_equal(setenv("TMPDIR", "/nowhere\n", 1), 0);
	assert_int_equal(source_open(&src, path, &err), 0);
	assert_int_equal(source_spool(&src, &err), -1);
	assert_string_equal(err.message, "cannot make a temporary file in "
			    "'/nowhere\\n': No such file or directory");
	assert_reads(&src, 0, "0123456789");
	source_close(&src);
	close(fd);
	unsetenv("TMPDIR");
}

/* As on a full disk. */
static void test_spool_that_cannot_be_written(void **state)
{
	const struct rlimit none = { 4, RLIM_INFINITY };
	char path[PATH_SIZE];
	const int fd = make_pipe("0123456789", path);
	char expected[ERROR_MESSAGE_SIZE];
	struct rlimit saved;
	struct source src;
	struct error err;
	int result;

	(void)state;
	assert_int_equal(source_open(&src, path, &err), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &saved), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	result = source_spool(&src, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &saved), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(result, -1);
	snprintf(expected, sizeof(expected), "cannot write the temporary copy "
		 "of '%s': File too large", path);
	assert_string_equal(err.message, expected);
	source_close(&src);
	close(fd);
}

static void test_what_cannot_be_read(void **state)
{
	const int saved = dup(STDIN_FILENO);
	struct source src;
	struct error err;
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	open_stdin(&src, fds[1]); /* the end for writing */
	assert_read_fails(&src, 0, 1, "cannot read 'standard input' at offset "
			  "0: Bad file descriptor");
	assert_read_fails(&src, 9, 1, "cannot read 'standard input' at offset "
			  "0: Bad file descriptor");
	assert_int_equal(source_spool(&src, &err), -1);
	assert_string_equal(err.message, "cannot read 'standard input' at "
			    "offset 0: Bad file descriptor");
	source_close(&src);
	close(fds[0]);
	close(fds[1]);

	close(STDIN_FILENO);
	assert_open_fails("-", "cannot open 'standard input': Bad file "
			  "descriptor");
	assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
	close(saved);
}

static void test_what_cannot_be_opened(void **state)
{
	(void)state;
	assert_open_fails("/", "'/' is a directory");
	assert_open_fails("/none\x1b.gguf", "cannot open '/none\\x1b.gguf': No "
			  "such file or directory");
	assert_open_fails("", "cannot open '': No such file or directory");
}

static void test_a_terminal_is_refused(void **state)
{
	char expected[ERROR_MESSAGE_SIZE];
	char path[PATH_SIZE];
	int master, slave;

	(void)state;
	terminal_open(&master, &slave, NULL);
	assert_int_equal(ptsname_r(master, path, sizeof(path)), 0);
	snprintf(expected, sizeof(expected), "'%s' is a terminal; pass the "
		 "path of a file, or redirect one into it", path);
	assert_open_fails(path, expected);
	close(slave);
	close(master);
}

static void test_no_descriptor_is_left_open(void **state)
{
	const int before = dup(STDIN_FILENO);
	struct source src;
	struct error err;
	int after;

	(void)state;
	close(before);
	assert_int_equal(source_open(&src, "/", &err), -1);
	assert_int_equal(source_open(&src, "/dev/null", &err), 0);
	assert_int_equal(source_spool(&src, &err), 0);
	source_close(&src);
	after = dup(STDIN_FILENO);
	close(after);
	assert_int_equal(before, after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_file_that_shrinks),
		cmocka_unit_test(test_file_beyond_4_gib),
		cmocka_unit_test(test_standard_input_starts_where_it_stands),
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_pipe_that_ends_before_the_offset),
		cmocka_unit_test(test_unread),
		cmocka_unit_test(test_taps),
		cmocka_unit_test(test_tap_of_a_spooled_pipe),
		cmocka_unit_test(test_file_of_a_given_size),
		cmocka_unit_test(test_pipe_of_a_given_size),
		cmocka_unit_test(test_empty_pipe),
		cmocka_unit_test(test_pipe_in_small_pieces_and_signals),
		cmocka_unit_test_setup_teardown(test_spool, scratch_enter,
						scratch_leave),
		cmocka_unit_test(test_spool_not_to_memory),
		cmocka_unit_test(test_drain_ends),
		cmocka_unit_test(test_spool_without_a_place),
		cmocka_unit_test(test_spool_that_cannot_be_written),
		cmocka_unit_test(test_what_cannot_be_read),
		cmocka_unit_test(test_what_cannot_be_opened),
		cmocka_unit_test(test_a_terminal_is_refused),
		cmocka_unit_test(test_no_descriptor_is_left_open),
	};

	return cmocka_run_group_tests_name("source", tests, NULL, NULL);
}

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "../child.h"
#include "../sinks.h"

static struct sink *try_open(struct sinks *s, const char *path)
{
	const struct sink_folder folder = { path, &s->options, 0, NULL };

	return sink_dir_open(&folder, &s->plan, NULL, &s->err);
}

static struct sink *open_dir(struct sinks *s, const char *path, bool force)
{
	struct sink *sink;

	s->options.force = force;
	sink = try_open(s, path);
	if (!sink)
		fail_msg("%s", s->err.message);
	return sink;
}

static void assert_written(const char *folder)
{
	static const char *const values[][2] = {
		{ "a.i8", "aa" }, { "b.i8", "bb" }, { "c.i8", "cc" },
		{ "d.i8", "dd" }, { "e.i8", "" },
	};

	for (size_t i = 0; i < 5; i++) {
		char *path;

		assert_true(asprintf(&path, "%s/%s", folder, values[i][0]) > 0);
		assert_string_equal(scratch_read(path), values[i][1]);
		free(path);
	}
}

static void test_new_folder(void **state)
{
	struct sinks s;
	struct sink *sink;

	(void)state;
	sinks_init(&s);
	sink = open_dir(&s, "out//", false);
	assert_true(sink->any_order);
	assert_int_equal(sinks_write_by_source(&s, sink), 0);
	assert_int_equal(access("out", F_OK), -1);
	assert_int_equal(sink->finish(sink, &s.err), 0);
	assert_written("out");
	assert_int_equal(scratch_count("out"), 5);
	assert_int_equal(scratch_count("."), 1);
	sinks_release(&s);
}

static void test_old_folder(void **state)
{
	struct sinks s;
	struct sink *sink;

	(void)state;
	sinks_init(&s);
	assert_int_equal(mkdir("out", 0777), 0);
	sink = open_dir(&s, "out", false);
	assert_int_equal(sinks_write(&s, sink, &s.plan), 0);
	assert_int_equal(scratch_count("out"), 1);
	assert_int_equal(sink->finish(sink, &s.err), 0);
	assert_written("out");
	assert_int_equal(scratch_count("out"), 5);

	scratch_write("out/a.i8", "old");
	sink = open_dir(&s, "out", true);
	assert_int_equal(sinks_write(&s, sink, &s.plan), 0);
	assert_string_equal(scratch_read("out/a.i8"), "old");
	assert_int_equal(sink->finish(sink, &s.err), 0);
	assert_written("out");
	assert_int_equal(scratch_count("out"), 5);
	sinks_release(&s);
}

static void test_abort_leaves_nothing(void **state)
{
	struct sinks s;
	struct sink *sink;

	(void)state;
	sinks_init(&s);
	sink = open_dir(&s, "out", false);
	assert_int_equal(sinks_write(&s, sink, &s.plan), 0);
	sink->abort(sink);
	assert_int_equal(scratch_count("."), 0);

	assert_int_equal(mkdir("out", 0777), 0);
	sink = open_dir(&s, "out", false);
	assert_int_equal(sinks_write(&s, sink, &s.plan), 0);
	sink->abort(sink);
	assert_int_equal(scratch_count("out"), 0);
	sinks_release(&s);
}

static int write_and_raise(int number)
{
	struct sinks s;
	struct sink *sink;

	sinks_init(&s);
	sink = try_open(&s, "out");
	if (!sink || sinks_write(&s, sink, &s.plan))
		return 1;
	return raise(number);
}

static void test_signal_leaves_nothing(void **state)
{
	(void)state;
	assert_int_equal(WTERMSIG(child_run(write_and_raise, SIGTERM)),
			 SIGTERM);
	assert_int_equal(scratch_count("."), 0);
}

/* What somebody puts there meanwhile is not replaced. */
static void test_names_that_appear(void **state)
{
	struct sinks s;
	struct sink *sink;

	(void)state;
	sinks_init(&s);
	sink = open_dir(&s, "out", false);
	assert_int_equal(sinks_write(&s, sink, &s.plan), 0);
	assert_int_equal(mkdir("out", 0777), 0);
	assert_int_equal(sink->finish(sink, &s.err), -1);
	assert_string_equal(s.err.message,
			    "cannot create 'out': File exists");
	assert_int_equal(scratch_count("out"), 0);
	assert_int_equal(scratch_count("."), 1);

	sink = open_dir(&s, "out", false);
	assert_int_equal(sinks_write(&s, sink, &s.plan), 0);
	scratch_write("out/a.i8", "theirs");
	assert_int_equal(sink->finish(sink, &s.err), -1);
	assert_string_equal(s.err.message,
			    "cannot create 'out/a.i8': File exists");
	assert_string_equal(scratch_read("out/a.i8"), "theirs");
	assert_int_equal(scratch_count("out"), 1);
	sinks_release(&s);
}

/* A move that fails midway is undone. */
static void test_folder_that_appears(void **state)
{
	struct sinks s;
	struct sink *sink;

	(void)state;
	sinks_init(&s);
	assert_int_equal(mkdir("out", 0777), 0);
	scratch_write("out/a.i8", "old");
	sink = open_dir(&s, "out", true);
	assert_int_equal(sinks_write(&s, sink, &s.plan), 0);
	assert_int_equal(mkdir("out/c.i8", 0777), 0);
	scratch_write("out/c.i8/theirs", "kept");
	assert_int_equal(sink->finish(sink, &s.err), -1);
	assert_string_equal(s.err.message,
			    "cannot create 'out/c.i8': Is a directory");
	assert_string_equal(scratch_read("out/a.i8"), "old");
	assert_string_equal(scratch_read("out/c.i8/theirs"), "kept");
	assert_int_equal(scratch_count("out"), 2);
	sinks_release(&s);
}

static bool no_exchange;
static unsigned fails_at; /* the number of a rename, from 1; 0: none fails */

/* In place of libc's: a file system that cannot exchange files, and breaks. */
int renameat2(int from_folder, const char *from, int to_folder, const char *to,
	      unsigned flags)
{
	if (no_exchange && flags) {
		errno = EINVAL;
		return -1;
	}
	if (fails_at && !--fails_at) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_renameat2, from_folder, from, to_folder, to,
			    flags);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
	return renameat2(from_folder, from, to_folder, to, 0);
}

static void test_moves_that_cannot_be_undone(void **state)
{
	struct sinks s;
	struct sink *sink;

	(void)state;
	sinks_init(&s);
	assert_int_equal(mkdir("out", 0777), 0);
	scratch_write("out/a.i8", "old");
	scratch_write("out/c.i8", "old");
	sink = open_dir(&s, "out", true);
	assert_int_equal(sinks_write(&s, sink, &s.plan), 0);
	no_exchange = true;
	fails_at = 3;
	assert_int_equal(sink->finish(sink, &s.err), -1);
	no_exchange = false;
	assert_string_equal(s.err.message, "cannot create 'out/c.i8': "
			    "Input/output error; the first 2 of 5 files are in "
			    "place and stay there");
	assert_string_equal(scratch_read("out/a.i8"), "aa");
	assert_string_equal(scratch_read("out/b.i8"), "bb");
	assert_string_equal(scratch_read("out/c.i8"), "old");
	assert_int_equal(scratch_count("out"), 3);
	sinks_release(&s);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void test_permissions(void **state)
{
	const mode_t mask = umask(022);
	struct sinks s;
	struct sink *sink;

	(void)state;
	sinks_init(&s);
	s.fake.model.files.denied = 0077;
	assert_int_equal(mkdir("out", 0777), 0);
	scratch_write("out/a.i8", "old");
	assert_int_equal(chmod("out/a.i8", 0640), 0);
	sink = open_dir(&s, "out", true);
	assert_int_equal(sinks_write(&s, sink, &s.plan), 0);
	assert_int_equal(sink->finish(sink, &s.err), 0);
	assert_written("out");
	assert_int_equal(mode_of("out/a.i8"), 0640);
	assert_int_equal(mode_of("out/b.i8"), 0600);
	sinks_release(&s);
	umask(mask);
}

static void assert_refused(struct sinks *s, const char *path, bool force,
			   const char *message)
{
	s->options.force = force;
	assert_null(try_open(s, path));
	assert_string_equal(s->err.message, message);
}

static void test_refused(void **state)
{
	struct sinks s;

	(void)state;
	sinks_init(&s);
	scratch_write("file", "");
	assert_int_equal(mkdir("out", 0777) | mkdir("out/c.i8", 0777) |
			 symlink("no\033where", "link"), 0);
	assert_refused(&s, "", false, "the output path is empty");
	assert_refused(&s, "file", true,
		       "cannot create 'file': Not a directory");
	assert_refused(&s, "no\033/out", true, "cannot create 'no\\x1b/out': "
					       "No such file or directory");
	assert_refused(&s, "link", true,
		       "cannot create 'link': No such file or directory");
	assert_refused(&s, "out", false, "folder 'out' is not empty; use "
		       "--force to write to it and replace files of the same "
		       "names");
	assert_refused(&s, "out", true, "'out/c.i8' is a directory");
	assert_int_equal(scratch_count("out"), 1);
	assert_int_equal(rmdir("out/c.i8"), 0);

	scratch_write("out/d.i8", "input");
	assert_int_equal(source_open(&s.fake.shard.source, "out/d.i8", &s.err),
			 0);
	assert_int_equal(file_set_add(&s.fake.model.files,
				      s.fake.shard.source.fd, &s.err), 0);
	assert_refused(&s, "out", true,
		       "'out/d.i8' is the input, which is never overwritten");
	assert_int_equal(scratch_count("out"), 1);
	assert_int_equal(scratch_count("."), 3);
	sinks_release(&s);
}

/* Outputs that are open, one of which exists. */
static void test_other_outputs(void **state)
{
	struct output *opened[2];
	const struct output *others[2];
	struct sinks s;

	(void)state;
	sinks_init(&s);
	assert_int_equal(mkdir("out", 0777) | symlink("out", "link"), 0);
	scratch_write("out/b.i8", "old");
	assert_int_equal(link("out/b.i8", "hard"), 0);
	s.options.force = true;
	opened[0] = sinks_output(&s, "hard");
	opened[1] = sinks_output(&s, "link/c.i8");
	others[0] = opened[0];
	others[1] = opened[1];
	s.options.others = others;
	s.options.n_others = 1;
	assert_refused(&s, "out", true,
		       "'out/b.i8' and 'hard' are the same file");
	s.options.others = others + 1;
	assert_refused(&s, "out", true,
		       "'out/c.i8' and 'link/c.i8' are the same file");
	output_abort(opened[0]);
	output_abort(opened[1]);
	assert_string_equal(scratch_read("out/b.i8"), "old");
	assert_int_equal(scratch_count("out"), 1);
	sinks_release(&s);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, scratch_enter, scratch_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_new_folder),
		TEST(test_old_folder),
		TEST(test_abort_leaves_nothing),
		TEST(test_signal_leaves_nothing),
		TEST(test_names_that_appear),
		TEST(test_folder_that_appears),
		TEST(test_moves_that_cannot_be_undone),
		TEST(test_permissions),
		TEST(test_refused),
		TEST(test_other_outputs),
	};

	return cmocka_run_group_tests_name("sink_dir", tests, NULL, NULL);
}

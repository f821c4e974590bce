#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <cmocka.h>

#include "io/output.h"
#include "../child.h"
#include "../scratch.h"

static struct error err;

#define SKIPPED 77

/* ------------------------------ a new file -------------------------------- */

static struct output *open_new(const char *path, bool force)
{
	struct output *output = output_open(path,
		&(struct output_options){ .force = force }, &err);

	if (!output)
		fail_msg("%s", err.message);
	return output;
}

/* Writes `text` to PATH; the result is output_finish's. */
static int write_file(const char *path, bool force, const char *text)
{
	struct output *output = open_new(path, force);

	assert_int_equal(output_write(output, text, strlen(text), &err), 0);
	return output_finish(output, &err);
}

static void assert_refused(const char *path, bool force, const char *message)
{
	assert_null(output_open(path,
		&(struct output_options){ .force = force }, &err));
	assert_string_equal(err.message, message);
}

static void test_file_appears_when_it_is_complete(void **state)
{
	struct output *output = open_new("out.bin", false);

	(void)state;
	assert_true(output_is_seekable(output));
	assert_string_equal(output_name(output), "out.bin");
	assert_int_equal(output_write(output, "abc", 3, &err), 0);
	assert_null(scratch_read("out.bin"));
	assert_int_equal(output_write(output, "def", 3, &err), 0);
	assert_int_equal(output_finish(output, &err), 0);
	assert_string_equal(scratch_read("out.bin"), "abcdef");
	assert_int_equal(scratch_count("."), 1);
}

static void test_abort_leaves_nothing(void **state)
{
	struct output *output = open_new("out.bin", false);

	(void)state;
	assert_int_equal(output_write(output, "abc", 3, &err), 0);
	output_abort(output);
	assert_int_equal(scratch_count("."), 0);
}

static void test_write_at(void **state)
{
	struct output *output = open_new("out.bin", false);

	(void)state;
	assert_int_equal(output_write_at(output, 4, "ef", 2, &err), 0);
	assert_int_equal(output_write_at(output, 0, "abcd", 4, &err), 0);
	assert_int_equal(output_finish(output, &err), 0);
	assert_string_equal(scratch_read("out.bin"), "abcdef");
}

static void test_reserve(void **state)
{
	struct output *output = open_new("out.bin", false);

	(void)state;
	assert_int_equal(output_reserve(output, 0, &err), 0);
	assert_int_equal(output_reserve(output, 6, &err), 0);
	assert_int_equal(output_write(output, "abcdef", 6, &err), 0);
	if (scratch_reserves()) {
		assert_int_equal(output_reserve(output, INT64_MAX, &err), -1);
		assert_memory_equal(err.message, "cannot write 'out.bin': ",
				    24);
	}
	assert_int_equal(output_finish(output, &err), 0);
	assert_string_equal(scratch_read("out.bin"), "abcdef");

	output = open_new("/dev/null", false);
	assert_int_equal(output_reserve(output, INT64_MAX, &err), 0);
	output_abort(output);
}

static void test_existing_file(void **state)
{
	struct output *output;

	(void)state;
	scratch_write("out.bin", "old");
	assert_refused("out.bin", false,
		       "'out.bin' already exists; use --force to overwrite it");
	output = open_new("out.bin", true);
	assert_string_equal(scratch_read("out.bin"), "old");
	output_abort(output);
	assert_string_equal(scratch_read("out.bin"), "old");
	assert_int_equal(write_file("out.bin", true, "new"), 0);
	assert_string_equal(scratch_read("out.bin"), "new");
	assert_int_equal(scratch_count("."), 1);
}

static void test_file_that_appears_meanwhile(void **state)
{
	struct output *output = open_new("out.bin", false);

	(void)state;
	scratch_write("out.bin", "theirs");
	assert_int_equal(output_finish(output, &err), -1);
	assert_string_equal(err.message,
			    "cannot create 'out.bin': File exists");
	assert_string_equal(scratch_read("out.bin"), "theirs");
	assert_int_equal(scratch_count("."), 1);
}

static void test_long_names(void **state)
{
	char name[NAME_MAX + 2];

	(void)state;
	memset(name, 'x', sizeof(name));
	name[NAME_MAX] = '\0';
	assert_int_equal(write_file(name, false, "abc"), 0);
	assert_string_equal(scratch_read(name), "abc");

	name[NAME_MAX] = 'x';
	name[NAME_MAX + 1] = '\0';
	assert_null(output_open(name,
		&(struct output_options){ .force = false }, &err));
	assert_non_null(strstr(err.message, "File name too long"));
	assert_int_equal(scratch_count("."), 1);
}

static void test_names_are_escaped(void **state)
{
	(void)state;
	assert_refused("no\033folder/x", false, "cannot create "
		       "'no\\x1bfolder/x': No such file or directory");
}

static void test_folders(void **state)
{
	(void)state;
	assert_refused(".", true, "'.' is a directory");
	assert_refused("new/", true, "'new/' is a directory");
	assert_refused("", true, "the output path is empty");
	assert_refused("no/out.bin", false,
		       "cannot create 'no/out.bin': No such file or directory");
	scratch_write("file", "");
	assert_refused("file/out.bin", false,
		       "cannot create 'file/out.bin': Not a directory");
}

/* -------------------------------- links ----------------------------------- */

static void test_links_are_followed(void **state)
{
	char target[8] = "";

	(void)state;
	assert_int_equal(mkdir("there", 0777), 0);
	assert_int_equal(symlink("there/second", "first"), 0);
	assert_int_equal(symlink("target", "there/second"), 0);

	assert_int_equal(write_file("first", false, "new"), 0);
	assert_string_equal(scratch_read("there/target"), "new");
	assert_refused("first", false,
		       "'first' already exists; use --force to overwrite it");
	assert_int_equal(write_file("first", true, "newer"), 0);
	assert_string_equal(scratch_read("there/target"), "newer");
	assert_int_equal(readlink("there/second", target, sizeof(target)), 6);
	assert_string_equal(target, "target");
	assert_int_equal(scratch_count("there"), 2);
}

static void test_absolute_and_circular_links(void **state)
{
	const char *const folder = *state;
	char *path;

	assert_true(asprintf(&path, "%s/target", folder) > 0);
	assert_int_equal(mkdir("there", 0777), 0);
	assert_int_equal(symlink(path, "there/link"), 0);
	free(path);
	assert_int_equal(write_file("there/link", false, "new"), 0);
	assert_string_equal(scratch_read("target"), "new");

	assert_int_equal(symlink("b", "a"), 0);
	assert_int_equal(symlink("a", "b"), 0);
	assert_refused("a", false, "cannot create 'a': "
		       "Too many levels of symbolic links");
}

/* What cp(1) does too, since the kernel refuses it. */
static int follow_link_of_another_user(int folder_mode)
{
	struct stat st;

	if (mkdir("shared", 0777) || chmod("shared", (mode_t)folder_mode) ||
	    symlink("../target", "shared/link") ||
	    lchown("shared/link", 12345, (gid_t)-1))
		return SKIPPED;
	if (output_open("shared/link",
		&(struct output_options){ .force = true }, &err) ||
	    strcmp(err.message, "cannot follow the link 'shared/link': "
				"Permission denied"))
		return 1;
	/* Its own link is the folder's owner's to set. */
	if (lchown("shared/link", (uid_t)-1, (gid_t)-1) ||
	    chown("shared", 12345, (gid_t)-1) ||
	    write_file("shared/link", true, "new"))
		return 2;
	return lstat("shared/link", &st) || !S_ISLNK(st.st_mode) ? 3 : 0;
}

static void test_links_of_others(void **state)
{
	const int status = child_run(follow_link_of_another_user, 01777);

	(void)state;
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
		skip();
	assert_int_equal(status, 0);
	assert_string_equal(scratch_read("target"), "new");
}

/* ------------------------------- the input -------------------------------- */

static void add_input(struct file_set *inputs, const char *path)
{
	const int fd = open(path, O_RDONLY);

	assert_int_equal(file_set_add(inputs, fd, &err), 0);
	close(fd);
}

/* The files "one" and "two". */
static struct file_set make_inputs(void)
{
	struct file_set inputs = { 0 };

	scratch_write("one", "1");
	scratch_write("two", "2");
	add_input(&inputs, "one");
	add_input(&inputs, "two");
	return inputs;
}

static void test_input_is_never_overwritten(void **state)
{
	static const char *const names[] = { "one", "two", "./one", "hard",
					     "soft" };
	struct file_set inputs = make_inputs();

	(void)state;
	assert_int_equal(link("two", "hard"), 0);
	assert_int_equal(symlink("hard", "soft"), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		assert_null(output_open(names[i],
			&(struct output_options){
				.force = true, .inputs = &inputs
			}, &err));
		assert_non_null(strstr(err.message, "' is the input, which is "
						    "never overwritten"));
	}
	assert_string_equal(scratch_read("one"), "1");
	assert_string_equal(scratch_read("two"), "2");
	assert_int_equal(scratch_count("."), 4);
	file_set_release(&inputs);
}

static int write_to_input_as_stdout(int flags)
{
	struct file_set inputs = make_inputs();

	dup2(open("two", flags), STDOUT_FILENO);
	if (output_open("-",
		&(struct output_options){
			.force = true, .inputs = &inputs
		}, &err))
		return 1;
	return strcmp(err.message, "'standard output' is the input, which is "
				   "never overwritten") ? 2 : 0;
}

static void test_standard_output_that_is_the_input(void **state)
{
	(void)state;
	assert_int_equal(child_run(write_to_input_as_stdout, O_RDWR), 0);
	assert_int_equal(child_run(write_to_input_as_stdout,
				   O_WRONLY | O_APPEND), 0);
}

/* ----------------------------- permissions -------------------------------- */

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void test_permissions_of_a_new_file(void **state)
{
	static const mode_t cases[][4] = {
		/* umask, two inputs, the output */
		{ 0022, 0666, 0666, 0644 }, { 0002, 0664, 0777, 0664 },
		{ 0022, 0600, 0644, 0600 }, { 0022, 0640, 0604, 0600 },
		{ 0077, 0644, 0644, 0600 }, { 0022, 0444, 0644, 0444 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const mode_t mask = umask(cases[i][0]);
		struct file_set inputs = make_inputs();
		struct output *output;

		file_set_release(&inputs);
		chmod("one", cases[i][1]);
		chmod("two", cases[i][2]);
		add_input(&inputs, "one");
		add_input(&inputs, "two");
		output = output_open("out.bin",
			&(struct output_options){ .inputs = &inputs }, &err);
		assert_non_null(output);
		assert_int_equal(output_finish(output, &err), 0);
		assert_int_equal(mode_of("out.bin"), cases[i][3]);
		assert_int_equal(unlink("out.bin") | unlink("one") |
				 unlink("two"), 0);
		file_set_release(&inputs);
		umask(mask);
	}
}

/* Of the old file its mode and owner stay; other links to it keep its data. */
static void test_permissions_of_an_old_file(void **state)
{
	static const mode_t modes[] = { 0600, 0640, 0666, 0444, 0755 };
	const bool is_root = !geteuid();
	struct stat st;

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		scratch_write("out.bin", "old");
		assert_int_equal(link("out.bin", "linked"), 0);
		assert_int_equal(chmod("out.bin", modes[i]), 0);
		if (is_root)
			assert_int_equal(chown("out.bin", 12345, 54321), 0);
		assert_int_equal(write_file("out.bin", true, "new"), 0);
		assert_int_equal(mode_of("out.bin"), modes[i]);
		assert_int_equal(stat("out.bin", &st), 0);
		assert_int_equal(st.st_uid, is_root ? 12345 : geteuid());
		assert_string_equal(scratch_read("linked"), "old");
		assert_int_equal(unlink("out.bin") | unlink("linked"), 0);
	}
}

/* user::rw-, user:12345:rw-, group::---, mask::rw-, other::---: to the group,
 * the mode 0660 promises more than it has. */
static void test_access_control_list(void **state)
{
	static const uint32_t acl[] = {
		2, 0x60001, UINT32_MAX, 0x60002, 12345, 0x4, UINT32_MAX,
		0x60010, UINT32_MAX, 0x20, UINT32_MAX,
	};
	uint32_t got[16];

	(void)state;
	scratch_write("out.bin", "old");
	if (setxattr("out.bin", "system.posix_acl_access", acl, sizeof(acl),
		     0))
		skip();
	assert_int_equal(mode_of("out.bin"), 0660);
	assert_int_equal(write_file("out.bin", true, "new"), 0);
	assert_int_equal(mode_of("out.bin"), 0660);
	assert_int_equal(getxattr("out.bin", "system.posix_acl_access", got,
				  sizeof(got)), sizeof(acl));
	assert_memory_equal(got, acl, sizeof(acl));
}

/* ------------------------- what is written as it is ----------------------- */

static void test_descriptor_of_a_pipe(void **state)
{
	char path[32], bytes[4] = "";
	struct output *output;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	snprintf(path, sizeof(path), "/dev/fd/%d", fds[1]);
	output = open_new(path, false);
	close(fds[1]);
	assert_false(output_is_seekable(output));
	assert_int_equal(output_write(output, "abc", 3, &err), 0);
	assert_int_equal(output_finish(output, &err), 0);
	assert_int_equal(read(fds[0], bytes, 4), 3);
	assert_string_equal(bytes, "abc");
	assert_int_equal(read(fds[0], bytes, 4), 0);
	close(fds[0]);
	assert_int_equal(scratch_count("."), 0);
}

static int write_to_fifo(int unused)
{
	(void)unused;
	return write_file("fifo", false, "abc");
}

static void test_fifo(void **state)
{
	struct stat st;
	char bytes[4];
	int fd;

	(void)state;
	assert_int_equal(mkfifo("fifo", 0666), 0);
	fd = open("fifo", O_RDONLY | O_NONBLOCK);
	assert_int_equal(child_run(write_to_fifo, 0), 0);
	assert_int_equal(read(fd, bytes, 4), 3);
	close(fd);
	assert_int_equal(lstat("fifo", &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
}

static void test_devices(void **state)
{
	struct output *output = open_new("/dev/full", false);

	(void)state;
	assert_int_equal(output_write(output, "abc", 3, &err), -1);
	assert_string_equal(err.message, "cannot write '/dev/full': "
					 "No space left on device");
	output_abort(output);
	assert_int_equal(write_file("/dev/null", false, "abc"), 0);
	assert_refused("/dev/random", false, "'/dev/random' is a device; use "
					     "--force to write to it");
	assert_int_equal(write_file("/dev/random", true, "abc"), 0);
}

/* A device, which only root may make, without a driver. */
static void test_block_device(void **state)
{
	(void)state;
	if (mknod("disk", S_IFBLK | 0600, makedev(4000, 1)))
		skip();
	assert_refused("disk", false, "'disk' is a device; use --force to "
				      "write to it");
	assert_null(output_open("disk",
		&(struct output_options){ .force = true }, &err));
	assert_non_null(strstr(err.message, "cannot open 'disk': No such "
					    "device"));
}

/* As the shell does it: (echo before; gguf-dequant …; echo after) > file. */
static int write_in_between(int flags)
{
	const int fd = open("file", O_WRONLY | O_CREAT | flags, 0666);
	struct output *output;
	int result;

	dup2(fd, STDOUT_FILENO);
	if (write(fd, "before|", 7) != 7)
		return 1;
	output = output_open(flags ? "/dev/stdout" : "-",
		&(struct output_options){ .force = false }, &err);
	if (!output || output_is_seekable(output) != !(flags & O_APPEND))
		return 2;
	if (output_is_seekable(output))
		result = output_write_at(output, 3, "def", 3, &err) ||
			 output_write_at(output, 0, "abc", 3, &err);
	else
		result = output_write(output, "abc", 3, &err) ||
			 output_write(output, "def", 3, &err);
	if (result || output_finish(output, &err))
		return 3;
	return write(fd, "|after", 6) == 6 ? 0 : 4;
}

static void test_standard_output_that_is_a_file(void **state)
{
	(void)state;
	assert_int_equal(child_run(write_in_between, 0), 0);
	assert_string_equal(scratch_read("file"), "before|abcdef|after");
	assert_int_equal(child_run(write_in_between, O_TRUNC), 0);
	assert_string_equal(scratch_read("file"), "before|abcdef|after");
	scratch_write("file", "|");
	assert_int_equal(child_run(write_in_between, O_APPEND), 0);
	assert_string_equal(scratch_read("file"), "|before|abcdef|after");
	assert_int_equal(scratch_count("."), 1);
}

static int write_to_closed(int unused)
{
	(void)unused;
	close(STDOUT_FILENO);
	if (output_open("-", &(struct output_options){ .force = false }, &err))
		return 1;
	return strcmp(err.message, "cannot write 'standard output': "
				   "Bad file descriptor") ? 2 : 0;
}

static void test_standard_output_that_is_closed(void **state)
{
	(void)state;
	assert_int_equal(child_run(write_to_closed, 0), 0);
}

static int write_without_reader(int unused)
{
	struct output *output;
	int fds[2];

	(void)unused;
	signal(SIGPIPE, SIG_IGN);
	if (pipe(fds) || dup2(fds[1], STDOUT_FILENO) < 0 || close(fds[0]))
		return 1;
	output = open_new("-", false);
	if (!output_write(output, "abc", 3, &err))
		return 2;
	output_abort(output);
	return strcmp(err.message, "cannot write 'standard output': "
				   "Broken pipe") ? 3 : 0;
}

static void test_reader_that_went_away(void **state)
{
	(void)state;
	assert_int_equal(child_run(write_without_reader, 0), 0);
}

static int write_much(int fd)
{
	static char bytes[3 << 20];
	struct output *output;
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	output = open_new(path, false);
	return output_write(output, bytes, sizeof(bytes), &err) ||
	       output_finish(output, &err);
}

/* What the other end of a pipe may have set is no reason to fail. */
static void test_pipe_that_does_not_block(void **state)
{
	static char bytes[1 << 16];
	size_t total = 0;
	ssize_t n;
	pid_t pid;
	int fds[2], status;

	(void)state;
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	pid = fork();
	if (pid == 0)
		_exit(write_much(fds[1]));
	close(fds[1]);
	usleep(20000); /* it fills the pipe */
	assert_int_equal(fcntl(fds[0], F_SETFL, 0), 0);
	while ((n = read(fds[0], bytes, sizeof(bytes))) > 0)
		total += (size_t)n;
	assert_int_equal(total, 3 << 20);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(fds[0]);
}

/* ------------------------------- bad luck --------------------------------- */

/* Writes 1 MiB where that can't be: an error, and no file stays. */
static int fail_to_write(const char *path, const char *reason)
{
	static char bytes[1 << 20];
	struct output *output = output_open(path,
		&(struct output_options){ .force = false }, &err);

	if (!output)
		return 1;
	if (!output_write(output, bytes, sizeof(bytes), &err))
		return 2;
	output_abort(output);
	return strstr(err.message, reason) ? 0 : 3;
}

static int write_beyond_the_limit(int unused)
{
	const struct rlimit limit = { 65536, 65536 };

	(void)unused;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	return fail_to_write("out.bin", "cannot write 'out.bin': "
					"File too large");
}

static void test_file_size_limit(void **state)
{
	(void)state;
	assert_int_equal(child_run(write_beyond_the_limit, 0), 0);
	assert_int_equal(scratch_count("."), 0);
}

/* On a file system of 64 KiB, which only root may make. */
static int write_to_full_disk(int unused)
{
	int result;

	(void)unused;
	if (unshare(CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mkdir("disk", 0777) ||
	    mount("none", "disk", "tmpfs", 0, "size=64k"))
		return SKIPPED;
	result = fail_to_write("disk/out.bin", "cannot write 'disk/out.bin': "
					       "No space left on device");
	return result ? result : (int)scratch_count("disk");
}

static void test_full_disk(void **state)
{
	const int status = child_run(write_to_full_disk, 0);

	(void)state;
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
		skip();
	assert_int_equal(status, 0);
}

#define ARG(i) offsetof(struct seccomp_data, args[i])
#define FAIL(error) \
	BPF_STMT(BPF_RET, SECCOMP_RET_ERRNO | (unsigned)(error))
#define IF_NOT(value, skip) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip)

/* A file system without O_TMPFILE and RENAME_NOREPLACE; with a `link_error`,
 * one without hard links too. */
static void take_away_calls(int link_error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		IF_NOT(SYS_openat, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARG(2)),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_TMPFILE & ~O_DIRECTORY,
			 0, 1),
		FAIL(EOPNOTSUPP),
		BPF_STMT(BPF_RET, SECCOMP_RET_ALLOW),
#ifdef SYS_link
		IF_NOT(SYS_link, 1),
		FAIL(link_error),
#endif
		IF_NOT(SYS_linkat, 1),
		FAIL(link_error),
		IF_NOT(SYS_renameat2, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARG(4)),
		IF_NOT(RENAME_NOREPLACE, 1),
		FAIL(EINVAL),
		BPF_STMT(BPF_RET, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {
		sizeof(filter) / sizeof(*filter), filter,
	};

	if (!link_error)
		for (size_t i = 0; i < program.len; i++)
			if (filter[i].k == SECCOMP_RET_ERRNO)
				filter[i].k = SECCOMP_RET_ALLOW;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(SKIPPED);
}

static int write_on_old_file_system(int link_error)
{
	struct output *output;

	take_away_calls(link_error);
	if (write_file("new", false, "ab") || write_file("new", true, "abc"))
		return 1;
	output = open_new("appears", false);
	scratch_write("appears", "theirs");
	if (!output_finish(output, &err))
		return 2;
	return strcmp(err.message, "cannot create 'appears': File exists") ?
	       3 : 0;
}

static void test_file_systems_that_can_do_less(void **state)
{
	static const int link_errors[] = { 0, EPERM, EOPNOTSUPP };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		const int status = child_run(write_on_old_file_system,
					     link_errors[i]);

		if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
			skip();
		assert_int_equal(status, 0);
		assert_string_equal(scratch_read("new"), "abc");
		assert_string_equal(scratch_read("appears"), "theirs");
		assert_int_equal(scratch_count("."), 2);
		assert_int_equal(unlink("new") | unlink("appears"), 0);
	}
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, scratch_enter, scratch_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_file_appears_when_it_is_complete),
		TEST(test_abort_leaves_nothing),
		TEST(test_write_at),
		TEST(test_reserve),
		TEST(test_existing_file),
		TEST(test_file_that_appears_meanwhile),
		TEST(test_long_names),
		TEST(test_names_are_escaped),
		TEST(test_folders),
		TEST(test_links_are_followed),
		TEST(test_absolute_and_circular_links),
		TEST(test_links_of_others),
		TEST(test_input_is_never_overwritten),
		TEST(test_standard_output_that_is_the_input),
		TEST(test_permissions_of_a_new_file),
		TEST(test_permissions_of_an_old_file),
		TEST(test_access_control_list),
		TEST(test_descriptor_of_a_pipe),
		TEST(test_fifo),
		TEST(test_devices),
		TEST(test_block_device),
		TEST(test_standard_output_that_is_a_file),
		TEST(test_standard_output_that_is_closed),
		TEST(test_reader_that_went_away),
		TEST(test_pipe_that_does_not_block),
		TEST(test_file_size_limit),
		TEST(test_full_disk),
		TEST(test_file_systems_that_can_do_less),
	};

	return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}

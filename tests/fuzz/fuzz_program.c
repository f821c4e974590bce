/*
 * fuzz_program.c - takes what libFuzzer makes up through the whole program, in
 * a folder in memory, and checks what the program promises: an error leaves
 * nothing, a GGUF file that was written can be read, its values and those of
 * the input have the checksums that were printed, a changed value is found, and
 * a pipe gets the bytes of a file. A sample ends with two bytes, which a GGUF
 * file may have after its data:
 *
 *   | input | more: n bytes | n: u16, in some modes | flags: u8 | mode: u8 |
 */
int program_main(int argc, char **argv);
#define main program_main
#include "cli/main.c"
#undef main

#include <dirent.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define PIPE_CAPACITY 65536
#define MAX_OUTPUT (16 << 20) /* bytes: some models ask for gigabytes */
#define MAX_ARGUMENTS 32
#define MAX_ARGUMENT 128

static char folder[] = "/dev/shm/fuzz_program.XXXXXX";
static int null; /* standard output, if nobody looks at it */

struct sample {
	const uint8_t *input;
	size_t input_size;
	const uint8_t *more;
	size_t more_size;
	unsigned flags;
};

/* Of `flags`. The upper three bits choose among the types to convert to. */
enum {
	FLAG_EXCLUDE = 1, /* some tensors */
	FLAG_REPLACE = 2, /* an old file; or allow a difference */
	FLAG_THREADS = 4,
	FLAG_MEMORY = 8,
	FLAG_PIPE = 16 /* the input is one */
};

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void remove_folder(void)
{
	rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const struct rlimit limit = { MAX_OUTPUT, MAX_OUTPUT };

	(void)argc;
	(void)argv;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	require(null >= 0 && dup2(null, STDIN_FILENO) >= 0 &&
		dup2(null, STDOUT_FILENO) >= 0 && mkdtemp(folder) &&
		!chdir(folder) && !atexit(remove_folder) &&
		signal(SIGXFSZ, SIG_IGN) != SIG_ERR &&
		!setrlimit(RLIMIT_FSIZE, &limit));
	return 0;
}

/* ---------------------------------- files --------------------------------- */

static void write_bytes(int fd, const uint8_t *data, size_t size)
{
	require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
}

static void write_file(const char *path, const uint8_t *data, size_t size)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
			    0600);

	write_bytes(fd, data, size);
	close(fd);
}

static int open_bytes(const uint8_t *data, size_t size, bool from_pipe)
{
	int fds[2];

	if (!from_pipe || size > PIPE_CAPACITY) {
		fds[0] = memfd_create("fuzz", MFD_CLOEXEC);
		write_bytes(fds[0], data, size);
		return fds[0];
	}
	require(!pipe2(fds, O_CLOEXEC));
	write_bytes(fds[1], data, size);
	close(fds[1]);
	return fds[0];
}

static size_t file_size(int fd)
{
	struct stat st;

	require(!fstat(fd, &st));
	return (size_t)st.st_size;
}

/* The bytes of a file; unmap them. NULL if there are none. */
static uint8_t *map(int fd, size_t size)
{
	uint8_t *const bytes = size ? mmap(NULL, size, PROT_READ | PROT_WRITE,
					   MAP_SHARED, fd, 0) : NULL;

	require(bytes != MAP_FAILED);
	return bytes;
}

static void unmap(uint8_t *bytes, size_t size)
{
	if (bytes)
		munmap(bytes, size);
}

static bool same_bytes(int a, int b)
{
	const size_t size = file_size(a);
	uint8_t *bytes[2];
	bool same;

	if (file_size(b) != size)
		return false;
	bytes[0] = map(a, size);
	bytes[1] = map(b, size);
	same = !size || !memcmp(bytes[0], bytes[1], size);
	unmap(bytes[0], size);
	unmap(bytes[1], size);
	return same;
}

/* Changes some bytes of a file as the sample says: | offset: u16 | xor: u8 |…
 * Returns whether they differ then. */
static bool change(int fd, const struct sample *sample)
{
	const size_t size = file_size(fd);
	uint8_t *const bytes = map(fd, size);
	uint8_t *const before = malloc(size + 1);
	bool changed;

	require(before);
	if (size)
		memcpy(before, bytes, size);
	for (size_t i = 0; size && i + 3 <= sample->more_size; i += 3) {
		const uint8_t *const at = sample->more + i;

		bytes[(size_t)(at[0] | at[1] << 8) % size] ^= at[2];
	}
	changed = size && memcmp(before, bytes, size) != 0;
	free(before);
	unmap(bytes, size);
	return changed;
}

/* Removes what is in a folder, which it closes; returns how many entries. */
static unsigned remove_files(int folder_fd)
{
	DIR *const dir = folder_fd < 0 ? NULL : fdopendir(folder_fd);
	struct dirent *entry;
	unsigned n = 0;

	require(dir);
	while ((entry = readdir(dir))) {
		const char *const name = entry->d_name;

		if (!strcmp(name, ".") || !strcmp(name, ".."))
			continue;
		if (unlinkat(folder_fd, name, 0)) {
			remove_files(openat(folder_fd, name,
					    O_RDONLY | O_DIRECTORY));
			require(!unlinkat(folder_fd, name, AT_REMOVEDIR));
		}
		n++;
	}
	closedir(dir);
	return n;
}

/* --------------------------------- running -------------------------------- */

/* Arguments that getopt may move, and of which it changes none. */
struct command {
	char text[MAX_ARGUMENTS][MAX_ARGUMENT];
	char *arguments[MAX_ARGUMENTS + 1];
	int n;
};

static void add(struct command *command, const char *argument)
{
	char *const text = command->text[command->n];

	require(command->n < MAX_ARGUMENTS);
	snprintf(text, MAX_ARGUMENT, "%s", argument);
	command->arguments[command->n++] = text;
}

static void add_descriptor(struct command *command, int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	add(command, path);
}

/* Returns the exit status. Invalid options are an error of the test, unless
 * they are `fuzzed`. */
static int run_command(struct command *command, bool fuzzed)
{
	struct options options;
	struct error err = { 0 };
	int result;

	if (options_parse(&options, command->n, command->arguments, &err)) {
		require(fuzzed);
		return STATUS_TROUBLE;
	}
	if (fuzzed && options.threads > 3)
		options.threads = 3;
	if (fuzzed)
		options.device = (struct device_choice){ .kind = DEVICE_CPU };
	/* The others close standard output. */
	result = options.action <= OPTIONS_LIST_JSON ? run(&options, &err) : 0;
	options_release(&options);
	return !result ? STATUS_DONE :
	       err.differs ? STATUS_DIFFERENT : STATUS_TROUBLE;
}

/* Like run_command; `fd` is standard output. */
static int run_into(int fd, struct command *command)
{
	int status;

	require(dup2(fd, STDOUT_FILENO) >= 0);
	status = run_command(command, false);
	require(dup2(null, STDOUT_FILENO) >= 0);
	return status;
}

/* A command that converts or compares, with the options that all of these
 * allow. It lacks the input. */
static struct command pass_command(const struct sample *sample, bool typed)
{
	static const char *const types[] = {
		"f32", "f16", "bf16", "native", "*a*=f16", "type:[iq]*=native",
		"type:f*=bf16", "type:156=f32" };
	struct command command = { .n = 0 };

	add(&command, "gguf-dequant");
	add(&command, "-q");
	add(&command, "-dcpu");
	add(&command, sample->flags & FLAG_MEMORY ? "--memory=16M" :
						    "--memory=4M");
	add(&command, sample->flags & FLAG_THREADS ? "-j3" : "-j1");
	if (typed) {
		add(&command, "-t");
		add(&command, types[sample->flags >> 5]);
	}
	return command;
}

static void add_exclude(struct command *command, const struct sample *sample)
{
	if (sample->flags & FLAG_EXCLUDE) {
		add(command, "-x");
		add(command, "*q*");
	}
}

/* Adds the sample as the command's input. Returns a descriptor. */
static int add_input_of(struct command *command, const struct sample *sample)
{
	const int fd = open_bytes(sample->input, sample->input_size,
				  sample->flags & FLAG_PIPE);

	add_descriptor(command, fd);
	return fd;
}

/* Returns the exit status of a command, to which the input is added. */
static int run_on_sample(struct command *command, const struct sample *sample,
			 int output)
{
	const int fd = add_input_of(command, sample);
	const int status = run_into(output, command);

	close(fd);
	return status;
}

/* ---------------------------------- modes --------------------------------- */

/* What the program does, and which output it makes if any. */
struct mode {
	const char *output;
	const char *option;
	unsigned n_outputs; /* entries in the folder */
	void (*test)(const struct sample *sample, const struct mode *mode);
	bool has_more;
};

static void test_list(const struct sample *sample, const struct mode *mode)
{
	struct command command = { .n = 0 };

	add(&command, "gguf-dequant");
	add(&command, "--memory=16M");
	add(&command, mode->option);
	run_on_sample(&command, sample, null);
	require(!remove_files(open(".", O_RDONLY | O_DIRECTORY)));
}

/* Whether the values have the checksums that `sums` has. */
static int check(const struct sample *sample, int sums, const char *input)
{
	struct command command = pass_command(sample, false);

	add(&command, "--check");
	add_descriptor(&command, sums);
	if (input) {
		add(&command, input);
		return run_command(&command, false);
	}
	add_exclude(&command, sample);
	return run_on_sample(&command, sample, null);
}

static bool can_read(const char *path)
{
	struct command command = { .n = 0 };

	add(&command, "gguf-dequant");
	add(&command, path);
	return !run_command(&command, false);
}

static void test_output(const struct sample *sample, const struct mode *mode)
{
	static const uint8_t old[] = { 'o', 'l', 'd' };
	const bool replaces = sample->flags & FLAG_REPLACE &&
			      !strchr(mode->output, '/');
	const int sums = memfd_create("sums", MFD_CLOEXEC);
	struct command command = pass_command(sample, true);
	unsigned left;
	int status;

	if (replaces) {
		write_file(mode->output, old, sizeof(old));
		add(&command, "-f");
	}
	add_exclude(&command, sample);
	add(&command, "-o");
	add(&command, mode->output);
	if (mode->option)
		add(&command, mode->option);
	add(&command, "--no-sync");
	status = run_on_sample(&command, sample, sums);
	require(status != STATUS_DIFFERENT);
	if (status == STATUS_DONE && !strcmp(mode->output, "o.gguf"))
		require(can_read(mode->output) &&
			(!file_size(sums) ||
			 !check(sample, sums, mode->output)));
	close(sums);
	left = remove_files(open(".", O_RDONLY | O_DIRECTORY));
	require(left == (status ? replaces : mode->n_outputs));
}

/* A pipe's bytes are those of a file. Only appending shows what a pipe gets. */
static void test_pipe(const struct sample *sample, const struct mode *mode)
{
	int status[2], fd[2];

	for (int i = 0; i < 2; i++) {
		struct command command = pass_command(sample, true);

		fd[i] = open("out", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC |
			     (i ? O_APPEND : 0), 0600);
		require(fd[i] >= 0 && !unlink("out"));
		add_exclude(&command, sample);
		add(&command, "-c");
		add(&command, mode->option);
		status[i] = run_on_sample(&command, sample, fd[i]);
	}
	require(status[0] == status[1]);
	require(status[0] || same_bytes(fd[0], fd[1]));
	close(fd[0]);
	close(fd[1]);
}

/* The option's checksums, which are then changed as the sample says. */
static void test_check(const struct sample *sample, const struct mode *mode)
{
	struct command command = pass_command(sample, true);
	const int sums = memfd_create("sums", MFD_CLOEXEC);

	add_exclude(&command, sample);
	add(&command, mode->option);
	if (!run_on_sample(&command, sample, sums)) {
		const bool nothing = !file_size(sums);
		const bool changed = change(sums, sample);
		const int status = check(sample, sums, NULL);

		require(changed || nothing || status == STATUS_DONE);
	}
	close(sums);
}

/* Lines that the sample makes up. */
static void test_any_check(const struct sample *sample, const struct mode *mode)
{
	const int sums = open_bytes(sample->more, sample->more_size,
				    sample->flags & FLAG_REPLACE);
	struct command command = pass_command(sample, false);

	add_exclude(&command, sample);
	add(&command, "--check");
	add_descriptor(&command, sums);
	if (mode->option)
		add(&command, mode->option);
	run_on_sample(&command, sample, null);
	close(sums);
}

/* The values, which are then changed as the sample says. */
static void test_expect(const struct sample *sample, const struct mode *mode)
{
	const int values = memfd_create("values", MFD_CLOEXEC);
	struct command command = pass_command(sample, true);
	struct command compare = command;

	add(&command, "-c");
	add(&compare, "--expect");
	add_descriptor(&compare, values);
	if (mode->option)
		add(&compare, mode->option);
	if (!run_on_sample(&command, sample, values)) {
		const bool changed = change(values, sample);
		const int status = run_on_sample(&compare, sample, null);

		require(changed ? status == STATUS_DIFFERENT || mode->option :
				  status == STATUS_DONE);
		require(status != STATUS_TROUBLE);
	}
	close(values);
}

/* The sample makes up the command line, whose input is in a file. */
static void test_arguments(const struct sample *sample, const struct mode *mode)
{
	struct command command = { .n = 0 };
	const uint8_t *next = sample->more;
	const uint8_t *const end = next + sample->more_size;

	(void)mode;
	if (!next || memchr(next, '/', sample->more_size))
		return;
	add(&command, "gguf-dequant");
	while (next < end && command.n < MAX_ARGUMENTS) {
		const size_t len = strnlen((const char *)next,
					   (size_t)(end - next));
		char argument[MAX_ARGUMENT];

		snprintf(argument, sizeof(argument), "%.*s", (int)len,
			 (const char *)next);
		add(&command, argument);
		next += len + 1;
	}
	write_file("m.gguf", sample->input, sample->input_size);
	run_command(&command, true);
	remove_files(open(".", O_RDONLY | O_DIRECTORY));
}

/* Two shards of a model. */
static void test_shards(const struct sample *sample, const struct mode *mode)
{
	static const char first[] = "m-00001-of-00002.gguf";
	struct command command = pass_command(sample, true);
	int status;

	write_file(first, sample->more, sample->more_size);
	write_file("m-00002-of-00002.gguf", sample->input, sample->input_size);
	add_exclude(&command, sample);
	add(&command, "-o");
	add(&command, mode->output);
	add(&command, first);
	status = run_command(&command, false);
	if (!status && !strcmp(mode->output, "o.gguf"))
		require(can_read(mode->output));
	require(remove_files(open(".", O_RDONLY | O_DIRECTORY)) ==
		(status ? 2u : 3u));
}

static const struct mode modes[] = {
	{ NULL, "--list", 0, test_list, false },
	{ NULL, "--json", 0, test_list, false },
	{ "o", "--index=i", 2, test_output, false },
	{ "o", "--checksum=xxh3", 1, test_output, false },
	{ "o", "--apply-scales", 1, test_output, false },
	{ "o.gguf", "--checksum", 1, test_output, false },
	{ "o.safetensors", NULL, 1, test_output, false },
	{ "o.npz", "--checksum=xxh64", 1, test_output, false },
	{ "o/", NULL, 1, test_output, false },
	{ "o/", "-Fsafetensors", 1, test_output, false },
	{ "o", "--input-type=q4_k", 1, test_output, false },
	{ "o.npz", "--input-type=mxfp6_e2m3", 1, test_output, false },
	{ "o.gguf", "--input-type=i8", 1, test_output, false },
	{ NULL, "-Fraw", 0, test_pipe, false },
	{ NULL, "-Fgguf", 0, test_pipe, false },
	{ NULL, "-Fsafetensors", 0, test_pipe, false },
	{ NULL, "-Fnpz", 0, test_pipe, false },
	{ NULL, "--checksum", 0, test_check, true },
	{ NULL, "--checksum=sha256", 0, test_check, true },
	{ NULL, NULL, 0, test_any_check, true },
	{ NULL, "--checksum=xxh3", 0, test_any_check, true },
	{ NULL, NULL, 0, test_expect, true },
	{ NULL, "--ulp=1", 0, test_expect, true },
	{ NULL, "--atol=1", 0, test_expect, true },
	{ NULL, NULL, 0, test_arguments, true },
	{ "o.gguf", NULL, 0, test_shards, true },
	{ "o/", NULL, 0, test_shards, true },
	{ "o/", "-Fhf", 1, test_output, false },
};
#define N_MODES (sizeof(modes) / sizeof(*modes))
#define MAX_MODES 32 /* more modes do not change what samples mean */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sample sample = { .input = data };
	const struct mode *mode;
	size_t more = 0;

	if (size < 4 || data[size - 1] % MAX_MODES >= N_MODES)
		return -1;
	mode = &modes[data[size - 1] % MAX_MODES];
	sample.flags = data[size - 2];
	size -= 2;
	if (mode->has_more) {
		size -= 2;
		more = (size_t)(data[size] | data[size + 1] << 8);
		more = more > size ? size : more;
	}
	sample.input_size = size - more;
	sample.more = data + sample.input_size;
	sample.more_size = more;
	mode->test(&sample, mode);
	return 0;
}

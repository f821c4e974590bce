/*
 * fuzz_pass.c - takes what libFuzzer makes up through the whole program, for
 * every kind of output, into a folder in memory. The last two bytes, which a
 * GGUF file may have after its data, choose the options.
 */
int program_main(int argc, char **argv);
#define main program_main
#include "cli/main.c"
#undef main

#include <dirent.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define PIPE_SIZE 65536 /* what a pipe holds at least */
#define MAX_OUTPUT (16 << 20) /* bytes: some alignments ask for gigabytes */
#define MAX_ARGUMENTS 16

static char folder[] = "/dev/shm/fuzz_pass.XXXXXX";

/* What the program writes to, by its kind, and without an output. */
static const struct {
	const char *output; /* NULL: none */
	const char *option;
} modes[] = {
	{ "o", "--index=i" },	   { "o.gguf", NULL },
	{ "o.safetensors", NULL }, { "o.npz", NULL },
	{ "o/", NULL },		   { NULL, "--list" },
	{ NULL, "--json" },	   { NULL, "--checksum" },
	{ NULL, "--checksum=sha256" },
	{ "o", "--checksum=xxh3" }, { "o.npz", "--checksum" },
	{ "o", "--input-type=q4_k" },
	{ "o.npz", "--input-type=mxfp6_e2m3" },
	{ "o.gguf", "--input-type=i8" },
};
#define N_MODES (sizeof(modes) / sizeof(*modes))
enum { MODE_INDEX = 0, MODE_LIST = 5, MODE_JSON = 6 };

static void remove_folder(void)
{
	rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const struct rlimit limit = { MAX_OUTPUT, MAX_OUTPUT };
	const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	(void)argc;
	(void)argv;
	if (null < 0 || dup2(null, STDOUT_FILENO) < 0 || !mkdtemp(folder) ||
	    chdir(folder) || atexit(remove_folder) ||
	    signal(SIGXFSZ, SIG_IGN) == SIG_ERR ||
	    setrlimit(RLIMIT_FSIZE, &limit))
		abort();
	return 0;
}

/* Arguments that getopt may move, and of which it changes none. */
struct command {
	char text[MAX_ARGUMENTS][32];
	char *arguments[MAX_ARGUMENTS + 1];
	int n;
};

static void add(struct command *command, const char *option, const char *value)
{
	char *const text = command->text[command->n];

	snprintf(text, sizeof(command->text[0]), "%s%s", option, value);
	command->arguments[command->n++] = text;
}

static int run_command(struct command *command)
{
	struct options options;
	struct error err = { 0 };
	int result;

	if (options_parse(&options, command->n, command->arguments, &err))
		abort();
	result = run(&options, &err);
	options_release(&options);
	return result;
}

static int run_with(const char *input, unsigned mode, unsigned flags)
{
	static const char *const types[] = {
		"f32", "f16", "bf16", "native", "*a*=f16", "type:[iq]*=native",
		"type:f*=bf16", "type:156=f32" };
	struct command command = { .n = 0 };

	add(&command, "gguf-dequant", "");
	add(&command, "--memory=", flags & 8 ? "16M" : "4M");
	if (modes[mode].option)
		add(&command, modes[mode].option, "");
	if (modes[mode].output)
		add(&command, "-o", modes[mode].output);
	if (mode != MODE_LIST && mode != MODE_JSON) {
		add(&command, "-q", "");
		add(&command, "-d", "cpu");
		add(&command, "-t", types[flags >> 5]);
		add(&command, "-j", flags & 4 ? "3" : "1");
	}
	add(&command, input, "");
	return run_command(&command);
}

/* Removes what is in a folder, which it closes; returns how many entries. */
static unsigned remove_files(int folder_fd)
{
	DIR *const dir = folder_fd < 0 ? NULL : fdopendir(folder_fd);
	struct dirent *entry;
	unsigned n = 0;

	if (!dir)
		abort();
	while ((entry = readdir(dir))) {
		const char *const name = entry->d_name;

		if (!strcmp(name, ".") || !strcmp(name, ".."))
			continue;
		if (unlinkat(folder_fd, name, 0)) {
			remove_files(openat(folder_fd, name,
					    O_RDONLY | O_DIRECTORY));
			if (unlinkat(folder_fd, name, AT_REMOVEDIR))
				abort();
		}
		n++;
	}
	closedir(dir);
	return n;
}

static int open_input(const uint8_t *data, size_t size, bool from_pipe)
{
	int fds[2];

	if (!from_pipe || size > PIPE_SIZE) {
		fds[0] = memfd_create("fuzz", MFD_CLOEXEC);
		fds[1] = fds[0];
	} else if (pipe2(fds, O_CLOEXEC)) {
		abort();
	}
	if (fds[0] < 0 || write(fds[1], data, size) != (ssize_t)size)
		abort();
	if (fds[1] != fds[0])
		close(fds[1]);
	return fds[0];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned mode, flags, left;
	const char *output;
	char path[32];
	int fd, result;

	if (size < 2)
		return 0;
	mode = data[size - 1] % N_MODES;
	flags = data[size - 2];
	output = modes[mode].output;
	fd = open_input(data, size, flags & 16);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	result = run_with(path, mode, flags);
	close(fd);

	/* All of the output is there, or nothing; and it can be read. */
	if (!result && output && !strcmp(output, "o.gguf") &&
	    run_with(output, MODE_LIST, 0))
		abort();
	left = remove_files(open(".", O_RDONLY | O_DIRECTORY));
	if (left != (result || !output ? 0u : mode == MODE_INDEX ? 2u : 1u))
		abort();
	return 0;
}

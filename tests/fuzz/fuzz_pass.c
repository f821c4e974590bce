/*
 * fuzz_pass.c - takes what libFuzzer makes up through all of the program but
 * main: options, model, plan and pass, for every kind of output, into a folder
 * in memory. The last two bytes, which a GGUF file may have after its data,
 * choose the options.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/convert.h"
#include "cli/listing.h"

#define PIPE_SIZE 65536 /* what a pipe holds at least */
#define MAX_ALIGNMENT 4096 /* as much as is written as padding */
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
	const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	(void)argc;
	(void)argv;
	if (null < 0 || dup2(null, STDOUT_FILENO) < 0 || !mkdtemp(folder) ||
	    chdir(folder) || atexit(remove_folder))
		abort();
	return 0;
}

static void list(const struct model *model, const struct plan *plan)
{
	FILE *const null = fopen("/dev/null", "we");

	if (!null)
		abort();
	listing_table(null, model, plan);
	listing_json(null, model, plan);
	fclose(null);
}

/* As run_model in main.c. */
static int run_model(const struct options *options, const struct model *model,
		     const struct budget *budget, struct error *err)
{
	const struct plan_globs globs = {
		options->include.items, options->include.n,
		options->exclude.items, options->exclude.n,
		options->types.items, options->types.n, NULL, NULL,
	};
	struct plan plan;
	int result = 0;

	if (plan_init(&plan, model, &globs, OUTPUT_F32, err))
		return -1;
	list(model, &plan);
	if (options->action == OPTIONS_CONVERT) {
		result = plan_check_formats(&plan, err);
		if (!result)
			result = convert(options, budget, NULL, model, &plan,
					 err);
	}
	plan_release(&plan);
	return result;
}

static int open_model(const struct options *options, size_t memory,
		      struct model *model, struct error *err)
{
	if (options->blocks.format)
		return model_open_blocks(model, options->inputs[0],
					 &options->blocks, err);
	return model_open(model, options->inputs, options->n_inputs, memory,
			  err);
}

static int run(int argc, char **argv)
{
	struct options options;
	struct budget budget;
	struct model model;
	struct error err = { 0 };
	int result = -1;

	if (options_parse(&options, argc, argv, &err) ||
	    budget_init(&budget, options.memory, options.threads, &err))
		abort();
	if (!open_model(&options, budget.header, &model, &err)) {
		if (model.shards[0].gguf.alignment <= MAX_ALIGNMENT)
			result = run_model(&options, &model, &budget, &err);
		model_release(&model);
	}
	options_release(&options);
	return result;
}

static int run_with(const char *input, unsigned mode, unsigned flags)
{
	static const char *const types[] = {
		"f32", "f16", "bf16", "native", "*a*=f16", "type:[iq]*=native",
		"type:f*=bf16", "type:156=f32" };
	char type[32], path[32];
	const char *arguments[MAX_ARGUMENTS] = { "gguf-dequant" };
	int n = 1;

	snprintf(path, sizeof(path), "%s", input);
	snprintf(type, sizeof(type), "-t%s", types[flags >> 5]);
	arguments[n++] = path;
	if (modes[mode].option)
		arguments[n++] = modes[mode].option;
	if (modes[mode].output) {
		arguments[n++] = "-o";
		arguments[n++] = modes[mode].output;
	}
	if (mode != MODE_LIST && mode != MODE_JSON) {
		arguments[n++] = "-dcpu";
		arguments[n++] = type;
		arguments[n++] = flags & 4 ? "-j3" : "-j1";
	}
	arguments[n++] = flags & 8 ? "--memory=16M" : "--memory=4M";
	return run(n, (char **)arguments);
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

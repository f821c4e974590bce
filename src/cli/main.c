/* main.c - argv → exit status; the only file that prints errors or exits. */
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/checksums.h"
#include "device/select.h"
#include "gpu/listing.h"
#include "cli/listing.h"
#include "cli/options.h"
#include "io/output_stream.h"
#include "pass/pipeline.h"

enum { STATUS_DONE = 0, STATUS_DIFFERENT = 1, STATUS_TROUBLE = 2 };

/* The program takes 3 MiB with its libraries and buffers, a thread's stack and
 * smallest slot 48 KiB. */
#define PROGRAM_MEMORY ((uint64_t)3 << 20)
#define MIN_MEMORY ((uint64_t)4 << 20)
#define MIN_THREAD_MEMORY ((uint64_t)64 << 10)

/* How --memory is shared out. What is left is for the program itself. */
struct budget {
	size_t header; /* for the model's tables */
	size_t slots;
	size_t manifest; /* its file; what is made of it takes 3 times that */
	unsigned threads;
};

/*
 * Where standard input, output or error is closed, the next file that is
 * opened would take its place. Put there what can't be used.
 */
static int occupy_standard_files(struct error *err)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY :
							   O_RDONLY) < 0)
			return error_errno(err, "cannot open '/dev/null'");
	return 0;
}

/* CPUs that this process may use: by its affinity and, in a container, by the
 * quota of its control group, "max" or microseconds a period. */
static unsigned usable_cpus(void)
{
	FILE *stream = fopen("/sys/fs/cgroup/cpu.max", "re");
	uint64_t quota, period;
	cpu_set_t set;
	unsigned cpus = 1;

	if (!sched_getaffinity(0, sizeof(set), &set))
		cpus = (unsigned)CPU_COUNT(&set);
	if (!stream)
		return cpus;
	if (fscanf(stream, "%" SCNu64 " %" SCNu64, &quota, &period) == 2 &&
	    period && quota / period < cpus)
		cpus = (unsigned)(quota / period + (quota % period != 0));
	fclose(stream);
	return cpus ? cpus : 1;
}

static int print_error(const struct error *err)
{
	fprintf(stderr, "gguf-dequant: %s\n", err->message);
	return err->differs ? STATUS_DIFFERENT : STATUS_TROUBLE;
}

static int share_out(struct budget *budget, const struct options *options,
		     struct error *err)
{
	const unsigned threads =
		options->threads ? options->threads : usable_cpus();
	uint64_t least = threads * MIN_THREAD_MEMORY;
	uint64_t slots;

	if (least < MIN_MEMORY)
		least = MIN_MEMORY;
	if (options->memory < least) {
		error_set(err, "'--memory' is %" PRIu64 " bytes, but with %u "
			       "threads the least is %" PRIu64,
			  options->memory, threads, least);
		return -1;
	}
	slots = options->memory - PROGRAM_MEMORY;
	if (slots > options->memory / 2)
		slots = options->memory / 2;
	*budget = (struct budget){
		.header = (size_t)(options->memory / 16 * 3),
		.slots = (size_t)slots,
		.manifest = (size_t)(options->memory / 32),
		.threads = threads,
	};
	return 0;
}

/* ------------------------------ text outputs ------------------------------ */

static int list(const struct options *options, const struct model *model,
		const struct plan *plan, struct error *err)
{
	struct output *output = output_open("-", false, &model->files, err);
	struct output_stream text;

	if (!output)
		return -1;
	if (output_stream_open(&text, output, err))
		goto out_abort;
	if (options->action == OPTIONS_LIST_JSON)
		listing_json(text.stream, model, plan);
	else
		listing_table(text.stream, model, plan);
	if (output_stream_close(&text))
		goto out_abort;
	return output_finish(output, err);

out_abort:
	output_abort(output);
	return -1;
}

static int check_differ(const struct output *a, const struct output *b,
			struct error *err)
{
	if (!output_is_same(a, b))
		return 0;
	return error_set(err, "'%s' and '%s' are the same file", output_name(a),
			 output_name(b));
}

/* Writes the index beside `output` and `lines`, each of which may be NULL, but
 * leaves it under its temporary name. */
static struct output *write_index(const struct options *options,
				  const struct output *output,
				  const struct output *lines,
				  const struct model *model,
				  const struct plan *plan, struct error *err)
{
	struct output *index = output_open(options->index, options->force,
					   &model->files, err);
	struct output_stream text;
	int result;

	if (!index)
		return NULL;
	if ((output && check_differ(output, index, err)) ||
	    (lines && check_differ(index, lines, err)))
		goto out_abort;
	if (output_stream_open(&text, index, err))
		goto out_abort;
	result = listing_index(text.stream, plan, options->kind == SINK_DIR,
			       err);
	if (output_stream_close(&text) || result)
		goto out_abort;
	return index;

out_abort:
	output_abort(index);
	return NULL;
}

/* ------------------------------- conversion ------------------------------- */

static struct output *open_output(const struct options *options,
				  const struct model *model, struct error *err)
{
	if (!strcmp(options->output, "-") && isatty(STDOUT_FILENO) &&
	    !options->force) {
		error_set(err, "'standard output' is a terminal: give "
			       "'--output PATH', or '--force'");
		return NULL;
	}
	return output_open(options->output, options->force, &model->files, err);
}

/* A sink of a file into `output`, which it takes over, also on error. */
static struct sink *open_file_sink(enum sink_kind kind, struct output *output,
				   struct plan *plan, const struct model *model,
				   struct error *err)
{
	switch (kind) {
	case SINK_GGUF:
		return sink_gguf_open(output, plan, model, err);
	case SINK_SAFETENSORS:
		return sink_safetensors_open(output, plan, model, err);
	case SINK_NPZ:
		return sink_npz_open(output, plan, err);
	default:
		return sink_raw_open(output, plan, err);
	}
}

static struct sink *open_expect(const struct options *options,
				const struct plan *plan,
				const struct model *model, struct error *err)
{
	struct output *report = NULL;

	if (!options->quiet) {
		report = output_open("-", false, &model->files, err);
		if (!report)
			return NULL;
	}
	return sink_expect_open(options->expect, &options->tolerance, report,
				plan, err);
}

/* *output gets what the sink writes to and closes, which isn't `lines`; NULL
 * for a folder, or where values are only compared. */
static struct sink *open_values(const struct options *options,
				struct plan *plan, const struct model *model,
				const struct output *lines,
				struct output **output, struct error *err)
{
	*output = NULL;
	if (options->expect)
		return open_expect(options, plan, model, err);
	if (!options->output)
		return sink_null_open(err);
	if (options->kind == SINK_DIR)
		return sink_dir_open(options->output, options->force, plan,
				     &model->files, err);
	*output = open_output(options, model, err);
	if (!*output)
		return NULL;
	if (lines && check_differ(*output, lines, err)) {
		output_abort(*output);
		return NULL;
	}
	return open_file_sink(options->kind, *output, plan, model, err);
}

/* The same, with checksums on the way unless sums is NULL. */
static struct sink *open_sink(const struct options *options, struct plan *plan,
			      const struct model *model, struct checksums *sums,
			      struct output **output, struct error *err)
{
	struct sink *const sink =
		open_values(options, plan, model, sums ? sums->lines : NULL,
			    output, err);

	return sink && sums ? checksums_sink(sums, sink, err) : sink;
}

static bool shows_progress(const struct options *options)
{
	return options->progress == PROGRESS_ALWAYS ||
	       (options->progress == PROGRESS_IF_TERMINAL &&
		isatty(STDERR_FILENO));
}

/* Ends the sink, or aborts it. */
static int write_tensors(const struct options *options,
			 const struct pipeline_options *pipeline,
			 struct device *dev, struct sink *sink,
			 const struct plan *plan, struct error *err)
{
	struct progress *progress = NULL;
	int result = -1;

	if (shows_progress(options)) {
		progress = progress_open(stderr, plan, err);
		if (!progress)
			goto out_sink;
	}
	result = pipeline_run(plan, dev, sink, pipeline, progress, err);
	progress_close(progress);
out_sink:
	if (!result)
		return sink->end(sink, err);
	sink->abort(sink);
	return -1;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void report(const struct device *dev,
		   const struct pipeline_options *pipeline,
		   const struct options *options, const struct plan *plan,
		   double elapsed)
{
	fprintf(stderr,
		"gguf-dequant: %s, %u %s: %" PRIu64 " bytes read, %" PRIu64
		" %s in %.3f s, %.2f GB/s\n",
		dev->description, pipeline->n_workers,
		pipeline->n_workers == 1 ? "thread" : "threads",
		plan->src_bytes, plan->dst_bytes,
		options->output                     ? "written" :
		options->checksum || options->check ? "hashed" :
						      "compared",
		elapsed,
		(double)plan->dst_bytes / elapsed * 1e-9);
}

/* The index appears after the tensors, and only if they do. */
static int write_outputs(const struct options *options,
			 const struct pipeline_options *pipeline,
			 struct device *dev, struct checksums *sums,
			 const struct model *model, struct plan *plan,
			 struct error *err)
{
	struct output *output, *index = NULL;
	struct sink *const sink =
		open_sink(options, plan, model, sums, &output, err);
	int result;

	if (!sink)
		return -1;
	if (options->index) {
		index = write_index(options, output, sums ? sums->lines : NULL,
				    model, plan, err);
		if (!index) {
			sink->abort(sink);
			return -1;
		}
	}
	result = write_tensors(options, pipeline, dev, sink, plan, err);
	if (index && result)
		output_abort(index);
	else if (index)
		result = output_finish(index, err);
	return result;
}

static int convert(const struct options *options, const struct budget *budget,
		   struct checksums *sums, const struct model *model,
		   struct plan *plan, struct error *err)
{
	const double start = seconds();
	struct pipeline_options pipeline;
	struct device *dev;
	int result;

	dev = device_select(&options->device, plan, budget->threads, err);
	if (!dev)
		return -1;
	pipeline = pipeline_options_for(
		dev->n_workers && !options->threads ? dev->n_workers :
						      budget->threads,
		budget->slots, dev->best_slot);
	result = write_outputs(options, &pipeline, dev, sums, model, plan, err);
	if (!result && options->verbose)
		report(dev, &pipeline, options, plan, seconds() - start);
	dev->close(dev);
	return result;
}

/* The same, and prints or compares checksums where that was asked for. */
static int convert_and_check(const struct options *options,
			     const struct budget *budget,
			     struct manifest *manifest,
			     const struct model *model, struct plan *plan,
			     struct error *err)
{
	struct checksums sums = {
		.plan = plan,
		.checksum = manifest ? manifest->checksum : options->checksum,
		.manifest = manifest,
		.untagged = options->untagged,
		.quiet = options->quiet,
	};

	if (!sums.checksum)
		return convert(options, budget, NULL, model, plan, err);
	if (options->device.verify && plan->type == OUTPUT_NATIVE)
		return error_set(err, "'--verify' compares nothing of what is "
				      "native, as '%s' has it",
				 manifest->source.name);
	if (checksums_open(&sums, model, err))
		return -1;
	if (convert(options, budget, &sums, model, plan, err)) {
		checksums_abort(&sums);
		return -1;
	}
	return checksums_finish(&sums, err);
}

/*
 * Takes from a pipe what follows the last tensor, which may be padding: who
 * writes it would get SIGPIPE, and fail a shell's pipeline. No more than that:
 * where few tensors were selected, the rest of a model may be long.
 */
static void drain(struct source *src)
{
	unsigned char rest[64 << 10];
	struct error ignored;

	if (!src->seekable)
		(void)source_read_upto(src, src->position, rest, sizeof(rest),
				       &ignored);
}

static int open_model(const struct options *options, size_t memory,
		      struct model *model, struct error *err)
{
	if (options->blocks.format)
		return model_open_blocks(model, options->input,
					 &options->blocks, err);
	return model_open(model, options->input, memory, err);
}

/* manifest: to compare with, or NULL. */
static int run_model(const struct options *options, const struct budget *budget,
		     struct manifest *manifest, struct error *err)
{
	const struct plan_globs globs = {
		options->include.items, options->include.n,
		options->exclude.items, options->exclude.n,
	};
	struct model model;
	struct plan plan;
	int result = -1;

	if (open_model(options, budget->header, &model, err))
		return -1;
	if (plan_init(&plan, &model, &globs,
		      manifest ? manifest->type : options->type, err))
		goto out_release;
	if (options->action == OPTIONS_CONVERT) {
		result = convert_and_check(options, budget, manifest, &model,
					   &plan, err);
		if (!result || err->differs)
			drain(&model.shards[0].source);
	} else {
		result = list(options, &model, &plan, err);
	}
	plan_release(&plan);
out_release:
	model_release(&model);
	return result;
}

static int run_with_manifest(const struct options *options, struct error *err)
{
	struct budget budget;
	struct manifest manifest;
	int result;

	if (share_out(&budget, options, err))
		return -1;
	if (!options->check)
		return run_model(options, &budget, NULL, err);
	if (manifest_read(&manifest, options->check, options->checksum,
			  budget.manifest, err))
		return -1;
	result = run_model(options, &budget, &manifest, err);
	manifest_release(&manifest);
	return result;
}

static int run(const struct options *options, struct error *err)
{
	switch (options->action) {
	case OPTIONS_HELP:
		options_print_help(stdout);
		break;
	case OPTIONS_DEVICES:
		gpu_listing(stdout);
		break;
	case OPTIONS_VERSION:
		puts("gguf-dequant " VERSION);
		break;
	default:
		return run_with_manifest(options, err);
	}
	if (fclose(stdout))
		return error_errno(err, "cannot write 'standard output'");
	return 0;
}

int main(int argc, char **argv)
{
	struct options options;
	struct error err;
	int result;

	if (occupy_standard_files(&err))
		return print_error(&err);
	if (options_parse(&options, argc, argv, &err)) {
		print_error(&err);
		fputs("Try 'gguf-dequant --help' for more information.\n",
		      stderr);
		return STATUS_TROUBLE;
	}
	result = run(&options, &err);
	options_release(&options);
	return result ? print_error(&err) : STATUS_DONE;
}

/* main.c - argv → exit status; the only file that prints errors or exits. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/convert.h"
#include "cli/listing.h"
#include "gpu/listing.h"
#include "io/cleanup.h"
#include "io/output_stream.h"
#include "pass/keep.h"
#include "pass/scales.h"
#include "sink/kinds.h"

enum { STATUS_DONE = 0, STATUS_DIFFERENT = 1, STATUS_TROUBLE = 2 };

/*
 * If standard input, output or error is closed, the next file to be opened
 * would take its place. Puts an unusable file there instead.
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

static int print_error(const struct error *err)
{
	fprintf(stderr, "gguf-dequant: %s\n", err->message);
	return err->differs ? STATUS_DIFFERENT : STATUS_TROUBLE;
}

/* checkpoint: whose tensors the plan has; NULL: it has the model's. */
static int list(const struct options *options, const struct model *model,
		const struct plan *plan, const struct hf_checkpoint *checkpoint,
		struct error *err)
{
	const struct output_options how = { .inputs = &model->files };
	struct output_stream text;
	struct output *output;
	uint64_t gguf_bytes = 0;

	if (!checkpoint && sink_gguf_size(plan, model, &gguf_bytes, err))
		return -1;
	output = output_open("-", &how, err);
	if (!output)
		return -1;
	if (output_stream_open(&text, output, err))
		goto out_abort;
	if (checkpoint)
		listing_mapping(text.stream, checkpoint,
				options->action == OPTIONS_LIST_JSON);
	else if (options->action == OPTIONS_LIST_JSON)
		listing_json(text.stream, model, plan, gguf_bytes);
	else
		listing_table(text.stream, model, plan, gguf_bytes);
	if (output_stream_close(&text) || model_check_unchanged(model, err))
		goto out_abort;
	return output_finish(output, err);

out_abort:
	output_abort(output);
	return -1;
}

/* No output may overwrite a file that is compared with. */
static int add_input(struct file_set *files, const char *path,
		     struct error *err)
{
	const bool is_stdin = path && !strcmp(path, "-");
	int fd, result;

	if (!path)
		return 0;
	fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) :
			open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return 0; /* whoever reads it says why */
	result = file_set_add(files, fd, err);
	close(fd);
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

/* Applies scales, which *values gets, or says that there are some. */
static int apply_scales(const struct options *options, struct plan *plan,
			const struct model *model, float **values,
			struct error *err)
{
	size_t n;

	if (options->apply_scales)
		return scales_apply(plan, model, values, err);
	if (!scales_count(plan, model, &n, err))
		return -1;
	if (n)
		fprintf(stderr, "gguf-dequant: %zu NVFP4 %s not multiplied by "
			"the scales beside %s: use '--apply-scales'\n", n,
			n == 1 ? "tensor is" : "tensors are",
			n == 1 ? "it" : "them");
	return 0;
}

static int run_pass(const struct options *options, const struct budget *budget,
		    struct manifest *manifest, const struct model *model,
		    struct plan *plan, struct hf_checkpoint *checkpoint,
		    struct error *err)
{
	const struct notes notes = {
		.warnings = options->quiet ? NULL : stderr,
		.details = options->verbose ? stderr : NULL,
	};

	if (checkpoint && options->output &&
	    hf_checkpoint_prepare(checkpoint, options->config_from, &notes,
				  budget->files, err))
		return -1;
	return convert(options, budget, manifest, model, plan, checkpoint, err);
}

/* Lists or converts the plan's tensors, or those that a checkpoint has of
 * them. */
static int run_plan(const struct options *options, const struct budget *budget,
		    struct manifest *manifest, const struct model *model,
		    struct plan *plan, struct error *err)
{
	const bool selected = plan->n_tensors < model->n_tensors;
	struct hf_checkpoint checkpoint, *of = NULL;
	float *scales = NULL;
	int result = 0;

	if (options->action == OPTIONS_CONVERT)
		result = plan_check_formats(plan, err) ||
			 apply_scales(options, plan, model, &scales, err);
	if (!result && options->kind && options->kind->is_checkpoint) {
		result = hf_checkpoint_init(&checkpoint, model, plan, selected,
					    budget->checkpoint, err);
		of = result ? NULL : &checkpoint;
	}
	if (!result && options->action == OPTIONS_CONVERT)
		result = run_pass(options, budget, manifest, model, plan, of,
				  err);
	else if (!result)
		result = list(options, model, plan, of, err);
	if (of)
		hf_checkpoint_release(of);
	free(scales);
	return result ? -1 : 0;
}

/* Takes from a pipe what follows the last tensor, which may be padding: whoever
 * writes it would get SIGPIPE, and fail a shell's pipeline. No more than that:
 * if few tensors were selected, the rest of a model may be long. */
static void drain(struct model *model)
{
	for (size_t i = 0; i < model->n_shards; i++)
		source_drain(&model->shards[i].source, 64 << 10);
}

/* manifest: to compare with, or NULL. */
static int run_model(const struct options *options, const struct budget *budget,
		     struct manifest *manifest, struct error *err)
{
	const struct plan_globs globs = {
		options->include.items, options->include.n,
		options->exclude.items, options->exclude.n,
		options->types.items, options->types.n,
		manifest ? manifest_type_of : NULL, manifest,
	};
	struct model model;
	struct plan plan;
	int result = -1;

	if (open_model(options, budget->header, &model, err))
		return -1;
	if (add_input(&model.files, options->check, err) ||
	    add_input(&model.files, options->expect, err) ||
	    plan_init(&plan, &model, &globs, OUTPUT_F32, err))
		goto out_release;
	if (options->kind && options->kind->keeps_f32 &&
	    keep_f32(&plan, &model, err))
		goto out_plan;
	result = run_plan(options, budget, manifest, &model, &plan, err);
	if (options->action == OPTIONS_CONVERT && (!result || err->differs))
		drain(&model);
out_plan:
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

	if (budget_init(&budget, options->memory, options->threads, err))
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
	/* A write beyond the limit of a file's size is then an error. */
	(void)signal(SIGXFSZ, SIG_IGN);
	if (options_parse(&options, argc, argv, &err)) {
		print_error(&err);
		fputs("Try 'gguf-dequant --help' for more information.\n",
		      stderr);
		return STATUS_TROUBLE;
	}
	if (options.device.kind != DEVICE_CPU)
		cleanup_report_abort("gguf-dequant: aborted, as a GPU's "
				     "runtime does when it gives up\n",
				     STATUS_TROUBLE);
	result = run(&options, &err);
	options_release(&options);
	return result ? print_error(&err) : STATUS_DONE;
}

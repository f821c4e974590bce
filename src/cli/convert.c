#include "cli/convert.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"
#include "cli/checksums.h"
#include "cli/listing.h"
#include "cpu/rows.h"
#include "io/output_stream.h"
#include "observe/expect.h"
#include "observe/overflow.h"
#include "pass/keep.h"
#include "pass/part.h"
#include "sink/kinds.h"

/* A pass, and what must be opened and closed for it. */
struct conversion {
	const struct options *options;
	const struct model *model;
	struct plan *plan;
	const struct hf_checkpoint *checkpoint; /* NULL: none is written */
	struct pass pass;
	double device_seconds; /* that its start took: GPUs take some tenths */
	struct observer unchanged; /* checks the model's files at the end */
	struct observer *observers[PASS_MAX_OBSERVERS];
	size_t n_observers;
	struct overflow overflow;
	struct checksums sums; /* without a checksum: not asked for */
	struct output *index;
	struct output *reports[2];
	size_t n_reports;
	struct output_options how; /* for the next output */
	const struct output *outputs[6]; /* how.others */
};

/* Each output must be another file than those that were opened before. */
static void note_output(struct conversion *c, const struct output *output)
{
	c->outputs[c->how.n_others++] = output;
	c->how.others = c->outputs;
}

/* ------------------------------- comparisons ------------------------------ */

/* Whether values, an index or checksum lines go to standard output. */
static bool standard_output_is_taken(const struct conversion *c)
{
	const struct options *const options = c->options;

	return c->sums.checksum ||
	       (options->output && !strcmp(options->output, "-")) ||
	       (options->index && !strcmp(options->index, "-"));
}

static int add_observer(struct conversion *c, struct observer *observer)
{
	if (!observer)
		return -1;
	c->observers[c->n_observers++] = observer;
	pass_add(&c->pass, observer);
	return 0;
}

/* Two comparisons may report to one file, but to none of another output. */
static struct output *open_report(struct conversion *c, struct error *err)
{
	const char *const path =
		standard_output_is_taken(c) ? "/dev/stderr" : "-";
	struct output_options how = c->how;
	struct output *report;

	how.shared = true;
	report = output_open(path, &how, err);
	if (report)
		c->reports[c->n_reports++] = report;
	return report;
}

/* Adds an observer that compares with `expected`, which is taken over. */
static int add_comparison(struct conversion *c, struct expected *expected,
			  const struct tolerance *tolerance, struct error *err)
{
	struct output *report = NULL;

	if (!expected)
		return -1;
	if (!c->options->quiet) {
		report = open_report(c, err);
		if (!report) {
			expected->close(expected);
			return -1;
		}
	}
	return add_observer(c, expect_observer_open(expected, tolerance, report,
						    c->plan, err));
}

/* At least one tensor must be converted; only then can it be verified. A part
 * may have none. */
static int check_verify(const struct plan *plan, struct error *err)
{
	if (plan->part.count)
		return 0;
	for (size_t i = 0; i < plan->n_tensors; i++)
		if (plan->tensors[i].type != OUTPUT_NATIVE)
			return 0;
	return error_set(err, "'--verify' has nothing to compare: every tensor "
			      "is copied as stored");
}

static int add_verify(struct conversion *c, struct error *err)
{
	static const struct tolerance exact;

	if (check_verify(c->plan, err))
		return -1;
	return add_comparison(c, expected_cpu_open(c->pass.rows, err), &exact,
			      err);
}

static int add_comparisons(struct conversion *c, struct error *err)
{
	const struct options *const options = c->options;

	if ((options->expect &&
	     add_comparison(c, expected_file_open(options->expect, c->plan,
						  err),
			    &options->tolerance, err)) ||
	    (options->verify && add_verify(c, err)))
		return -1;
	for (size_t i = 0; i < c->n_reports; i++)
		note_output(c, c->reports[i]);
	return 0;
}

/* --------------------------------- overflow ------------------------------- */

static bool makes_f16(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_tensors; i++)
		if (plan->tensors[i].type == OUTPUT_F16 &&
		    !plan->tensors[i].verbatim)
			return true;
	return false;
}

static int add_overflow(struct conversion *c, struct error *err)
{
	if (!makes_f16(c->plan))
		return 0;
	return add_observer(c, overflow_observer_open(c->pass.rows,
						      &c->overflow, err));
}

static void warn_of_overflow(const struct conversion *c)
{
	const struct overflow *const found = &c->overflow;

	if (!found->n_weights)
		return;
	fprintf(stderr, "gguf-dequant: %" PRIu64 " %s beyond the range of F16 "
		"and became infinite, in %zu %s; the first is weight %" PRIu64
		" of '%s', %.9g; '--type bf16' and f32 hold them\n",
		found->n_weights,
		found->n_weights == 1 ? "weight is" : "weights are",
		found->n_tensors, found->n_tensors == 1 ? "tensor" : "tensors",
		found->weight, ESCAPED(found->tensor->name), found->value);
}

/* -------------------------------- checksums ------------------------------- */

static int add_checksums(struct conversion *c, struct manifest *manifest,
			 struct error *err)
{
	const struct options *const options = c->options;

	c->sums = (struct checksums){
		.plan = c->plan,
		.checksum = manifest ? manifest->checksum : options->checksum,
		.manifest = manifest,
		.untagged = options->untagged,
		.quiet = options->quiet,
	};
	if (!c->sums.checksum)
		return 0;
	if (checksums_open(&c->sums, &c->how, &c->pass, err)) {
		c->sums.checksum = NULL; /* nothing is left to release */
		return -1;
	}
	note_output(c, c->sums.lines);
	return 0;
}

static int finish_unchanged(struct observer *observer, struct error *err)
{
	const struct conversion *const c =
		(struct conversion *)((char *)observer -
				      offsetof(struct conversion, unchanged));

	return model_check_unchanged(c->model, err);
}

/* The first to finish: what others find in a model that changed is nothing that
 * it ever held. */
static void add_unchanged(struct conversion *c)
{
	c->unchanged = (struct observer){ .any_order = true,
					  .finish = finish_unchanged };
	pass_add(&c->pass, &c->unchanged);
}

/* --------------------------------- outputs -------------------------------- */

static struct output *open_output(struct conversion *c, struct error *err)
{
	const struct options *const options = c->options;

	if (!strcmp(options->output, "-") && isatty(STDOUT_FILENO) &&
	    !options->force) {
		error_set(err, "'standard output' is a terminal; use "
			       "'--output PATH' or '--force'");
		return NULL;
	}
	return output_open(options->output, &c->how, err);
}

/* The last output: only a folder's files are not noted. */
static int add_sink(struct conversion *c, struct error *err)
{
	const struct options *const options = c->options;
	const struct sink_kind *const kind = options->kind;
	const struct sink_folder folder = {
		options->output, &c->how, options->max_shard_size, c->checkpoint
	};
	struct sink *sink;

	if (!options->output)
		return 0;
	if (sink_kind_is_folder(kind, options->output)) {
		sink = kind->open_folder(&folder, c->plan, c->model, err);
	} else {
		struct output *const output = open_output(c, err);

		if (!output)
			return -1;
		sink = kind->open_file(output, c->plan, c->model, err);
	}
	if (!sink)
		return -1;
	pass_set_sink(&c->pass, sink);
	return 0;
}

static int open_index(struct conversion *c, struct error *err)
{
	if (!c->options->index || !plan_leads(c->plan))
		return 0;
	c->index = output_open(c->options->index, &c->how, err);
	if (!c->index)
		return -1;
	note_output(c, c->index);
	return 0;
}

/* Writes the index, for which the sink has placed the tensors. It appears after
 * these, and only if they do. */
static int write_index(struct conversion *c, struct error *err)
{
	const struct plan *const whole =
		c->plan->whole ? c->plan->whole : c->plan;
	struct output_stream text;
	int result;

	if (!c->index)
		return 0;
	if (output_stream_open(&text, c->index, err))
		return -1;
	result = listing_index(text.stream, whole,
			       !c->options->kind->open_file, err);
	return output_stream_close(&text) || result ? -1 : 0;
}

static int finish_index(struct conversion *c, struct error *err)
{
	struct output *const index = c->index;

	c->index = NULL;
	return index ? output_finish(index, err) : 0;
}

/* -------------------------------- the pass -------------------------------- */

static bool shows_progress(const struct options *options)
{
	return options->progress == PROGRESS_ALWAYS ||
	       (options->progress == PROGRESS_IF_TERMINAL &&
		isatty(STDERR_FILENO));
}

/* Ends the sink, even on error. */
static int run_pass(struct conversion *c, const struct pass_options *how,
		    struct error *err)
{
	int result = -1;

	if (shows_progress(c->options)) {
		c->pass.progress = progress_open(stderr, c->plan, err);
		if (!c->pass.progress)
			goto out_abort;
	}
	result = pass_run(&c->pass, how, err);
	progress_close(c->pass.progress);
	return result;

out_abort:
	if (c->pass.sink)
		c->pass.sink->abort(c->pass.sink);
	return -1;
}

static void print_speed(const struct conversion *c,
			const struct pass_options *how, double elapsed)
{
	const struct plan *const plan = c->plan;

	fprintf(stderr,
		"gguf-dequant: %s, %u %s: %" PRIu64 " bytes read, %" PRIu64
		" %s in %.3f s, %.2f GB/s",
		c->pass.device->description, how->n_workers,
		how->n_workers == 1 ? "thread" : "threads", plan->src_bytes,
		plan->dst_bytes,
		c->options->output ? "written" :
		c->sums.checksum   ? "hashed" :
				     "compared",
		elapsed, (double)plan->dst_bytes / elapsed * 1e-9);
	if (c->device_seconds >= 0.01)
		fprintf(stderr, ", after %.3f s to start the GPU",
			c->device_seconds);
	fputc('\n', stderr);
}

/* ggml reads tensors of up to 4 dimensions, and no file that has others. */
#define GGML_MAX_DIMS 4

/* Why llama.cpp would not read the tensor from a GGUF file; NULL: it would. */
static const char *why_not_in_ggml(const struct plan_tensor *tensor,
				   char *text, size_t size)
{
	const struct gguf_tensor *const info = tensor->tensor->info;

	if (info->n_dims > GGML_MAX_DIMS)
		snprintf(text, size, "has %u dimensions, and its limit is %d",
			 info->n_dims, GGML_MAX_DIMS);
	else if (!format_is_ggml(tensor->format))
		snprintf(text, size, "is still %s, which it does not have; "
			 "convert it with -t", tensor->format->name);
	else
		return NULL;
	return text;
}

/* Of the first tensor that llama.cpp cannot load. */
static void warn_of_ggml(const struct conversion *c)
{
	const struct options *const options = c->options;

	if (!options->output || options->quiet ||
	    options->kind->open_file != sink_gguf_open)
		return;
	for (size_t i = 0; i < c->plan->n_tensors; i++) {
		const struct plan_tensor *const tensor = &c->plan->tensors[i];
		char why[128];

		if (!why_not_in_ggml(tensor, why, sizeof(why)))
			continue;
		fprintf(stderr, "gguf-dequant: llama.cpp cannot load the "
				"output: tensor '%s' %s\n",
			ESCAPED(tensor->tensor->info->name), why);
		return;
	}
}

/* With GPUs, threads that wait for them, and that copy: files side by side, as
 * fast as all CPUs can; what is hashed side by side, as fast as the link; or
 * the input. */
static unsigned count_workers(const struct conversion *c,
			      const struct pass_needs *needs,
			      const struct budget *budget)
{
	const struct device *const dev = c->pass.device;
	const struct plan *const plan = c->plan;
	unsigned copying = dev->n_copying;

	if (!dev->n_workers || c->options->threads)
		return budget->threads;
	if (!needs->tracks && plan->src_bytes < plan->dst_bytes)
		copying = (unsigned)((double)plan->src_bytes /
				     (double)plan->dst_bytes * copying) + 1;
	if (copying > budget->threads || (needs->tracks && c->pass.sink))
		copying = budget->threads;
	return dev->n_workers + copying;
}

static int run_conversion(struct conversion *c, const struct budget *budget,
			  double start, struct error *err)
{
	const struct device *const dev = c->pass.device;
	const struct pass_needs needs = pass_needs(&c->pass);
	const unsigned n_workers = count_workers(c, &needs, budget);
	const struct pass_options how = pass_options_for(
		&needs, n_workers,
		budget_for_slots(budget, c->model, c->plan,
				 c->checkpoint ? c->checkpoint->mapping.memory :
						 0,
				 n_workers),
		plan_best_slot(c->plan, dev->best_slot));

	const int result = run_pass(c, &how, err);

	if (!result)
		warn_of_ggml(c);
	if (!result || err->differs)
		warn_of_overflow(c);
	if (result || finish_index(c, err) ||
	    (c->sums.checksum && checksums_print(&c->sums, err)))
		return -1;
	if (c->options->verbose) {
		keep_report(stderr, c->plan);
		print_speed(c, &how, clock_seconds() - start);
	}
	return 0;
}

static void release_conversion(struct conversion *c)
{
	if (c->index)
		output_abort(c->index);
	if (c->sums.checksum)
		checksums_release(&c->sums);
	while (c->n_observers) {
		struct observer *const observer =
			c->observers[--c->n_observers];

		observer->close(observer);
	}
	c->pass.device->close(c->pass.device);
}

static struct device *open_device(const struct conversion *c,
				  const struct budget *budget,
				  const struct manifest *manifest,
				  struct error *err)
{
	const struct options *const options = c->options;
	const struct checksum *const checksum =
		manifest ? manifest->checksum : options->checksum;
	const struct device_work work = {
		.plan = c->plan,
		.threads = budget->threads < budget->cpus ? budget->threads :
							    budget->cpus,
		.hashes = checksum && checksum->join,
		.compares = options->expect,
		.output = !options->output ? DEVICE_WRITES_NOTHING :
			  sink_kind_is_folder(options->kind, options->output) ?
					     DEVICE_WRITES_FILES :
					     DEVICE_WRITES_FILE,
	};

	return device_select(&options->device, &work, err);
}

static int convert_plan(const struct options *options,
			const struct budget *budget, struct manifest *manifest,
			const struct model *model, struct plan *plan,
			const struct hf_checkpoint *checkpoint,
			struct error *err)
{
	double start = clock_seconds();
	struct conversion c = { .options = options, .model = model,
				.plan = plan, .checkpoint = checkpoint,
				.pass = { .plan = plan },
				.how = { .force = options->force,
					 .no_sync = options->no_sync,
					 .inputs = &model->files } };
	int result = -1;

	c.pass.rows = cpu_rows_chosen(err);
	if (!c.pass.rows)
		return -1;
	c.pass.device = open_device(&c, budget, manifest, err);
	if (!c.pass.device)
		return -1;
	c.device_seconds = clock_seconds() - start;
	start += c.device_seconds;
	add_unchanged(&c);
	if (!add_checksums(&c, manifest, err) && !add_comparisons(&c, err) &&
	    !add_overflow(&c, err) && !open_index(&c, err) &&
	    !add_sink(&c, err)) {
		if (!write_index(&c, err))
			result = run_conversion(&c, budget, start, err);
		else if (c.pass.sink)
			c.pass.sink->abort(c.pass.sink);
	}
	release_conversion(&c);
	return result;
}

/* The whole files of a part or, without a folder, its tensors. */
static int init_files(struct plan *part, const struct options *options,
		      const struct plan *plan, struct error *err)
{
	const struct sink_kind *const kind = options->kind;
	size_t *files = NULL;
	int result;

	if (options->output && kind->divide) {
		files = kind->divide(plan, options->max_shard_size, err);
		if (!files)
			return -1;
	}
	result = part_init_files(part, plan, options->part, files, err);
	free(files);
	return result;
}

int convert(const struct options *options, const struct budget *budget,
	    struct manifest *manifest, const struct model *model,
	    struct plan *plan, const struct hf_checkpoint *checkpoint,
	    struct error *err)
{
	const bool is_cut = options->output &&
			    !sink_kind_is_folder(options->kind,
						 options->output);
	struct part_rows rows;
	struct plan part;
	int result;

	if (!options->part.count)
		return convert_plan(options, budget, manifest, model, plan,
				    checkpoint, err);
	result = is_cut ? part_init_rows(&part, &rows, plan, options->part,
					 err) :
			  init_files(&part, options, plan, err);
	if (result)
		return -1;
	result = convert_plan(options, budget, manifest, model, &part,
			      checkpoint, err);
	plan_release(&part);
	return result;
}

#include "cli/options.h"

#include <getopt.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "cli/option_values.h"
#include "pass/part.h"
#include "sink/kinds.h"

/* -------------------------------- the table ------------------------------- */

/* The default of save_pretrained() in Hugging Face's transformers. */
#define DEFAULT_SHARD_SIZE 5000000000

/* What a command line does. */
enum {
	LIST = 1 << 0,
	JSON = 1 << 1,
	WRITE = 1 << 2,
	CHECKSUM = 1 << 3,
	CHECK = 1 << 4,
	EXPECT = 1 << 5,
	VERIFY = 1 << 6,
	DEVICES = 1 << 7,
	HELP = 1 << 8,
	VERSION_LINE = 1 << 9,
	BLOCKS = 1 << 10, /* FILE has no header; runs beside what reads it */

	LISTS = LIST | JSON,
	PASS = WRITE | CHECKSUM | CHECK | EXPECT | VERIFY, /* over all values */
	READS_FILE = LISTS | PASS,
};

/* What can be done at once. */
static const unsigned together[] = { LISTS | BLOCKS, PASS | BLOCKS, DEVICES };

/* What an option does with a standard stream. */
enum {
	READS = 1 << 0,  /* if its path is "-" */
	WRITES = 1 << 1, /* if its path is "-" */
	PRINTS = 1 << 2, /* to standard output */
};

/* An option; without a letter and a name, the heading of those that follow. */
struct row {
	char letter; /* 0: none */
	const char *name;
	const char *argument; /* "[=…]": it may be left out */
	const char *help;     /* after the names, if there are any */

	const char *(*names)(size_t i); /* that it takes; NULL past the end */
	bool has_default;               /* the first of them */
	const char *takes;              /* without names; for a message */
	option_reader *read;            /* NULL: there is no field */
	size_t field;                   /* its offset in struct options */

	unsigned starts;  /* what it makes the program do; 0: nothing itself */
	unsigned applies; /* what it has an effect on, */
	unsigned except;  /* unless one of these runs as well */
	unsigned streams; /* what it does with standard streams */
};

#define FIELD(member) .field = offsetof(struct options, member)
#define STRING_OF(number) #number
#define STRING(number) STRING_OF(number)
#define DIFFERENCE "a number such as 0.01 or 1e-6"

static const struct row rows[] = {
	{ .help = "What to do (default: --list)" },
	{ 'l', "list", NULL, "list the tensors", .starts = LIST },
	{ 0, "json", NULL, "list the tensors and metadata as JSON",
	  .starts = JSON },
	{ 'o', "output", "PATH",
	  "write the tensors to PATH; \"-\" is standard output",
	  .read = option_path, FIELD(output), .starts = WRITE,
	  .streams = WRITES },
	{ .letter = 'c', .help = "the same as --output -" },
	{ 0, "checksum", "[=ALGO]",
	  "print one checksum per tensor", .names = option_checksum_name,
	  .read = option_checksum, FIELD(checksum), .starts = CHECKSUM,
	  .streams = PRINTS },
	{ 0, "check", "PATH", "compare the tensors with the checksums in PATH",
	  .read = option_path, FIELD(check), .starts = CHECK,
	  .streams = READS | PRINTS },
	{ 0, "expect", "PATH", "compare the tensors with the values in PATH",
	  .read = option_path, FIELD(expect), .starts = EXPECT,
	  .streams = READS },
	{ 0, "verify", NULL,
	  "compare the GPU's values with the CPU's, bit for bit",
	  .read = option_true, FIELD(verify), .starts = VERIFY },
	{ 0, "devices", NULL,
	  "list the GPUs and which code runs on them", .starts = DEVICES },
	{ 'h', "help", NULL, "print this help", .starts = HELP },
	{ 'V', "version", NULL, "print the version", .starts = VERSION_LINE },

	{ .help = "Input" },
	{ 'T', "tensor", "GLOB",
	  "take only tensors whose names match GLOB (repeatable)",
	  .read = option_glob, FIELD(include), .applies = READS_FILE },
	{ 'x', "exclude", "GLOB",
	  "skip tensors whose names match GLOB (repeatable)",
	  .read = option_glob, FIELD(exclude), .applies = READS_FILE },
	{ 0, "input-type", "TYPE", "treat FILE as headerless blocks of TYPE",
	  .takes = "the type of a tensor, such as q4_k or f16",
	  .read = option_input_type, FIELD(blocks.format), .starts = BLOCKS },
	{ 0, "shape", "N,M,...",
	  "shape of these blocks, fastest dimension first",
	  .takes = "up to " STRING(GGUF_MAX_DIMS)
		   " dimensions as in 4096,32",
	  .read = option_shape, FIELD(blocks), .applies = BLOCKS },

	{ .help = "Output" },
	{ 't', "type", "[SEL=]TYPE", " (as stored)", .names = option_type_name,
	  .has_default = true, .read = option_type, FIELD(types),
	  .applies = READS_FILE, .except = CHECK },
	{ 'F', "format", "KIND", " (or by PATH)",
	  .names = option_kind_name, .read = option_kind, FIELD(kind),
	  .applies = WRITE | LISTS },
	{ 0, "max-shard-size", "SIZE",
	  "size of the shards of safetensors and hf (default 5GB)",
	  .takes = "a number of bytes, as in 500M or 5GB",
	  .read = option_shard_size, FIELD(max_shard_size), .applies = WRITE },
	{ 0, "config-from", "DIR",
	  "copy configuration and tokenizer of hf from DIR",
	  .read = option_path, FIELD(config_from), .applies = WRITE },
	{ 0, "apply-scales", NULL,
	  "multiply NVFP4 weights by the scales beside them",
	  .read = option_true, FIELD(apply_scales), .applies = PASS },
	{ 0, "index", "PATH", "also write a JSON index of the output to PATH",
	  .read = option_path, FIELD(index), .applies = WRITE,
	  .streams = WRITES },
	{ 'f', "force", NULL, "overwrite files; write even to a terminal",
	  .read = option_true, FIELD(force), .applies = WRITE },
	{ 0, "no-sync", NULL, "do not wait until the output is on the disk",
	  .read = option_true, FIELD(no_sync), .applies = WRITE },
	{ 0, "untagged", NULL,
	  "print checksums without the name of the algorithm",
	  .read = option_true, FIELD(untagged), .applies = CHECKSUM,
	  .except = CHECK },

	{ .help = "What --expect allows" },
	{ 0, "ulp", "N", "floats that are up to N floats apart",
	  .takes = "a number less than 2^64", .read = option_u64,
	  FIELD(tolerance.ulp), .applies = EXPECT },
	{ 0, "rtol", "X", "a difference of up to X times the value in PATH",
	  .takes = DIFFERENCE, .read = option_difference,
	  FIELD(tolerance.rtol), .applies = EXPECT },
	{ 0, "atol", "X", "a difference of up to X, added to that of --rtol",
	  .takes = DIFFERENCE, .read = option_difference,
	  FIELD(tolerance.atol), .applies = EXPECT },

	{ .help = "Device" },
	{ 'd', "device", "DEV",
	  "auto (default), cpu, gpu, or gpu:N,M,... by number",
	  .takes = "auto, cpu, gpu, or up to " STRING(DEVICE_MAX_GPUS)
		   " numbers of GPUs as in gpu:0,1",
	  .read = option_device, FIELD(device), .applies = PASS },
	{ 'j', "threads", "N", "use N threads (default: one per CPU)",
	  .takes = "a number from 1 to " STRING(OPTIONS_MAX_THREADS),
	  .read = option_threads, FIELD(threads), .applies = PASS },
	{ 0, "memory", "SIZE",
	  "use at most SIZE bytes of memory (default: 256M)",
	  .takes = "a size such as 1000000, 512K, 256M or 2G, less than 2^64",
	  .read = option_size, FIELD(memory), .applies = READS_FILE },

	{ 0, "part", "I/N", "do the I-th of N parts of the work",
	  .takes = "a part such as 2/8, from 1/1 to " STRING(PART_MAX_COUNT)
		   "/" STRING(PART_MAX_COUNT),
	  .read = option_part, FIELD(part),
	  .applies = WRITE | CHECKSUM | VERIFY },

	{ .help = "Messages" },
	{ 'q', "quiet", NULL,
	  "no progress, no OK lines, no values that differ",
	  .read = option_true, FIELD(quiet), .applies = PASS },
	{ 'v', "verbose", NULL, "print the device, threads and throughput",
	  .read = option_true, FIELD(verbose), .applies = PASS },
	{ 0, "progress", NULL, "show progress even if not on a terminal",
	  .read = option_progress, FIELD(progress), .applies = PASS },
	{ 0, "no-progress", NULL, "show no progress",
	  .read = option_no_progress, FIELD(progress), .applies = PASS },
};

#define N_ROWS (sizeof(rows) / sizeof(*rows))

static bool is_heading(const struct row *row)
{
	return !row->letter && !row->name;
}

/* getopt_long returns a letter, or this and more for a row's name. */
#define NAME_OF_ROW (UCHAR_MAX + 1)

/* The row that it means, or NULL. */
static const struct row *find_row(int id)
{
	if (id >= NAME_OF_ROW)
		return &rows[id - NAME_OF_ROW];
	for (size_t i = 0; i < N_ROWS; i++)
		if (rows[i].letter && rows[i].letter == id)
			return &rows[i];
	return NULL;
}

static bool is_optional(const struct row *row)
{
	return row->argument && !strncmp(row->argument, "[=", 2);
}

/* ---------------------------------- help ---------------------------------- */

/* The separator before name i of n in "a, b or c". */
static const char *separator(size_t i, size_t n)
{
	return !i ? "" : i + 1 < n ? ", " : " or ";
}

static size_t count_names(const char *(*names)(size_t i))
{
	size_t n = 0;

	while (names(n))
		n++;
	return n;
}

static void print_names(FILE *stream, const char *(*names)(size_t i),
			bool has_default)
{
	const size_t n = count_names(names);

	for (size_t i = 0; i < n; i++)
		fprintf(stream, "%s%s%s", separator(i, n), names(i),
			!i && has_default ? " (default)" : "");
}

static void print_row(FILE *stream, const struct row *row)
{
	char letter[4] = "", usage[24] = "";

	if (row->letter)
		snprintf(letter, sizeof(letter), "-%c%c", row->letter,
			 row->name ? ',' : ' ');
	if (row->name)
		snprintf(usage, sizeof(usage), "--%s%s%s", row->name,
			 row->argument && !is_optional(row) ? " " : "",
			 row->argument ? row->argument : "");
	fprintf(stream, "  %-3s %-17s", letter, usage);
	if (strlen(usage) > 17)
		fprintf(stream, "\n%23s", "");
	fputs("  ", stream);
	if (row->names && !is_optional(row))
		print_names(stream, row->names, row->has_default);
	fprintf(stream, "%s\n", row->help);
}

void options_print_help(FILE *stream)
{
	fputs("Usage: gguf-dequant [OPTION]... FILE...\n"
	      "Dequantize the tensors of a GGUF file, bit for bit as ggml "
	      "does.\n"
	      "FILE \"-\" is standard input. Several FILEs are the shards of "
	      "one model;\n"
	      "pass one of them if they are named NAME-00001-of-00003.gguf and "
	      "so on.\n",
	      stream);
	for (size_t i = 0; i < N_ROWS; i++)
		if (is_heading(&rows[i]))
			fprintf(stream, "\n%s:\n", rows[i].help);
		else
			print_row(stream, &rows[i]);
	fputs("\nSEL is a glob of names, or type:GLOB of stored types; the "
	      "last match counts.\nALGO is ",
	      stream);
	print_names(stream, option_checksum_name, true);
	fputs(".\nSIZE may end in K, M or G for 1024, 1024^2 or 1024^3 bytes.\n"
	      "Exit status: 0 done, 1 data differ, 2 trouble.\n",
	      stream);
}

/* -------------------------------- what runs ------------------------------- */

/* A command line so far. */
struct line {
	struct options *options;
	bool given[N_ROWS];
	unsigned runs;
};

/* Whether an option is given that is only for `applies`. */
static bool is_given(const struct line *line, unsigned applies)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (line->given[i] && rows[i].applies == applies)
			return true;
	return false;
}

/* The first option given that starts one of `runs`; NULL: none does. */
static const struct row *starter(const struct line *line, unsigned runs)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (line->given[i] && rows[i].starts & runs)
			return &rows[i];
	return NULL;
}

static int check_together(const struct line *line, struct error *err)
{
	const struct row *const first = starter(line, ~(unsigned)BLOCKS);
	const size_t n = sizeof(together) / sizeof(*together);
	size_t i = 0;

	if (!first)
		return 0;
	while (i < n - 1 && !(together[i] & first->starts))
		i++;
	if (!(line->runs & ~together[i]))
		return 0;
	return error_set(err, "'--%s' cannot be combined with '--%s'",
			 first->name, starter(line, ~together[i])->name);
}

/* Adds the names of the options that start one of `runs`. */
static int append_starters(unsigned runs, struct error *err)
{
	size_t n = 0, done = 0;

	for (size_t i = 0; i < N_ROWS; i++)
		n += (rows[i].starts & runs) != 0;
	for (size_t i = 0; i < N_ROWS; i++)
		if (rows[i].starts & runs)
			error_append(err, "%s'--%s'", separator(done++, n),
				     rows[i].name);
	return -1;
}

static int check_effect(const struct line *line, const struct row *row,
			struct error *err)
{
	const struct row *instead = starter(line, row->except);

	if (!instead) {
		if (row->starts || row->applies & line->runs)
			return 0;
		instead = starter(line, LISTS | DEVICES);
	}
	if (instead)
		return error_set(err, "'--%s' has no effect with '--%s'",
				 row->name, instead->name);
	error_set(err, "'--%s' has no effect without ", row->name);
	return append_starters(row->applies, err);
}

static int check_effects(const struct line *line, struct error *err)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (line->given[i] && check_effect(line, &rows[i], err))
			return -1;
	return 0;
}

static bool is_dash(const struct line *line, const struct row *row)
{
	const char *const *const path =
		(const void *)((const char *)line->options + row->field);

	return !strcmp(*path, "-");
}

/* Whether the option does one of `uses` with a standard stream. */
static bool uses_stream(const struct line *line, const struct row *row,
			unsigned uses)
{
	if (!line->given[row - rows] || !(row->streams & uses))
		return false;
	if (row->streams & uses & PRINTS)
		return (row->starts & line->runs) != 0;
	return is_dash(line, row);
}

/* The argument that makes the option do that. */
static const char *argument_for(const struct row *row, unsigned uses)
{
	return row->streams & uses & PRINTS ? "" : " -";
}

/* Refuses a second option, or operand, that uses a standard stream for the
 * same; `what` is that use, for the message. */
static int check_stream(const struct line *line, unsigned uses,
			const char *what, struct error *err)
{
	const struct row *first = NULL;
	bool another = false;

	for (size_t i = 0; i < N_ROWS; i++) {
		const struct row *const row = &rows[i];

		if (!uses_stream(line, row, uses))
			continue;
		if (first)
			return error_set(err, "'--%s%s' and '--%s%s' cannot "
					 "both %s", first->name,
					 argument_for(first, uses), row->name,
					 argument_for(row, uses), what);
		first = row;
	}
	for (size_t i = 0; uses & READS && i < line->options->n_inputs; i++) {
		if (strcmp(line->options->inputs[i], "-"))
			continue;
		if (first)
			return error_set(err, "'--%s -' and FILE '-' cannot "
					 "both %s", first->name, what);
		if (another)
			return error_set(err, "only one FILE '-' can %s", what);
		another = true;
	}
	return 0;
}

static int check_streams(const struct line *line, struct error *err)
{
	if (check_stream(line, READS, "read standard input", err))
		return -1;
	return check_stream(line, WRITES | PRINTS, "write to standard output",
			    err);
}

static int check_device(struct line *line, struct error *err)
{
	if (!(line->runs & VERIFY))
		return 0;
	if (line->options->device.kind == DEVICE_CPU)
		return error_set(err, "'--verify' needs a GPU, so that it "
				      "cannot be combined with '--device cpu'");
	line->options->device.kind = DEVICE_GPU;
	return 0;
}

/* With --check, --checksum=ALGO names the algorithm of the lines to check; no
 * checksums are printed. */
static int set_checksum(struct line *line, struct error *err)
{
	struct options *const options = line->options;

	if (!(line->runs & CHECKSUM))
		return 0;
	if (line->runs & CHECK) {
		if (!options->checksum)
			return error_set(err, "'--checksum' cannot be combined "
					 "with '--check'; '--checksum=ALGO' "
					 "says which algorithm its lines have");
		line->runs &= ~(unsigned)CHECKSUM;
	} else if (!options->checksum) {
		options->checksum = checksum_default();
	}
	return 0;
}

/* Checks the options of sharded output. */
static int set_shards(struct options *options, struct error *err)
{
	const bool shards = options->kind->open_folder == sink_shards_open &&
			    sink_kind_is_folder(options->kind, options->output);

	if (options->max_shard_size && !shards)
		return error_set(err, "'--max-shard-size' has no effect "
				      "without '--format hf', or '--format "
				      "safetensors' and a folder as '--output "
				      "DIR/'");
	if (options->config_from && !options->kind->is_checkpoint)
		return error_set(err, "'--config-from' has no effect without "
				      "'--format hf'");
	if (options->index && shards)
		return error_set(err, "'--index' does not describe shards: "
				      "they have an index of their own");
	if (!options->max_shard_size)
		options->max_shard_size = DEFAULT_SHARD_SIZE;
	return 0;
}

static int set_output(struct line *line, struct error *err)
{
	struct options *const options = line->options;

	if (!(line->runs & WRITE))
		return 0;
	if (!line->given[find_row('F') - rows])
		options->kind = sink_kind_of_path(options->output);
	if (!options->kind->open_file && !strcmp(options->output, "-"))
		return error_set(err, "'--format %s' writes many files: it "
				      "cannot go to standard output",
				 options->kind->name);
	if (options->index && strcmp(options->index, "-") != 0 &&
	    !strcmp(options->index, options->output))
		return error_set(err, "'--output' and '--index' are the same");
	return set_shards(options, err);
}

/* --format changes a list only if it is a checkpoint's, and then there is
 * nothing to compare with: others know only the tensors of the GGUF file. */
static int check_checkpoint(struct line *line, struct error *err)
{
	const struct row *const format = find_row('F');
	const struct row *compared = starter(line, EXPECT | CHECK);
	struct row only_written = *format;

	if (!line->given[format - rows])
		return 0;
	only_written.applies = WRITE;
	if (!line->options->kind->is_checkpoint)
		return check_effect(line, &only_written, err);
	if (compared)
		return error_set(err, "'--%s' cannot be combined with "
				 "'--format %s', whose tensors are others",
				 compared->name, line->options->kind->name);
	return 0;
}

/* Whether the output is one file that is cut between rows. */
static bool is_raw(const struct options *options)
{
	return options->kind == sink_kind_at(0);
}

/* Refuses --part with what one part alone cannot do. */
static int check_part(const struct line *line, struct error *err)
{
	const struct options *const options = line->options;
	const struct row *const compares = starter(line, CHECK | EXPECT);

	if (!options->part.count)
		return 0;
	if (compares)
		return error_set(err, "'--part' cannot be combined with '--%s'",
				 compares->name);
	if (!(line->runs & WRITE) ||
	    sink_kind_is_folder(options->kind, options->output))
		return 0;
	if (!is_raw(options))
		return error_set(err, "'--part' cannot write one file in the "
				 "format %s; write a folder, or raw output",
				 options->kind->name);
	if (line->runs & CHECKSUM)
		return error_set(err, "'--part' of raw output cuts tensors, so "
				 "that it cannot be combined with "
				 "'--checksum'");
	return 0;
}

static int set_messages(struct line *line, struct error *err)
{
	struct options *const options = line->options;

	if (options->quiet && options->verbose)
		return error_set(err, "'--quiet' cannot be combined with "
				      "'--verbose'");
	if (options->quiet && options->progress == PROGRESS_IF_TERMINAL)
		options->progress = PROGRESS_NEVER;
	return 0;
}

static enum options_action action_of(unsigned runs)
{
	return runs & DEVICES ? OPTIONS_DEVICES :
	       runs & JSON    ? OPTIONS_LIST_JSON :
	       runs & LIST    ? OPTIONS_LIST :
				OPTIONS_CONVERT;
}

/* Checks combinations of options that are valid one by one. */
static int resolve(struct line *line, struct error *err)
{
	if (!(line->runs & ~(unsigned)BLOCKS))
		line->runs |= LIST;
	if (check_together(line, err) || set_checksum(line, err) ||
	    check_effects(line, err) || check_checkpoint(line, err) ||
	    check_streams(line, err) || check_device(line, err) ||
	    set_output(line, err) || check_part(line, err) ||
	    set_messages(line, err))
		return -1;
	line->options->tolerance.given = is_given(line, EXPECT);
	line->options->action = action_of(line->runs);
	return 0;
}

/* ---------------------------------- parse --------------------------------- */

static int refuse(const struct row *row, const void *field,
		  const char *argument, struct error *err)
{
	if (row->read == option_path)
		return error_set(err, "'--%s' takes one path, not both '%s' "
				 "and '%s'", row->name,
				 ESCAPED(text_of(*(const char *const *)field)),
				 ESCAPED(text_of(argument)));
	error_set(err, "'--%s' takes ", row->name);
	if (row->names) {
		const size_t n = count_names(row->names);

		for (size_t i = 0; i < n; i++)
			error_append(err, "%s%s", separator(i, n),
				     row->names(i));
	} else {
		error_append(err, "%s", row->takes);
	}
	return error_append(err, ", not '%s'", ESCAPED(text_of(argument)));
}

static int apply(struct line *line, const struct row *row, const char *argument,
		 struct error *err)
{
	void *const field = (char *)line->options + row->field;

	line->given[row - rows] = true;
	line->runs |= row->starts;
	if (!row->read || row->read(field, argument))
		return 0;
	return refuse(row, field, argument, err);
}

static int set_input(struct line *line, int n, char **operands,
		     struct error *err)
{
	const bool has_input = !(line->runs & DEVICES);

	if (has_input && !n)
		return error_set(err, "missing operand: a GGUF file, or '-'");
	if (!has_input && n)
		return error_set(err, "extra operand '%s'",
				 ESCAPED(text_of(operands[0])));
	if (line->options->blocks.format && n > 1)
		return error_set(err, "extra operand '%s': headerless blocks "
				 "are in one file",
				 ESCAPED(text_of(operands[1])));
	line->options->inputs = (const char *const *)operands;
	line->options->n_inputs = (size_t)n;
	return 0;
}

/* The tables that getopt_long wants, from ours. */
struct getopt_tables {
	char letters[2 * N_ROWS + 2];
	struct option names[N_ROWS + 1];
};

static void fill_tables(struct getopt_tables *tables)
{
	char *letter = tables->letters;
	struct option *name = tables->names;

	*letter++ = ':'; /* tell a missing argument from an unknown option */
	for (size_t i = 0; i < N_ROWS; i++) {
		if (rows[i].letter) {
			*letter++ = rows[i].letter;
			if (rows[i].argument)
				*letter++ = ':';
		}
		if (rows[i].name)
			*name++ = (struct option){
				rows[i].name,
				is_optional(&rows[i]) ? optional_argument :
				rows[i].argument      ? required_argument :
							no_argument,
				NULL, NAME_OF_ROW + (int)i
			};
	}
	*letter = '\0';
	*name = (struct option){ NULL, 0, NULL, 0 };
}

/* How many long options begin as `argument`, "--name" or "--name=value". */
static unsigned count_matches(const char *argument)
{
	const size_t len = strcspn(argument + 2, "=");
	unsigned n = 0;

	for (size_t i = 0; i < N_ROWS; i++)
		n += rows[i].name && !strncmp(rows[i].name, argument + 2, len);
	return n;
}

/* Why getopt_long returned `result`, ':' or '?', for `argument`. In optopt it
 * leaves what it returns for an option that exists, or another's letter. */
static int explain(int result, const char *argument, struct error *err)
{
	const struct row *row = find_row(optopt);

	if (result == ':')
		return error_set(err, "option '--%s' requires an argument",
				 row->name);
	if (row)
		return error_set(err, "option '--%s' allows no argument",
				 row->name);
	if (optopt)
		return error_set(err, "invalid option '-%s'",
				 ESCAPED(text_of(
					 (char[]){ (char)optopt, '\0' })));
	return error_set(err, "%s option '%s'",
			 count_matches(argument) ? "ambiguous" : "unrecognized",
			 ESCAPED(text_of(argument)));
}

/* Reads the options up to the operands, or to --help or --version, which run
 * whatever else is there. */
static int read_line(struct line *line, int argc, char **argv,
		     struct error *err)
{
	struct getopt_tables tables = { 0 };
	int id;

	fill_tables(&tables);
	opterr = 0;
	optind = 0; /* begin anew, also in a test's second call */
	while (!(line->runs & (HELP | VERSION_LINE)) &&
	       (id = getopt_long(argc, argv, tables.letters, tables.names,
				 NULL)) != -1) {
		if (id == ':' || id == '?')
			return explain(id, argv[optind - 1], err);
		if (id == 'c') {
			id = 'o';
			optarg = "-";
		}
		if (apply(line, find_row(id), optarg, err))
			return -1;
	}
	return 0;
}

/* Room for what options keep: at most one item for each argument. */
static int make_room(struct options *options, int argc, char **argv,
		     struct error *err)
{
	const size_t n = (size_t)argc;
	size_t text = 0;

	for (int i = 0; i < argc; i++)
		text += strlen(argv[i]) + 1;
	options->include.items = calloc(2 * n, sizeof(char *));
	options->types.items = calloc(n, sizeof(*options->types.items));
	options->text = malloc(text + 1);
	if (!options->include.items || !options->types.items || !options->text)
		return error_errno(err, "no memory for the options");
	options->exclude.items = options->include.items + n;
	options->types.text = options->text;
	return 0;
}

int options_parse(struct options *options, int argc, char **argv,
		  struct error *err)
{
	struct line line = { .options = options };

	*options = (struct options){ .memory = (uint64_t)256 << 20 };
	if (make_room(options, argc, argv, err) ||
	    read_line(&line, argc, argv, err))
		goto out_release;
	if (line.runs & (HELP | VERSION_LINE)) {
		options->action = line.runs & HELP ? OPTIONS_HELP :
						     OPTIONS_VERSION;
		return 0;
	}
	if (set_input(&line, argc - optind, argv + optind, err) ||
	    resolve(&line, err))
		goto out_release;
	return 0;

out_release:
	options_release(options);
	return -1;
}

void options_release(struct options *options)
{
	free(options->include.items);
	free(options->types.items);
	free(options->text);
	*options = (struct options){ 0 };
}

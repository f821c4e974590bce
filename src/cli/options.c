#include "cli/options.h"

#include <ctype.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/escape.h"

/* What getopt_long returns for an option that has no letter. */
enum {
	OPTION_INDEX = 256,
	OPTION_JSON,
	OPTION_MEMORY,
	OPTION_INPUT_TYPE,
	OPTION_SHAPE,
	OPTION_EXPECT,
	OPTION_ULP,
	OPTION_RTOL,
	OPTION_ATOL,
	OPTION_CHECKSUM,
	OPTION_UNTAGGED,
	OPTION_CHECK,
	OPTION_VERIFY,
	OPTION_DEVICES,
	OPTION_PROGRESS,
	OPTION_NO_PROGRESS
};

static const struct row {
	int id; /* the letter, where it has one */
	const char *name;
	const char *argument; /* "[=…]" where it may be left out */
	const char *help;
} rows[] = {
	{ 'o', "output", "PATH", "write to PATH; \"-\" is standard output" },
	{ 'c', NULL, NULL, "write to standard output" },
	{ 'F', "format", "KIND",
	  "raw, gguf, safetensors, npz or dir (default: by PATH)" },
	{ 't', "type", "TYPE",
	  "f32 (default), f16, bf16 or native (as stored)" },
	{ 'T', "tensor", "GLOB",
	  "only tensors whose name matches (repeatable)" },
	{ 'x', "exclude", "GLOB", "no tensor whose name matches (repeatable)" },
	{ OPTION_INDEX, "index", "PATH",
	  "also write a JSON index of the output" },
	{ OPTION_INPUT_TYPE, "input-type", "TYPE",
	  "FILE has no header, but only blocks of TYPE" },
	{ OPTION_SHAPE, "shape", "N,M,...",
	  "the shape of these, fastest dimension first" },
	{ OPTION_EXPECT, "expect", "PATH",
	  "compare the output with the values in PATH" },
	{ OPTION_ULP, "ulp", "N", "allow floats to be N floats apart" },
	{ OPTION_RTOL, "rtol", "X",
	  "allow a difference of X times the value in PATH" },
	{ OPTION_ATOL, "atol", "X",
	  "allow one of X, on top of that of --rtol" },
	{ OPTION_CHECKSUM, "checksum", "[=ALGO]",
	  "print a checksum of each tensor's output" },
	{ OPTION_UNTAGGED, "untagged", NULL,
	  "print checksums without their algorithm" },
	{ OPTION_CHECK, "check", "FILE", "compare with checksums from FILE" },
	{ 'f', "force", NULL, "overwrite files; write even to a terminal" },
	{ 'd', "device", "DEV",
	  "auto (default), cpu, gpu, or gpu:N,M,... by number" },
	{ OPTION_VERIFY, "verify", NULL,
	  "compare the GPU's values with the CPU's, every bit" },
	{ OPTION_DEVICES, "devices", NULL,
	  "list the GPUs, and what runs on them" },
	{ 'l', "list", NULL, "list the tensors (default without -o and -c)" },
	{ OPTION_JSON, "json", NULL, "list as JSON, with all metadata" },
	{ 'j', "threads", "N", "use N threads (default: one a CPU)" },
	{ OPTION_MEMORY, "memory", "SIZE",
	  "use at most SIZE of memory (default 256M)" },
	{ 'q', "quiet", NULL, "print nothing but errors" },
	{ 'v', "verbose", NULL, "say what did the work, and how fast" },
	{ OPTION_PROGRESS, "progress", NULL,
	  "show progress even if not on a terminal" },
	{ OPTION_NO_PROGRESS, "no-progress", NULL, "show no progress" },
	{ 'h', "help", NULL, "print this help" },
	{ 'V', "version", NULL, "print the version" },
};

#define N_ROWS (sizeof(rows) / sizeof(*rows))

static bool is_optional(const struct row *row)
{
	return row->argument && row->argument[0] == '[';
}

void options_print_help(FILE *stream)
{
	fputs("Usage: gguf-dequant [OPTION]... FILE\n"
	      "Dequantize the tensors of a GGUF file, bit for bit as ggml "
	      "does.\n"
	      "FILE \"-\" is standard input; of a split model, FILE is the "
	      "first shard.\n\n",
	      stream);
	for (size_t i = 0; i < N_ROWS; i++) {
		const struct row *row = &rows[i];
		char letter[4] = "", usage[24] = "";

		if (row->id < 256)
			snprintf(letter, sizeof(letter), "-%c%c", row->id,
				 row->name ? ',' : ' ');
		if (row->name)
			snprintf(usage, sizeof(usage), "--%s%s%s", row->name,
				 row->argument && !is_optional(row) ? " " : "",
				 row->argument ? row->argument : "");
		fprintf(stream, "  %-3s %-17s  %s\n", letter, usage, row->help);
	}
	fputs("\nALGO is blake3 (default), sha256, xxh3 or xxh64.\n"
	      "SIZE is in bytes; K, M and G after it stand for 1024, 1024^2 "
	      "and 1024^3.\n"
	      "Exit status: 0 done, 1 the values compared differ, 2 trouble.\n",
	      stream);
}

/* A quoted argument for a message; one buffer, for one message at a time. */
struct quote {
	char text[ESCAPE_MESSAGE_SIZE];
};

static const char *quote(struct quote *quote, const char *argument)
{
	return escape_text(quote->text, sizeof(quote->text),
			   (struct text){ argument, strlen(argument) });
}

/* Digits only: no sign, no space. *end gets what follows them. */
static bool parse_digits(const char *text, uint64_t *value, const char **end)
{
	bool fits = true;

	*value = 0;
	for (*end = text; **end >= '0' && **end <= '9'; ++*end)
		fits = fits && bytes_mul(*value, 10, value) &&
		       bytes_add(*value, (uint64_t)(**end - '0'), value);
	return fits && *end > text;
}

static int parse_threads(const char *text, unsigned *threads, struct error *err)
{
	struct quote q;
	const char *end;
	uint64_t value;

	if (!parse_digits(text, &value, &end) || *end || !value ||
	    value > OPTIONS_MAX_THREADS)
		return error_set(err,
				 "'--threads' takes a number from 1 to %d, "
				 "not '%s'",
				 OPTIONS_MAX_THREADS, quote(&q, text));
	*threads = (unsigned)value;
	return 0;
}

static int parse_memory(const char *text, uint64_t *memory, struct error *err)
{
	static const char units[] = "KMG";
	struct quote q;
	const char *end, *unit;

	if (!parse_digits(text, memory, &end))
		goto invalid;
	if (*end) {
		unit = strchr(units, toupper((unsigned char)*end));
		if (!unit || end[1] ||
		    !bytes_mul(*memory, (uint64_t)1024 << 10 * (unit - units),
			       memory))
			goto invalid;
	}
	return 0;
invalid:
	return error_set(err,
			 "'--memory' takes a size such as 1000000, 512K, 256M "
			 "or 2G, less than 2^64, not '%s'",
			 quote(&q, text));
}

static int parse_type(const char *text, enum output_type *type,
		      struct error *err)
{
	struct quote q;

	for (*type = OUTPUT_F32; *type <= OUTPUT_NATIVE; ++*type)
		if (!strcasecmp(plan_type_name(*type), text))
			return 0;
	return error_set(err,
			 "'--type' takes f32, f16, bf16 or native, not '%s'",
			 quote(&q, text));
}

static int parse_input_type(const char *text, const struct format **format,
			    struct error *err)
{
	struct quote q;

	*format = format_by_name(text);
	if (*format)
		return 0;
	return error_set(err, "'--input-type' takes the type of a tensor, such "
			      "as q4_k or f16, not '%s'", quote(&q, text));
}

static int parse_shape(const char *text, struct model_blocks *blocks,
		       struct error *err)
{
	const char *end = text;
	struct quote q;

	blocks->n_dims = 0;
	do {
		if (blocks->n_dims == GGUF_MAX_DIMS ||
		    !parse_digits(end, &blocks->dims[blocks->n_dims], &end))
			goto invalid;
		blocks->n_dims++;
	} while (*end++ == ',');
	if (!end[-1])
		return 0;
invalid:
	return error_set(err, "'--shape' takes up to %d dimensions as in "
			      "4096,32, not '%s'", GGUF_MAX_DIMS,
			 quote(&q, text));
}

static int parse_ulp(const char *text, struct tolerance *tolerance,
		     struct error *err)
{
	struct quote q;
	const char *end;

	tolerance->given = true;
	if (parse_digits(text, &tolerance->ulp, &end) && !*end)
		return 0;
	return error_set(err, "'--ulp' takes a number less than 2^64, not '%s'",
			 quote(&q, text));
}

/* A finite decimal without a sign. */
static int parse_difference(const char *option, const char *text,
			    double *value, struct tolerance *tolerance,
			    struct error *err)
{
	struct quote q;
	char *end;

	tolerance->given = true;
	*value = strtod(text, &end);
	if (isfinite(*value) && !*end &&
	    text[0] && strspn(text, "0123456789.eE+-") == strlen(text) &&
	    text[0] != '+' && text[0] != '-')
		return 0;
	return error_set(err, "'--%s' takes a number such as 0.01 or 1e-6, not "
			      "'%s'", option, quote(&q, text));
}

static int parse_format(const char *text, struct options *options,
			struct error *err)
{
	struct quote q;

	options->has_kind = true;
	for (options->kind = 0; options->kind < SINK_KIND_COUNT;
	     options->kind++)
		if (!strcasecmp(sink_kind_name(options->kind), text))
			return 0;
	return error_set(err, "'--format' takes raw, gguf, safetensors, npz or "
			      "dir, not '%s'", quote(&q, text));
}

/* The numbers after "gpu:". */
static bool parse_gpus(const char *text, struct options *options)
{
	uint64_t number;

	options->device.n_gpus = 0;
	do {
		if (options->device.n_gpus == DEVICE_MAX_GPUS ||
		    !parse_digits(text, &number, &text) || number > UINT_MAX)
			return false;
		options->device.gpus[options->device.n_gpus++] =
			(unsigned)number;
	} while (*text++ == ',');
	return !text[-1];
}

static int parse_device(const char *text, struct options *options,
			struct error *err)
{
	struct quote q;

	options->device.n_gpus = 0;
	if (!strcasecmp(text, "auto"))
		options->device.kind = DEVICE_AUTO;
	else if (!strcasecmp(text, "cpu"))
		options->device.kind = DEVICE_CPU;
	else if (!strcasecmp(text, "gpu") ||
		 (!strncasecmp(text, "gpu:", 4) &&
		  parse_gpus(text + 4, options)))
		options->device.kind = DEVICE_GPU;
	else
		return error_set(err,
				 "'--device' takes auto, cpu, gpu, or up to %d "
				 "numbers of GPUs as in gpu:0,1, not '%s'",
				 DEVICE_MAX_GPUS, quote(&q, text));
	return 0;
}

static int parse_checksum(const char *text, const struct checksum **checksum,
			  struct error *err)
{
	struct quote q;

	*checksum = text ? checksum_by_name(text) : checksum_default();
	if (*checksum)
		return 0;
	return error_set(err,
			 "'--checksum' takes blake3, sha256, xxh3 or xxh64, "
			 "not '%s'",
			 quote(&q, text));
}

/* A second path would leave the first one unwritten: no later one wins. */
static int set_path(const char **path, const char *what, const char *value,
		    struct error *err)
{
	struct quote q, r;

	if (*path && strcmp(*path, value))
		return error_set(err, "more than one %s: '%s' and '%s'", what,
				 quote(&q, *path), quote(&r, value));
	*path = value;
	return 0;
}

static void apply_flag(struct options *options, int id)
{
	switch (id) {
	case 'f':
		options->force = true;
		break;
	case 'l':
		if (options->action != OPTIONS_LIST_JSON)
			options->action = OPTIONS_LIST;
		break;
	case OPTION_JSON:
		options->action = OPTIONS_LIST_JSON;
		break;
	case OPTION_VERIFY:
		options->device.verify = true;
		break;
	case OPTION_UNTAGGED:
		options->untagged = true;
		break;
	case OPTION_DEVICES:
		options->action = OPTIONS_DEVICES;
		break;
	case 'q':
		options->quiet = true;
		break;
	case 'v':
		options->verbose = true;
		break;
	case OPTION_PROGRESS:
		options->progress = PROGRESS_ALWAYS;
		break;
	case OPTION_NO_PROGRESS:
		options->progress = PROGRESS_NEVER;
		break;
	case 'h':
		options->action = OPTIONS_HELP;
		break;
	default: /* 'V' */
		options->action = OPTIONS_VERSION;
		break;
	}
}

static int apply(struct options *options, int id, const char *argument,
		 struct error *err)
{
	switch (id) {
	case 'o':
		return set_path(&options->output, "output", argument, err);
	case 'c':
		return set_path(&options->output, "output", "-", err);
	case OPTION_INDEX:
		return set_path(&options->index, "index", argument, err);
	case 'F':
		return parse_format(argument, options, err);
	case OPTION_INPUT_TYPE:
		return parse_input_type(argument, &options->blocks.format, err);
	case OPTION_SHAPE:
		return parse_shape(argument, &options->blocks, err);
	case OPTION_EXPECT:
		return set_path(&options->expect, "file to expect", argument,
				err);
	case OPTION_ULP:
		return parse_ulp(argument, &options->tolerance, err);
	case OPTION_RTOL:
		return parse_difference("rtol", argument,
					&options->tolerance.rtol,
					&options->tolerance, err);
	case OPTION_ATOL:
		return parse_difference("atol", argument,
					&options->tolerance.atol,
					&options->tolerance, err);
	case OPTION_CHECK:
		return set_path(&options->check, "manifest", argument, err);
	case OPTION_CHECKSUM:
		return parse_checksum(argument, &options->checksum, err);
	case 't':
		options->has_type = true;
		return parse_type(argument, &options->type, err);
	case 'd':
		return parse_device(argument, options, err);
	case 'j':
		return parse_threads(argument, &options->threads, err);
	case OPTION_MEMORY:
		return parse_memory(argument, &options->memory, err);
	case 'T':
		options->include[options->n_include++] = argument;
		return 0;
	case 'x':
		options->exclude[options->n_exclude++] = argument;
		return 0;
	default:
		apply_flag(options, id);
		return 0;
	}
}

static int check_no_listing(const struct options *options, const char *name,
			    struct error *err)
{
	if (options->action == OPTIONS_CONVERT)
		return 0;
	return error_set(err, "'%s' and a listing ('--list', '--json') exclude "
			      "each other", name);
}

static int check_no_output(const struct options *options, const char *name,
			   struct error *err)
{
	if (!options->output)
		return 0;
	return error_set(err, "'%s' and an output ('--output', '-c') exclude "
			      "each other", name);
}

static int check_verify(struct options *options, struct error *err)
{
	if (check_no_listing(options, "--verify", err))
		return -1;
	if (options->device.kind == DEVICE_CPU)
		return error_set(err, "'--verify' needs a GPU: it excludes "
				      "'--device cpu'");
	if (options->type == OUTPUT_NATIVE)
		return error_set(err, "'--verify' compares nothing of what "
				      "'--type native' copies");
	options->device.kind = DEVICE_GPU;
	return 0;
}

static int check_expect(const struct options *options, struct error *err)
{
	if (check_no_listing(options, "--expect", err))
		return -1;
	if (options->checksum || options->check)
		return error_set(err, "'--expect' and checksums ('--checksum', "
				      "'--check') exclude each other");
	if (check_no_output(options, "--expect", err))
		return -1;
	if (!strcmp(options->expect, "-") && !strcmp(options->input, "-"))
		return error_set(err, "the model and what '--expect' takes "
				      "cannot both be standard input");
	return 0;
}

static int check_checksum(const struct options *options, struct error *err)
{
	if (check_no_listing(options, "--checksum", err))
		return -1;
	if ((options->output && !strcmp(options->output, "-")) ||
	    (options->index && !strcmp(options->index, "-")))
		return error_set(err, "checksums go to standard output: give "
				      "'--output' and '--index' a file");
	return 0;
}

static int check_check(const struct options *options, struct error *err)
{
	if (check_no_listing(options, "--check", err) ||
	    check_no_output(options, "--check", err))
		return -1;
	if (options->has_type)
		return error_set(err, "'--check' takes the type from its file: "
				      "it excludes '--type'");
	if (options->untagged)
		return error_set(err, "'--check' and '--untagged' exclude each "
				      "other");
	if (!strcmp(options->check, "-") && !strcmp(options->input, "-"))
		return error_set(err, "the model and the checksums cannot both "
				      "be standard input");
	return 0;
}

static int check_format(struct options *options, struct error *err)
{
	if (!options->output && options->has_kind)
		return error_set(err, "'--format' needs '--output' or '-c'");
	if (options->output && !options->has_kind)
		options->kind = sink_kind_of_path(options->output);
	if (options->kind == SINK_DIR && !strcmp(options->output, "-"))
		return error_set(err, "'--format dir' writes many files: it "
				      "cannot go to standard output");
	return 0;
}

/* What makes no sense together, though each option is good by itself. */
static int check(struct options *options, struct error *err)
{
	if ((options->device.verify && check_verify(options, err)) ||
	    (options->expect && check_expect(options, err)) ||
	    (options->check && check_check(options, err)) ||
	    (options->checksum && check_checksum(options, err)))
		return -1;
	if (!options->expect && options->tolerance.given)
		return error_set(err, "'--ulp', '--rtol' and '--atol' need "
				      "'--expect'");
	if (!options->blocks.format && options->blocks.n_dims)
		return error_set(err, "'--shape' needs '--input-type'");
	if (options->untagged && !options->checksum)
		return error_set(err, "'--untagged' needs '--checksum'");
	if (options->output && options->action != OPTIONS_CONVERT)
		return error_set(err,
				 "a listing ('--list', '--json') and an output "
				 "('--output', '-c') exclude each other");
	if (check_format(options, err))
		return -1;
	if (!options->output && options->index)
		return error_set(err, "'--index' needs '--output' or '-c'");
	if (options->index && !strcmp(options->index, options->output))
		return error_set(err, "'--output' and '--index' are the same");
	if (options->quiet && options->verbose)
		return error_set(err, "'--quiet' and '--verbose' exclude each "
				      "other");
	if (options->quiet && options->progress == PROGRESS_ALWAYS)
		return error_set(err, "'--quiet' and '--progress' exclude each "
				      "other");
	if (options->quiet)
		options->progress = PROGRESS_NEVER;
	if (!options->output && !options->device.verify && !options->expect &&
	    !options->checksum && !options->check &&
	    options->action == OPTIONS_CONVERT)
		options->action = OPTIONS_LIST;
	return 0;
}

static int set_input(struct options *options, int n, char **operands,
		     struct error *err)
{
	struct quote q;

	if (!n)
		return error_set(err, "missing operand: a GGUF file, or '-'");
	if (n > 1)
		return error_set(err, "extra operand '%s'",
				 quote(&q, operands[1]));
	options->input = operands[0];
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
		if (rows[i].id < 256) {
			*letter++ = (char)rows[i].id;
			if (rows[i].argument)
				*letter++ = ':';
		}
		if (rows[i].name)
			*name++ = (struct option){
				rows[i].name,
				is_optional(&rows[i]) ? optional_argument :
				rows[i].argument      ? required_argument :
							no_argument,
				NULL, rows[i].id
			};
	}
	*letter = '\0';
	*name = (struct option){ NULL, 0, NULL, 0 };
}

static const struct row *find_row(int id)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (rows[i].id == id)
			return &rows[i];
	return NULL;
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

/* Why getopt_long returned `result`, ':' or '?', for `argument`; it leaves in
 * optopt the id of an option that exists, or the letter of one that doesn't. */
static int explain(int result, const char *argument, struct error *err)
{
	const struct row *row = find_row(optopt);
	struct quote q;

	if (result == ':')
		return error_set(err, "option '--%s' requires an argument",
				 row->name);
	if (row)
		return error_set(err, "option '--%s' allows no argument",
				 row->name);
	if (optopt)
		return error_set(err, "invalid option '-%s'",
				 quote(&q, (char[]){ (char)optopt, '\0' }));
	return error_set(err, "%s option '%s'",
			 count_matches(argument) ? "ambiguous" : "unrecognized",
			 quote(&q, argument));
}

int options_parse(struct options *options, int argc, char **argv,
		  struct error *err)
{
	struct getopt_tables tables;
	int id;

	*options = (struct options){ .memory = (uint64_t)256 << 20 };
	options->include = calloc((size_t)argc * 2, sizeof(char *));
	if (!options->include)
		return error_errno(err, "no memory for the options");
	options->exclude = options->include + argc;

	fill_tables(&tables);
	opterr = 0;
	optind = 0; /* begin anew, also in a test's second call */
	while ((id = getopt_long(argc, argv, tables.letters, tables.names,
				 NULL)) != -1) {
		if (id == ':' || id == '?') {
			explain(id, argv[optind - 1], err);
			goto out_release;
		}
		if (apply(options, id, optarg, err))
			goto out_release;
		if (options->action == OPTIONS_DEVICES ||
		    options->action == OPTIONS_HELP ||
		    options->action == OPTIONS_VERSION)
			return 0;
	}
	if (set_input(options, argc - optind, argv + optind, err) ||
	    check(options, err))
		goto out_release;
	return 0;

out_release:
	options_release(options);
	return -1;
}

void options_release(struct options *options)
{
	free(options->include);
	options->include = NULL;
}

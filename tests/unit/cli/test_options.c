#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/options.h"

static int parse(struct options *options, char **argv, struct error *err)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	return options_parse(options, argc, argv, err);
}

static struct options good(char **argv)
{
	struct options options;
	struct error err = { 0 };

	if (parse(&options, argv, &err))
		fail_msg("%s", err.message);
	return options;
}

static void bad(char **argv, const char *message)
{
	struct options options;
	struct error err = { 0 };

	assert_int_equal(parse(&options, argv, &err), -1);
	assert_string_equal(err.message, message);
}

#define ARGV(...) ((char *[]){ "gguf-dequant", __VA_ARGS__, NULL })
#define GOOD(...) good(ARGV(__VA_ARGS__))
#define BAD(message, ...) bad(ARGV(__VA_ARGS__), message)

static void test_defaults(void **state)
{
	struct options options = GOOD("m.gguf");

	(void)state;
	assert_int_equal(options.action, OPTIONS_LIST);
	assert_string_equal(options.inputs[0], "m.gguf");
	assert_null(options.output);
	assert_null(options.index);
	assert_int_equal(options.include.n, 0);
	assert_int_equal(options.exclude.n, 0);
	assert_int_equal(options.types.n, 0);
	assert_int_equal(options.device.kind, DEVICE_AUTO);
	assert_false(options.verify);
	assert_int_equal(options.threads, 0);
	assert_int_equal(options.memory, 256 << 20);
	assert_int_equal(options.progress, PROGRESS_IF_TERMINAL);
	assert_null(options.checksum);
	assert_null(options.check);
	assert_false(options.untagged || options.tolerance.given);
	assert_false(options.force || options.quiet || options.verbose);
	options_release(&options);
}

static void test_every_option(void **state)
{
	struct options options =
		GOOD("-o", "out", "--type=bf16", "-T", "a*", "in", "-xb", "-T*",
		     "--exclude", "c", "-fj3", "--memory", "1G", "-v",
		     "--index=i", "--progress");

	(void)state;
	assert_int_equal(options.action, OPTIONS_CONVERT);
	assert_string_equal(options.inputs[0], "in");
	assert_string_equal(options.output, "out");
	assert_string_equal(options.index, "i");
	assert_int_equal(options.include.n, 2);
	assert_string_equal(options.include.items[0], "a*");
	assert_string_equal(options.include.items[1], "*");
	assert_int_equal(options.exclude.n, 2);
	assert_string_equal(options.exclude.items[0], "b");
	assert_string_equal(options.exclude.items[1], "c");
	assert_int_equal(options.types.n, 1);
	assert_null(options.types.items[0].glob);
	assert_int_equal(options.types.items[0].type, OUTPUT_BF16);
	assert_int_equal(options.threads, 3);
	assert_int_equal(options.memory, 1 << 30);
	assert_int_equal(options.progress, PROGRESS_ALWAYS);
	assert_true(options.force && options.verbose && !options.quiet);
	options_release(&options);
}

static void action_is(char **argv, enum options_action action)
{
	struct options options = good(argv);

	assert_int_equal(options.action, action);
	options_release(&options);
}

static void test_actions(void **state)
{
	(void)state;
	action_is(ARGV("-c", "m"), OPTIONS_CONVERT);
	action_is(ARGV("-o", "-", "m"), OPTIONS_CONVERT);
	action_is(ARGV("-c", "-o", "-", "-"), OPTIONS_CONVERT);
	action_is(ARGV("-l", "m"), OPTIONS_LIST);
	action_is(ARGV("--json", "m"), OPTIONS_LIST_JSON);
	action_is(ARGV("--json", "-l", "m"), OPTIONS_LIST_JSON);
	action_is(ARGV("-l", "--json", "m"), OPTIONS_LIST_JSON);
	action_is(ARGV("--", "-l"), OPTIONS_LIST);
	action_is(ARGV("--checksum", "--verify", "-o", "o", "m"),
		  OPTIONS_CONVERT);
	action_is(ARGV("--devices"), OPTIONS_DEVICES);
	BAD("extra operand 'a'", "--devices", "a");
	/* These come first, whatever else is there. */
	action_is(ARGV("-h"), OPTIONS_HELP);
	action_is(ARGV("--help", "--wrong"), OPTIONS_HELP);
	action_is(ARGV("-lV", "a", "b"), OPTIONS_VERSION);
}

static void test_the_last_setting_wins(void **state)
{
	struct options options = GOOD("-j", "4", "-j", "1", "--no-progress",
				      "--progress", "-c", "m");

	(void)state;
	assert_int_equal(options.threads, 1);
	assert_int_equal(options.progress, PROGRESS_ALWAYS);
	options_release(&options);
}

static void memory_is(char *size, uint64_t memory)
{
	struct options options = GOOD("--memory", size, "m");

	assert_int_equal(options.memory, memory);
	options_release(&options);
}

static void memory_is_bad(char *size)
{
	char message[256];

	snprintf(message, sizeof(message),
		 "'--memory' takes a size such as 1000000, 512K, 256M or 2G, "
		 "less than 2^64, not '%s'",
		 size);
	BAD(message, "--memory", size, "m");
}

static void test_memory_sizes(void **state)
{
	(void)state;
	memory_is("0", 0);
	memory_is("007", 7);
	memory_is("1000000", 1000000);
	memory_is("512K", 512 << 10);
	memory_is("256m", 256 << 20);
	memory_is("3G", (uint64_t)3 << 30);
	memory_is("18446744073709551615", UINT64_MAX);
	memory_is("17179869183G", (uint64_t)17179869183 << 30);
	memory_is_bad("");
	memory_is_bad("K");
	memory_is_bad(" 1");
	memory_is_bad("+1");
	memory_is_bad("-1");
	memory_is_bad("1 K");
	memory_is_bad("1KB");
	memory_is_bad("1.5G");
	memory_is_bad("0x10");
	memory_is_bad("1T");
	memory_is_bad("18446744073709551616");
	memory_is_bad("99999999999999999999999");
	memory_is_bad("17179869184G");
	memory_is_bad("18014398509481984K");
	memory_is_bad("1 ");
}

static void shard_size_is(char *size, uint64_t expected)
{
	struct options options =
		GOOD("-Fhf", "-od", "--max-shard-size", size, "m");

	assert_true(options.max_shard_size == expected);
	options_release(&options);
}

static void shard_size_is_bad(char *size)
{
	char message[128];

	snprintf(message, sizeof(message),
		 "'--max-shard-size' takes a number of bytes, as in 500M or "
		 "5GB, not '%s'", size);
	BAD(message, "--max-shard-size", size, "m");
}

static void test_shard_sizes(void **state)
{
	(void)state;
	shard_size_is("1", 1);
	shard_size_is("2K", 2048);
	shard_size_is("2kb", 2000);
	shard_size_is("500M", 500 << 20);
	shard_size_is("500MB", 500000000);
	shard_size_is("5gB", 5000000000);
	shard_size_is("18446744073GB", 18446744073000000000u);
	shard_size_is_bad("0");
	shard_size_is_bad("0KB");
	shard_size_is_bad("1B");
	shard_size_is_bad("B");
	shard_size_is_bad("KB");
	shard_size_is_bad("1KBB");
	shard_size_is_bad("1KK");
	shard_size_is_bad("1TB");
	shard_size_is_bad("18446744074GB");
}

static void test_devices(void **state)
{
	struct options options = GOOD("-d", "CPU", "-c", "m");

	(void)state;
	assert_int_equal(options.device.kind, DEVICE_CPU);
	options_release(&options);
	options = GOOD("-dgpu", "-c", "m");
	assert_int_equal(options.device.kind, DEVICE_GPU);
	assert_int_equal(options.device.n_gpus, 0);
	options_release(&options);
	options = GOOD("--device=gpu:7,0,12", "-c", "m");
	assert_int_equal(options.device.kind, DEVICE_GPU);
	assert_int_equal(options.device.n_gpus, 3);
	assert_int_equal(options.device.gpus[0], 7);
	assert_int_equal(options.device.gpus[1], 0);
	assert_int_equal(options.device.gpus[2], 12);
	options_release(&options);
	options = GOOD("-d", "gpu:0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,"
		       "4294967295", "-c", "m");
	assert_int_equal(options.device.n_gpus, DEVICE_MAX_GPUS);
	assert_int_equal(options.device.gpus[15], UINT32_MAX);
	options_release(&options);
	options = GOOD("-d", "gpu:3", "-d", "gpu", "--verify", "m");
	assert_int_equal(options.device.n_gpus, 0);
	assert_int_equal(options.action, OPTIONS_CONVERT);
	assert_null(options.output);
	options_release(&options);
	options = GOOD("--verify", "m"); /* needs a GPU */
	assert_int_equal(options.device.kind, DEVICE_GPU);
	options_release(&options);
}

static void test_checksums(void **state)
{
	struct options options = GOOD("--checksum", "m");

	(void)state;
	assert_int_equal(options.action, OPTIONS_CONVERT);
	assert_ptr_equal(options.checksum, checksum_by_name("blake3"));
	assert_null(options.output);
	options_release(&options);
	options = GOOD("--checksum", "--checksum=XXH3", "--untagged", "-o", "o",
		       "-", "--type", "f16");
	assert_ptr_equal(options.checksum, checksum_by_name("xxh3"));
	assert_true(options.untagged);
	options_release(&options);
	options = GOOD("--check", "-", "m", "--checksum=sha256", "-q");
	assert_int_equal(options.action, OPTIONS_CONVERT);
	assert_string_equal(options.check, "-");
	assert_ptr_equal(options.checksum, checksum_by_name("sha256"));
	options_release(&options);
	options = GOOD("--check=m", "--verify", "-");
	assert_string_equal(options.check, "m");
	assert_null(options.checksum);
	assert_true(options.verify);
	options_release(&options);
	BAD("'--checksum' takes blake3, sha256, xxh3 or xxh64, not ''",
	    "--checksum=", "m");
	BAD("ambiguous option '--chec'", "--chec", "m");
	options = GOOD("--checksum=sha256", "--checksum", "m");
	assert_ptr_equal(options.checksum, checksum_by_name("blake3"));
	options_release(&options);
	BAD("'--checksum' cannot be combined with '--check'; "
	    "'--checksum=ALGO' says which algorithm its lines have",
	    "--check=c", "--checksum", "m");
}

static void test_bad_devices(void **state)
{
#define BAD_DEVICE(text)                                                   \
	BAD("'--device' takes auto, cpu, gpu, or up to 16 numbers of GPUs " \
	    "as in gpu:0,1, not '" text "'", "-d", text, "m")
	(void)state;
	BAD_DEVICE("");
	BAD_DEVICE("gpus");
	BAD_DEVICE("gpu:");
	BAD_DEVICE("gpu:-1");
	BAD_DEVICE("gpu:0,");
	BAD_DEVICE("gpu:,0");
	BAD_DEVICE("gpu:0x1");
	BAD_DEVICE("gpu:4294967296");
	BAD_DEVICE("gpu:0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16");
	BAD_DEVICE("cpu:0");
#undef BAD_DEVICE
}

static void test_blocks(void **state)
{
#define BAD_SHAPE(text)                                               \
	BAD("'--shape' takes up to 8 dimensions as in 4096,32, not '" \
	    text "'", "--input-type", "i8", "--shape", text, "m")
	struct options options = GOOD("--input-type", "Q4_k", "m");

	(void)state;
	assert_int_equal(options.action, OPTIONS_LIST);
	assert_ptr_equal(options.blocks.format, format_at(FORMAT_Q4_K));
	assert_int_equal(options.blocks.n_dims, 0);
	options_release(&options);
	options = GOOD("--shape=9,9",
		       "--shape=18446744073709551615,0,7,1,2,3,4,8",
		       "--input-type=mxfp6_e2m3", "-c", "-");
	assert_ptr_equal(options.blocks.format, format_at(FORMAT_MXFP6_E2M3));
	assert_int_equal(options.blocks.n_dims, 8);
	assert_int_equal(options.blocks.dims[0], UINT64_MAX);
	assert_int_equal(options.blocks.dims[1], 0);
	assert_int_equal(options.blocks.dims[7], 8);
	options_release(&options);
	BAD_SHAPE("");
	BAD_SHAPE(",1");
	BAD_SHAPE("1,");
	BAD_SHAPE("1,,1");
	BAD_SHAPE("1x2");
	BAD_SHAPE("-1");
	BAD_SHAPE("1, 2");
	BAD_SHAPE("18446744073709551616");
	BAD_SHAPE("1,2,3,4,5,6,7,8,9");
	BAD("'--input-type' takes the type of a tensor, such as q4_k or f16, "
	    "not 'q4_2'", "--input-type", "q4_2", "m");
	BAD("'--input-type' takes the type of a tensor, such as q4_k or f16, "
	    "not ''", "--input-type", "", "m");
	BAD("'--shape' has no effect without '--input-type'", "--shape", "32",
	    "m");
#undef BAD_SHAPE
}

static void tolerance_is(char **argv, uint64_t ulp, double rtol, double atol)
{
	struct options options = good(argv);

	assert_int_equal(options.action, OPTIONS_CONVERT);
	assert_string_equal(options.expect, "e");
	assert_true(options.tolerance.given);
	assert_int_equal(options.tolerance.ulp, ulp);
	assert_true(options.tolerance.rtol == rtol);
	assert_true(options.tolerance.atol == atol);
	options_release(&options);
}

static void test_expect(void **state)
{
#define BAD_DIFFERENCE(text)                                                \
	BAD("'--rtol' takes a number such as 0.01 or 1e-6, not '" text "'", \
	    "--expect=e", "--rtol", text, "m")
	struct options options = GOOD("--expect", "-", "m");

	(void)state;
	assert_int_equal(options.action, OPTIONS_CONVERT);
	assert_string_equal(options.expect, "-");
	assert_false(options.tolerance.given);
	options_release(&options);
	tolerance_is(ARGV("--expect", "e", "--ulp=0", "-"), 0, 0, 0);
	tolerance_is(ARGV("--expect", "e", "--ulp=18446744073709551615", "-"),
		     UINT64_MAX, 0, 0);
	tolerance_is(ARGV("--expect=e", "--rtol", "1e-5", "-d", "cpu", "m"), 0,
		     1e-5, 0);
	tolerance_is(ARGV("--atol", ".5", "--rtol", "4.9e-324", "--expect=e",
			  "m", "--ulp=7"), 7, 4.9e-324, .5);
	tolerance_is(ARGV("--atol=0", "--expect=e", "m"), 0, 0, 0);
	BAD("'--ulp' takes a number less than 2^64, not '1.5'", "--expect=e",
	    "--ulp=1.5", "m");
	BAD("'--ulp' takes a number less than 2^64, not '18446744073709551616'",
	    "--expect=e", "--ulp=18446744073709551616", "m");
	BAD("'--atol' takes a number such as 0.01 or 1e-6, not 'x'",
	    "--expect=e", "--atol=x", "m");
	BAD_DIFFERENCE("");
	BAD_DIFFERENCE("-1");
	BAD_DIFFERENCE("+1");
	BAD_DIFFERENCE(" 1");
	BAD_DIFFERENCE("1 ");
	BAD_DIFFERENCE("nan");
	BAD_DIFFERENCE("inf");
	BAD_DIFFERENCE("1e999");
	BAD_DIFFERENCE("1e");
	BAD_DIFFERENCE("0x1p3");
	BAD_DIFFERENCE("e5");
#undef BAD_DIFFERENCE
}

static void rule_is(const struct plan_rule *rule, const char *glob,
		    bool by_type, enum output_type type)
{
	if (glob)
		assert_string_equal(rule->glob, glob);
	else
		assert_null(rule->glob);
	assert_int_equal(rule->by_type, by_type);
	assert_int_equal(rule->type, type);
}

static void test_types(void **state)
{
	struct options options =
		GOOD("-t", "native", "-t", "type:IQ*=F16", "-ta=b=f32",
		     "--type==bf16", "-t", "type:=f16", "-t", "F32", "m");

	(void)state;
	assert_int_equal(options.types.n, 6);
	rule_is(&options.types.items[0], NULL, false, OUTPUT_NATIVE);
	rule_is(&options.types.items[1], "IQ*", true, OUTPUT_F16);
	rule_is(&options.types.items[2], "a=b", false, OUTPUT_F32);
	rule_is(&options.types.items[3], "", false, OUTPUT_BF16);
	rule_is(&options.types.items[4], "", true, OUTPUT_F16);
	rule_is(&options.types.items[5], NULL, false, OUTPUT_F32);
	options_release(&options);
#define BAD_TYPE(text)                                               \
	BAD("'--type' takes f32, f16, bf16 or native, not '" text "'", \
	    "-t", text, "m")
	BAD_TYPE("q8_0");
	BAD_TYPE("");
	BAD_TYPE("a=");
	BAD_TYPE("f16=");
	BAD_TYPE("a=q8_0");
	BAD_TYPE("type:f16");
#undef BAD_TYPE
}

static void test_values_out_of_range(void **state)
{
	(void)state;
	BAD("'--threads' takes a number from 1 to 1024, not '0'", "-j0");
	BAD("'--threads' takes a number from 1 to 1024, not '1025'", "-j1025");
	BAD("'--threads' takes a number from 1 to 1024, not '2x'", "-j", "2x");
	BAD("'--threads' takes a number from 1 to 1024, not "
	    "'18446744073709551617'", "-j", "18446744073709551617");
}

static void test_shards(void **state)
{
	struct options options = GOOD("a", "-c", "-", "--", "-x");

	(void)state;
	assert_int_equal(options.n_inputs, 3);
	assert_string_equal(options.inputs[0], "a");
	assert_string_equal(options.inputs[1], "-");
	assert_string_equal(options.inputs[2], "-x");
	options_release(&options);
}

static void test_usage_errors(void **state)
{
	(void)state;
	bad((char *[]){ "gguf-dequant", NULL },
	    "missing operand: a GGUF file, or '-'");
	BAD("extra operand 'b': headerless blocks are in one file", "a",
	    "--input-type=i8", "b", "c");
	BAD("invalid option '-z'", "-lz", "m");
	BAD("invalid option '-\\x1b'", "-\x1b", "m");
	BAD("unrecognized option '--lost'", "--lost", "m");
	BAD("unrecognized option '--lost=\\x07'", "--lost=\a", "m");
	BAD("ambiguous option '--ver'", "--ver", "m");
	BAD("option '--list' allows no argument", "--list=x", "m");
	BAD("option '--output' requires an argument", "m", "--output");
	BAD("option '--output' requires an argument", "m", "-o");
	BAD("option '--memory' requires an argument", "m", "--mem");
}

/* What the program can do, and an option for each. */
static const char operations[] = "ljockevd";
static char *const starts[] = { "--list", "--json", "--output=o", "--checksum",
				"--check=c", "--expect=e", "--verify",
				"--devices" };

static bool runs(char *first, char *second)
{
	char *const operand = strcmp(first, "--devices") ? "m" : NULL;
	char *argv[] = { "gguf-dequant", first, second, operand, NULL };
	struct options options;
	struct error err = { 0 };

	if (parse(&options, argv, &err))
		return false;
	options_release(&options);
	return true;
}

/* In which operations each option has an effect; it is refused in others. */
static const struct {
	char *option;
	const char *operations;
} effects[] = {
	{ "--tensor=*", "ljockev" },
	{ "--exclude=*", "ljockev" },
	{ "--input-type=q4_k", "ljockev" },
	{ "--shape=32", "" },
	{ "--type=f16", "ljocev" },
	{ "--format=gguf", "o" },
	{ "--index=i", "o" },
	{ "--force", "o" },
	{ "--no-sync", "o" },
	{ "--untagged", "c" },
	{ "--ulp=1", "e" },
	{ "--rtol=1", "e" },
	{ "--atol=1", "e" },
	{ "--device=gpu", "ockev" },
	{ "--threads=2", "ockev" },
	{ "--memory=1G", "ljockev" },
	{ "--quiet", "ockev" },
	{ "--verbose", "ockev" },
	{ "--progress", "ockev" },
	{ "--no-progress", "ockev" },
};

static void test_effects(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(effects) / sizeof(*effects); i++)
		for (size_t j = 0; operations[j]; j++)
			if (runs(starts[j], effects[i].option) !=
			    !!strchr(effects[i].operations, operations[j]))
				fail_msg("%s %s", starts[j],
					 effects[i].option);
}

static void test_options_without_effect(void **state)
{
	(void)state;
	BAD("'--force' has no effect with '--list'", "-l", "-f", "-v", "-d",
	    "gpu:7", "-j3", "m");
	BAD("'--quiet' has no effect with '--json'", "-q", "--json", "m");
	BAD("'--memory' has no effect with '--devices'", "--devices",
	    "--memory=1G");
	BAD("'--type' has no effect with '--check'", "--check=c", "-tf16", "m");
	BAD("'--untagged' has no effect with '--check'", "--check=c",
	    "--checksum=sha256", "--untagged", "m");
	BAD("'--index' has no effect without '--output'", "--index=i", "m");
	BAD("'--format' has no effect without '--list', '--json' or "
	    "'--output'", "--checksum", "--format=raw", "m");
	BAD("'--ulp' has no effect without '--expect'", "--ulp=1", "m");
	BAD("'--threads' has no effect without '--output', '--checksum', "
	    "'--check', '--expect' or '--verify'", "-j3", "m");
}

/* Which operations can run at once. */
static void test_combinations(void **state)
{
	static const char *const with[] = { "lj",   "lj",    "ockev", "ocev",
					    "okev", "ockev", "ockev", "d" };

	(void)state;
	for (size_t i = 0; operations[i]; i++)
		for (size_t j = 0; operations[j]; j++)
			if (runs(starts[i], starts[j]) !=
			    !!strchr(with[i], operations[j]))
				fail_msg("%s %s", starts[i], starts[j]);
	BAD("'--list' cannot be combined with '--output'", "-c", "-l", "m");
	BAD("'--json' cannot be combined with '--checksum'", "--checksum",
	    "--json", "m");
	BAD("'--output' cannot be combined with '--devices'", "--devices",
	    "-c");
	BAD("'--verify' needs a GPU, so that it cannot be combined with "
	    "'--device cpu'", "--verify", "-dcpu", "m");
	BAD("'--quiet' cannot be combined with '--verbose'", "-qvc", "m");
}

static void test_quiet(void **state)
{
	struct options options = GOOD("-qc", "m");

	(void)state;
	assert_int_equal(options.progress, PROGRESS_NEVER);
	options_release(&options);
	options = GOOD("-qc", "--progress", "m");
	assert_int_equal(options.progress, PROGRESS_ALWAYS);
	options_release(&options);
}

static void test_paths(void **state)
{
	(void)state;
	BAD("'--output' takes one path, not both 'a' and 'b'", "-o", "a", "-o",
	    "b", "m");
	BAD("'--output' takes one path, not both 'a' and '-'", "-o", "a", "-c",
	    "m");
	BAD("'--index' takes one path, not both 'a' and 'b'", "--index=a",
	    "--index=b", "m");
	BAD("'--expect' takes one path, not both 'a' and 'b'", "--expect=a",
	    "--expect=b", "m");
	BAD("'--output' and '--index' are the same", "-oa", "--index=a", "m");
}

/* Two things want the same standard stream. */
static void test_standard_streams(void **state)
{
	struct options options;

	(void)state;
	BAD("'--expect -' and FILE '-' cannot both read standard input",
	    "--expect=-", "m", "-");
	BAD("only one FILE '-' can read standard input", "-", "m", "-");
	BAD("'--check -' and FILE '-' cannot both read standard input",
	    "--check=-", "-");
	BAD("'--check -' and '--expect -' cannot both read standard input",
	    "--check=-", "--expect=-", "m");
	BAD("'--output -' and '--index -' cannot both write to standard "
	    "output", "-c", "--index=-", "m");
	BAD("'--output -' and '--checksum' cannot both write to standard "
	    "output", "-c", "--checksum", "m");
	BAD("'--checksum' and '--index -' cannot both write to standard "
	    "output", "-o", "o", "--index=-", "--checksum", "m");
	BAD("'--output -' and '--check' cannot both write to standard output",
	    "-c", "--check=c", "m");
	options = GOOD("-o", "o", "--index=-", "-");
	options_release(&options);
	options = GOOD("-c", "--verify", "-");
	options_release(&options);
}

/* Each row of the help begins at the same column and fits 80 of them. Names
 * that are too long for that have a line of their own. */
static void test_help_fits_a_terminal(void **state)
{
	char *text, *save, *line;
	unsigned groups = 0;
	size_t len;
	FILE *stream = open_memstream(&text, &len);

	(void)state;
	assert_non_null(stream);
	options_print_help(stream);
	assert_int_equal(fclose(stream), 0);
	assert_non_null(strstr(text, "\n  -o, --output PATH "));
	assert_non_null(strstr(text, "\n  -c "));
	assert_non_null(strstr(text, "\n      --no-progress "));
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		assert_true(strlen(line) < 80);
		if (!strncmp(line, "  ", 2))
			assert_true(strlen(line) < 28 ||
				    (line[24] == ' ' && line[25] != ' '));
		else if (line[strlen(line) - 1] == ':')
			groups++;
	}
	assert_int_equal(groups, 6);
	free(text);
}

static void kind_is(const char *name, char **argv)
{
	struct options options = good(argv);

	assert_ptr_equal(options.kind, sink_kind_by_name(name));
	options_release(&options);
}

static void test_format(void **state)
{
	(void)state;
	kind_is("raw", ARGV("-o", "out", "m"));
	kind_is("raw", ARGV("-c", "m.gguf"));
	kind_is("raw", ARGV("-o", "gguf", "m"));
	kind_is("raw", ARGV("-o", "a.gguf/out", "m"));
	kind_is("gguf", ARGV("-o", "a/out.gguf", "m"));
	kind_is("safetensors", ARGV("-o", "x.safetensors", "m"));
	kind_is("npz", ARGV("-o", ".npz", "m"));
	kind_is("dir", ARGV("-o", "out.npz/", "m"));
	kind_is("raw", ARGV("-F", "raw", "-o", "out.npz", "m"));
	kind_is("npz", ARGV("-o", "out.gguf", "--format=NPZ", "m"));
	kind_is("dir", ARGV("-Fdir", "-o", "out", "m"));
	kind_is("gguf", ARGV("-Fnpz", "-c", "-Fgguf", "m"));
	BAD("'--format' takes raw, gguf, safetensors, npz, dir or hf, not "
	    "'zip'",
	    "-F", "zip", "-c", "m");
	BAD("'--format' has no effect with '--list'", "-l", "-F", "dir", "m");
	BAD("'--format' has no effect without '--output'", "-F", "dir", "m");
	BAD("'--format' has no effect with '--json'", "--json", "-F", "npz",
	    "m");
	kind_is("hf", ARGV("-F", "hf", "m"));
	kind_is("hf", ARGV("--json", "-F", "hf", "m"));
	kind_is("hf", ARGV("-o", "out.gguf", "-F", "hf", "m"));
	BAD("'--format hf' writes many files: it cannot go to standard output",
	    "-F", "hf", "-o", "-", "m");
	BAD("'--check' cannot be combined with '--format hf', whose tensors "
	    "are others", "-F", "hf", "-o", "d", "--check", "c", "m");
	BAD("'--expect' cannot be combined with '--format hf', whose tensors "
	    "are others", "-F", "hf", "-o", "d", "--expect", "e", "m");
	BAD("'--format dir' writes many files: it cannot go to standard output",
	    "-F", "dir", "-o", "-", "m");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_every_option),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_the_last_setting_wins),
		cmocka_unit_test(test_memory_sizes),
		cmocka_unit_test(test_shard_sizes),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_checksums),
		cmocka_unit_test(test_bad_devices),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_expect),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_values_out_of_range),
		cmocka_unit_test(test_shards),
		cmocka_unit_test(test_usage_errors),
		cmocka_unit_test(test_effects),
		cmocka_unit_test(test_options_without_effect),
		cmocka_unit_test(test_combinations),
		cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_standard_streams),
		cmocka_unit_test(test_help_fits_a_terminal),
		cmocka_unit_test(test_format),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/escape.h"
#include "cli/manifest.h"
#include "../fake_model.h"
#include "../scratch.h"

#define X16 "0123456789abcdef"
#define X64 X16 X16 X16 X16
#define KIB ((size_t)1 << 10)

static struct error err;

static const struct plan_globs everything;

static int read_text(struct manifest *manifest, const char *text,
		     const char *asked)
{
	scratch_write("m", text);
	return manifest_read(manifest, "m",
			     asked ? checksum_by_name(asked) : NULL, 256 * KIB,
			     &err);
}

/* ------------------------------- good lines ------------------------------- */

static void line_is(const char *text, const char *asked, const char *checksum,
		    const char *name)
{
	struct manifest m;

	if (read_text(&m, text, asked))
		fail_msg("%s: %s", text, err.message);
	assert_int_equal(m.n_lines, 1);
	assert_string_equal(m.checksum->name, checksum);
	assert_int_equal(m.lines[0].name.len, strlen(name));
	assert_memory_equal(m.lines[0].name.data, name, strlen(name));
	assert_memory_equal(m.lines[0].hex, X16, 16);
	assert_int_equal(m.lines[0].number, 1);
	assert_false(m.lines[0].found);
	manifest_release(&m);
}

static void test_lines(void **state)
{
	(void)state;
	line_is("SHA256 (a.f32) = " X64 "\n", NULL, "sha256", "a.f32");
	line_is("XXH3 (a.f32) = " X16 "\n", NULL, "xxh3", "a.f32");
	line_is("XXH64 (a.f32) = " X16 "\n", NULL, "xxh64", "a.f32");
	line_is("XXH64 (a.f32) = " X16 "\n", "xxh64", "xxh64", "a.f32");
	line_is(X64 "  a.f32\n", "sha256", "sha256", "a.f32");
	line_is(X64 " *a.f32\n", "sha256", "sha256", "a.f32");
	line_is(X16 "  a.f32\n", NULL, "xxh64", "a.f32");
	line_is(X16 "  a.f32\n", "xxh3", "xxh3", "a.f32");
	line_is("XXH3_" X16 "  a.f32\n", NULL, "xxh3", "a.f32");
	line_is("XXH3_" X16 "  a.f32\n", "xxh3", "xxh3", "a.f32");
	/* Line ends. */
	line_is(X16 "  a.f32", NULL, "xxh64", "a.f32");
	line_is(X16 "  a.f32\r\n", NULL, "xxh64", "a.f32");
	line_is("XXH3 (a.f32) = " X16 "\r\n", NULL, "xxh3", "a.f32");
	/* Names that look like something else. */
	line_is("XXH3 (a) = 1 (b.f32) = " X16 "\n", NULL, "xxh3",
		"a) = 1 (b.f32");
	line_is("XXH3 (.f32) = " X16 "\n", NULL, "xxh3", ".f32");
	line_is(X16 "    *.i8\n", NULL, "xxh64", "  *.i8");
	line_is(X16 "  %/.f32\n", NULL, "xxh64", "%/.f32");
}

static void type_is(const char *text, enum output_type type)
{
	struct manifest m;

	if (read_text(&m, text, NULL))
		fail_msg("%s: %s", text, err.message);
	assert_int_equal(m.type, type);
	manifest_release(&m);
}

static void test_types(void **state)
{
	(void)state;
	type_is(X16 "  a.f32\n" X16 "  b.f32\n", OUTPUT_F32);
	type_is(X16 "  a.f16\n", OUTPUT_F16);
	type_is(X16 "  a.bf16\n", OUTPUT_BF16);
	type_is(X16 "  a.q4_0\n", OUTPUT_NATIVE);
	type_is(X16 "  a.f64\n", OUTPUT_NATIVE);
	type_is(X16 "  a.f32\n" X16 "  b.f16\n" X16 "  c.f32\n", OUTPUT_NATIVE);
	type_is(X16 "  a.q4_k\n" X16 "  b.f16\n", OUTPUT_NATIVE);
	/* Integers keep their type, whatever is requested. */
	type_is(X16 "  a.i32\n" X16 "  b.bf16\n" X16 "  c.i8\n", OUTPUT_BF16);
	type_is(X16 "  a.i32\n", OUTPUT_F32);
	/* Only the end of the name counts. */
	type_is(X16 "  a.q4_0.f16\n", OUTPUT_F16);
}

/* -------------------------------- bad files ------------------------------- */

static void assert_refused(const char *text, const char *asked)
{
	struct manifest m;

	err.differs = false;
	assert_int_equal(read_text(&m, text, asked), -1);
	assert_true(err.differs);
}

static void differs(const char *text, const char *asked, const char *message)
{
	assert_refused(text, asked);
	assert_string_equal(err.message, message);
}

/* The message shows the line, escaped and without its end. */
static void is_malformed(const char *text)
{
	char line[ESCAPE_MESSAGE_SIZE], message[ERROR_MESSAGE_SIZE];

	escape_text(line, sizeof(line),
		    (struct text){ text, strcspn(text, "\r\n") });
	snprintf(message, sizeof(message),
		 "line 1 of 'm' is not a checksum line: '%s'", line);
	differs(text, NULL, message);
}

static void test_bad_lines(void **state)
{
	static const char *const bad[] = {
		"\n", "\r\n", "x\n", " \n", X16, X16 " \n", X16 " a.f32\n",
		X16 "\ta.f32\n", X16 "0  a.f32\n", "x" X16 "  a.f32\n",
		" " X16 "  a.f32\n", "0123456789abcdeg  a.f32\n",
		"XXH3_" X16 X16 "  a.f32\n", "XXH64_" X16 "  a.f32\n",
		"MD5 (a.f32) = " X16 X16 "\n", "XXH3(a.f32) = " X16 "\n",
		"XXH3 (a.f32) = " X16 " \n", "XXH3 (a.f32) = 0" X16 "\n",
		"XXH3 (a.f32)= " X16 "\n", "XXH3 [a.f32) = " X16 "\n",
		"XXH3 () = 0123456789abcdeg\n", "\\" X64 "  a\\\\b.f32\n",
		"XXH3 ) = " X16 "\n", "# comment\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		is_malformed(bad[i]);
	differs(X16 "  a.f32\n\n", NULL,
		"line 2 of 'm' is not a checksum line: ''");
	differs(X16 "  a.f32\n" X16 "  b.f32\n" X16, NULL,
		"line 3 of 'm' is not a checksum line: '" X16 "'");
}

#define NO_TYPE \
	"line 1 of 'm' has a name that does not end in a type such as '.f32': "

static void test_bad_names(void **state)
{
	char text[5000];

	(void)state;
	differs(X16 "  \n", NULL, NO_TYPE "''");
	differs(X16 "  f32\n", NULL, NO_TYPE "'f32'");
	differs(X16 "  a.F32\n", NULL, NO_TYPE "'a.F32'");
	differs("XXH3 (a.native) = " X16 "\n", NULL, NO_TYPE "'a.native'");
	differs("XXH3 () = " X16 "\n", NULL, NO_TYPE "''");
	sprintf(text, X16 "  %04900d.f16\n", 0); /* too long for a file */
	type_is(text, OUTPUT_F16);
}

static void test_several_algorithms(void **state)
{
	(void)state;
	differs("XXH3 (a.f32) = " X16 "\nXXH64 (b.f32) = " X16 "\n", NULL,
		"line 2 of 'm' has XXH64 instead of XXH3");
	differs(X16 "  a.f32\nXXH3 (b.f32) = " X16 "\n", NULL,
		"line 2 of 'm' has XXH3 instead of XXH64");
	differs("XXH3 (a.f32) = " X16 "\n", "sha256",
		"line 1 of 'm' has XXH3 instead of SHA256");
	differs("XXH3_" X16 "  a.f32\n", "xxh64",
		"line 1 of 'm' has XXH3 instead of XXH64");
}

static void test_repeats(void **state)
{
	(void)state;
	differs(X16 "  b.f32\n" X16 "  a.f32\n" X16 "  c.f32\n"
		X16 "  c.f32\n" X16 "  a.f32\n" X16 "  c.f32\n", NULL,
		"line 4 of 'm' repeats the name in line 3");
	differs("XXH64 (a.f32) = " X16 "\n" X16 "  a.f32\r\n", NULL,
		"line 2 of 'm' repeats the name in line 1");
	differs("", NULL, "'m' is empty");
}

static void test_nul_bytes(void **state)
{
	static const char text[] = X16 "  a\0b.f32\n" X16 "  a\0c.f32\n";
	struct manifest m;
	FILE *const stream = fopen("m", "w");

	(void)state;
	assert_int_equal(fwrite(text, 1, sizeof(text) - 1, stream),
			 sizeof(text) - 1);
	fclose(stream);
	assert_int_equal(manifest_read(&m, "m", NULL, KIB, &err), 0);
	assert_int_equal(m.n_lines, 2);
	assert_int_equal(m.lines[1].name.len, 7);
	manifest_release(&m);
}

/* As many of the shortest lines as fit, then one byte more. */
static void test_size(void **state)
{
	const size_t n = 10000;
	struct manifest m;
	FILE *const stream = fopen("m", "w");

	(void)state;
	for (unsigned i = 0; i < n; i++)
		fprintf(stream, X16 "  %c%c%c%c.i8\n", 'a' + i % 10,
			'a' + i / 10 % 10, 'a' + i / 100 % 10, 'a' + i / 1000);
	fclose(stream);
	assert_int_equal(manifest_read(&m, "m", NULL, n * 26, &err), 0);
	assert_int_equal(m.n_lines, n);
	for (size_t i = 1; i < n; i++)
		assert_true(memcmp(m.lines[i - 1].name.data,
				   m.lines[i].name.data, 4) < 0);
	manifest_release(&m);

	assert_int_equal(manifest_read(&m, "m", NULL, n * 26 - 1, &err), -1);
	assert_string_equal(err.message, "'m' is larger than the 259999 bytes "
					 "that '--memory' allows for it");
	assert_false(err.differs);
	assert_int_equal(manifest_read(&m, "m", NULL, 16, &err), -1);
	/* One line that never ends. */
	assert_int_equal(manifest_read(&m, "/dev/zero", NULL, 64 * KIB, &err),
			 -1);
	assert_string_equal(err.message, "'/dev/zero' is larger than the 65536 "
					 "bytes that '--memory' allows for it");
}

static void test_no_file(void **state)
{
	struct manifest m;

	(void)state;
	assert_int_equal(manifest_read(&m, "none", NULL, KIB, &err), -1);
	assert_string_equal(err.message, "cannot open 'none': "
					 "No such file or directory");
	assert_false(err.differs);
	assert_int_equal(manifest_read(&m, ".", NULL, KIB, &err), -1);
	assert_false(err.differs);
}

/* ---------------------------- print and compare --------------------------- */

static const unsigned char sums[] = {
	0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0, 0, 0, 0, 0, 0, 0, 0,
};

static void make_plan(struct fake_model *fake, struct plan *plan)
{
	fake_model_init(fake, 3);
	fake_model_add(fake, "b", FORMAT_I8, 1, 0);
	fake_model_add(fake, "a/\n", FORMAT_Q8_0, 32, 32);
	fake_model_add(fake, "", FORMAT_F16, 1, 96);
	assert_int_equal(plan_init(plan, &fake->model, &everything, OUTPUT_F32,
				   &err), 0);
}

static void prints(const struct plan *plan, const char *checksum, bool untagged,
		   const char *expected)
{
	char *text;
	size_t n;
	FILE *const stream = open_memstream(&text, &n);

	assert_int_equal(manifest_print(stream, plan,
					checksum_by_name(checksum), sums,
					untagged, &err), 0);
	fclose(stream);
	assert_string_equal(text, expected);
	free(text);
}

static void test_print(void **state)
{
	struct fake_model fake;
	struct plan plan;

	(void)state;
	make_plan(&fake, &plan);
	prints(&plan, "xxh64", false, "XXH64 (b.i8) = 0123456789abcdef\n"
				      "XXH64 (a%2F%0A.f32) = ffffffffffffffff\n"
				      "XXH64 (%.f32) = 0000000000000000\n");
	prints(&plan, "xxh64", true, "0123456789abcdef  b.i8\n"
				     "ffffffffffffffff  a%2F%0A.f32\n"
				     "0000000000000000  %.f32\n");
	plan.n_tensors = 1;
	prints(&plan, "xxh3", true, "XXH3_0123456789abcdef  b.i8\n");
	plan.n_tensors = 0;
	prints(&plan, "xxh3", false, "");
	plan_release(&plan);
	fake_model_release(&fake);
}

/* message: NULL if all checksums match. */
static void compares(const struct plan *plan, const char *text, bool quiet,
		     const char *expected, const char *message)
{
	struct manifest m;
	char *lines;
	size_t n;
	FILE *const stream = open_memstream(&lines, &n);
	int result;

	if (read_text(&m, text, NULL))
		fail_msg("%s", err.message);
	err.differs = false;
	result = manifest_compare(&m, stream, plan, sums, quiet, &err);
	fclose(stream);
	assert_string_equal(lines, expected);
	assert_int_equal(result, message ? -1 : 0);
	assert_int_equal(err.differs, message != NULL);
	if (message)
		assert_string_equal(err.message, message);
	free(lines);
	manifest_release(&m);
}

static void test_compare(void **state)
{
	struct fake_model fake;
	struct plan plan;

	(void)state;
	make_plan(&fake, &plan);
	compares(&plan, "0000000000000000  %.f32\n0123456789ABCDEF  b.i8\n"
			"ffffffffffffffff  a%2F%0A.f32\n", false,
		 "b.i8: OK\na%2F%0A.f32: OK\n%.f32: OK\n", NULL);
	compares(&plan, "0000000000000000  %.f32\n0123456789ABCDEF  b.i8\n"
			"ffffffffffffffff  a%2F%0A.f32\n", true, "", NULL);
	compares(&plan, "0000000000000000  %.f32\n0123456789ABCDEE  b.i8\n"
			"1fffffffffffffff  a%2F%0A.f32\n", false,
		 "b.i8: FAILED\na%2F%0A.f32: FAILED\n%.f32: OK\n",
		 "2 of 3 checksums differ");
	compares(&plan, "0000000000000000  %.f32\n", false,
		 "b.i8: FAILED, no line\na%2F%0A.f32: FAILED, no line\n"
		 "%.f32: OK\n",
		 "0 of 1 checksums differ, 2 tensors have no line");
	compares(&plan, "0000000000000000  x\033[m.f32\n"
			"0000000000000000  %.f32\n"
			"ffffffffffffffff  a%2F%0A.f32\n", true,
		 "b.i8: FAILED, no line\nx\\x1b[m.f32: FAILED, no tensor\n",
		 "0 of 2 checksums differ, 1 tensor has no line, 1 line has no "
		 "tensor");
	/* The type is part of the name. */
	compares(&plan, "0000000000000000  %.f16\n0123456789abcdef  b.i8\n"
			"ffffffffffffffff  a%2F%0A.f32\n", true,
		 "%.f32: FAILED, no line\n%.f16: FAILED, no tensor\n",
		 "0 of 2 checksums differ, 1 tensor has no line, 1 line has no "
		 "tensor");
	plan_release(&plan);
	fake_model_release(&fake);
}

/* The output types that the lines give "a" (Q4_K), "b" (F16), "c" (I8). */
static const char *types_of(const char *text)
{
	static char types[64];
	struct fake_model fake;
	struct plan plan;
	struct manifest m;
	const struct plan_globs globs = { .type_of = manifest_type_of,
					  .context = &m };

	assert_int_equal(read_text(&m, text, NULL), 0);
	fake_model_init(&fake, 3);
	fake_model_add(&fake, "a", FORMAT_Q4_K, 256, 0);
	fake_model_add(&fake, "b", FORMAT_F16, 1, 256);
	fake_model_add(&fake, "c", FORMAT_I8, 1, 512);
	assert_int_equal(plan_init(&plan, &fake.model, &globs, OUTPUT_F32,
				   &err), 0);
	snprintf(types, sizeof(types), "%s %s %s",
		 plan.tensors[0].format->file_name,
		 plan.tensors[1].format->file_name,
		 plan.tensors[2].format->file_name);
	plan_release(&plan);
	fake_model_release(&fake);
	manifest_release(&m);
	return types;
}

static void test_each_line_has_a_type(void **state)
{
	(void)state;
	assert_string_equal(types_of(X16 "  a.f32\n" X16 "  b.bf16\n"
				     X16 "  c.i8\n"), "f32 bf16 i8");
	assert_string_equal(types_of(X16 "  a.q4_k\n" X16 "  b.f32\n"),
			    "q4_k f32 i8");
	assert_string_equal(types_of(X16 "  a.q4_k\n" X16 "  b.f16\n"),
			    "q4_k f16 i8");
	/* Without a line, what the others have. */
	assert_string_equal(types_of(X16 "  b.bf16\n"), "bf16 bf16 i8");
	assert_string_equal(types_of(X16 "  c.i8\n"), "f32 f32 i8");
	/* Both have a line: the type of all lines, if that is one of them. */
	assert_string_equal(types_of(X16 "  b.bf16\n" X16 "  b.f16\n"),
			    "q4_k f16 i8");
	/* No type gives this one. */
	assert_string_equal(types_of(X16 "  a.q8_0\n"), "q4_k f16 i8");
}

/* The longest name, of which each byte becomes three; no file can have it. */
static void test_names_of_any_length(void **state)
{
	static char name[GGUF_MAX_NAME + 1];
	const struct checksum *const xxh64 = checksum_by_name("xxh64");
	struct fake_model fake;
	struct plan plan;
	struct manifest m;
	size_t len;
	char *text;
	FILE *stream = open_memstream(&text, &len);

	(void)state;
	memset(name, '%', sizeof(name) - 1);
	fake_model_init(&fake, 1);
	fake_model_add(&fake, name, FORMAT_I8, 1, 0);
	assert_int_equal(plan_init(&plan, &fake.model, &everything, OUTPUT_F32,
				   &err), 0);
	assert_int_equal(manifest_print(stream, &plan, xxh64, sums, false,
					&err), 0);
	fclose(stream);
	assert_true(len > 3 * GGUF_MAX_NAME);
	assert_int_equal(read_text(&m, text, NULL), 0);
	free(text);
	stream = open_memstream(&text, &len);
	assert_int_equal(manifest_compare(&m, stream, &plan, sums, true, &err),
			 0);
	fclose(stream);
	assert_int_equal(len, 0);
	free(text);
	manifest_release(&m);
	plan_release(&plan);
	fake_model_release(&fake);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, scratch_enter, scratch_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lines),
		TEST(test_types),
		TEST(test_bad_lines),
		TEST(test_bad_names),
		TEST(test_several_algorithms),
		TEST(test_repeats),
		TEST(test_nul_bytes),
		TEST(test_size),
		TEST(test_no_file),
		TEST(test_print),
		TEST(test_compare),
		TEST(test_each_line_has_a_type),
		TEST(test_names_of_any_length),
	};

	return cmocka_run_group_tests_name("manifest", tests, NULL, NULL);
}

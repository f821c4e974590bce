#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

/* A document written to memory. */
struct document {
	struct json json;
	char *text;
	size_t len;
};

static void document_open(struct document *doc)
{
	*doc = (struct document){ 0 };
	json_init(&doc->json, open_memstream(&doc->text, &doc->len), 2);
	assert_non_null(doc->json.stream);
}

static void document_is(struct document *doc, const char *expected)
{
	assert_int_equal(fclose(doc->json.stream), 0);
	assert_string_equal(doc->text, expected);
	assert_int_equal(doc->len, strlen(expected));
	free(doc->text);
}

static void test_containers_break_lines_down_to_depth_2(void **state)
{
	struct document doc;

	(void)state;
	document_open(&doc);
	json_object(&doc.json);
	json_key(&doc.json, "empty");
	json_object(&doc.json);
	json_object_end(&doc.json);
	json_key(&doc.json, "rows");
	json_array(&doc.json);
	for (unsigned i = 0; i < 2; i++) {
		json_object(&doc.json);
		json_key(&doc.json, "shape");
		json_array(&doc.json);
		json_unsigned(&doc.json, i);
		json_unsigned(&doc.json, 2);
		json_array_end(&doc.json);
		json_key(&doc.json, "none");
		json_array(&doc.json);
		json_array_end(&doc.json);
		json_object_end(&doc.json);
	}
	json_array_end(&doc.json);
	json_key(&doc.json, "last");
	json_bool(&doc.json, true);
	json_object_end(&doc.json);
	document_is(&doc, "{\n"
			  "  \"empty\": {},\n"
			  "  \"rows\": [\n"
			  "    {\"shape\": [0, 2], \"none\": []},\n"
			  "    {\"shape\": [1, 2], \"none\": []}\n"
			  "  ],\n"
			  "  \"last\": true\n"
			  "}\n");
}

static void becomes(const char *bytes, size_t len, const char *expected)
{
	struct document doc;

	document_open(&doc);
	json_text(&doc.json, (struct text){ bytes, len });
	document_is(&doc, expected);
}

#define TEXT_IS(bytes, expected) becomes(bytes, sizeof(bytes) - 1, expected)

static void test_text_is_escaped(void **state)
{
	(void)state;
	TEXT_IS("", "\"\"");
	TEXT_IS("blk.0.attn_q.weight", "\"blk.0.attn_q.weight\"");
	TEXT_IS("a\"b\\c/d", "\"a\\\"b\\\\c/d\"");
	TEXT_IS("\n\t\0\x1b[31m\x7f",
		"\"\\n\\u0009\\u0000\\u001b[31m\\u007f\"");
}

static void test_text_beyond_ascii(void **state)
{
	(void)state;
	TEXT_IS("\xc2\x80", "\"\\u0080\"");
	TEXT_IS("\xdf\xbf", "\"\\u07ff\"");
	TEXT_IS("\xe0\xa0\x80", "\"\\u0800\"");
	TEXT_IS("\xe2\x96\x81the", "\"\\u2581the\"");
	TEXT_IS("\xed\x9f\xbf\xee\x80\x80", "\"\\ud7ff\\ue000\"");
	TEXT_IS("\xef\xbf\xbf", "\"\\uffff\"");
	TEXT_IS("\xf0\x90\x80\x80", "\"\\ud800\\udc00\"");
	TEXT_IS("\xf0\x9f\x98\x80!", "\"\\ud83d\\ude00!\"");
	TEXT_IS("\xf4\x8f\xbf\xbf", "\"\\udbff\\udfff\"");
}

/* Bytes that are not UTF-8 become U+DC80 … U+DCFF. */
static void test_text_that_is_not_utf8(void **state)
{
	(void)state;
	TEXT_IS("\x80\xbf", "\"\\udc80\\udcbf\"");
	TEXT_IS("\xc3", "\"\\udcc3\"");
	TEXT_IS("\xc3(", "\"\\udcc3(\"");
	TEXT_IS("\xe2\x96", "\"\\udce2\\udc96\"");
	TEXT_IS("\xf0\x9f\x98", "\"\\udcf0\\udc9f\\udc98\"");
	TEXT_IS("\xc0\x80", "\"\\udcc0\\udc80\"");
	TEXT_IS("\xc1\xbf", "\"\\udcc1\\udcbf\"");
	TEXT_IS("\xe0\x9f\xbf", "\"\\udce0\\udc9f\\udcbf\"");
	TEXT_IS("\xed\xa0\x80", "\"\\udced\\udca0\\udc80\"");
	TEXT_IS("\xf0\x8f\xbf\xbf", "\"\\udcf0\\udc8f\\udcbf\\udcbf\"");
	TEXT_IS("\xf4\x90\x80\x80", "\"\\udcf4\\udc90\\udc80\\udc80\"");
	TEXT_IS("\xf8\x88\x80\x80\x80",
		"\"\\udcf8\\udc88\\udc80\\udc80\\udc80\"");
	TEXT_IS("\xff", "\"\\udcff\"");
}

static void test_integers_are_exact(void **state)
{
	struct document doc;

	(void)state;
	document_open(&doc);
	json_array(&doc.json);
	json_unsigned(&doc.json, UINT64_MAX);
	json_signed(&doc.json, INT64_MIN);
	json_signed(&doc.json, 0);
	json_array_end(&doc.json);
	document_is(&doc, "[\n"
			  "  18446744073709551615,\n"
			  "  -9223372036854775808,\n"
			  "  0\n"
			  "]\n");
}

static void float_is(float value, const char *expected)
{
	struct document doc;

	document_open(&doc);
	json_float(&doc.json, value);
	document_is(&doc, expected);
}

static void double_is(double value, const char *expected)
{
	struct document doc;

	document_open(&doc);
	json_double(&doc.json, value);
	document_is(&doc, expected);
}

static void test_floats_are_the_shortest_that_read_back(void **state)
{
	(void)state;
	float_is(0.0f, "0.0");
	float_is(-0.0f, "-0.0");
	float_is(1.0f, "1.0");
	float_is(0.1f, "0.1");
	float_is(1e-5f, "1e-05");
	float_is(1e6f, "1e+06");
	float_is(123456.0f, "123456.0");
	float_is(16777215.0f, "16777215.0");
	float_is(FLT_MAX, "3.4028235e+38");
	float_is(FLT_MIN, "1.1754944e-38");
	float_is(0x1p-149f, "1e-45");
	double_is(0.1, "0.1");
	double_is(0.1 + 0.2, "0.30000000000000004");
	double_is(-1.5, "-1.5");
	double_is(DBL_MAX, "1.7976931348623157e+308");
	double_is(0x1p-1074, "5e-324");
}

static void test_json_has_no_nan_and_no_infinity(void **state)
{
	(void)state;
	float_is(NAN, "\"NaN\"");
	float_is(-NAN, "\"NaN\"");
	float_is(INFINITY, "\"Infinity\"");
	double_is(-INFINITY, "\"-Infinity\"");
}

/* Any float is written with at most 9 digits and reads back the same. */
static void test_any_float_reads_back(void **state)
{
	uint32_t bits = 1;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct document doc;
		float value, back;

		bits = bits * 1664525 + 1013904223;
		memcpy(&value, &bits, sizeof(value));
		if (!isfinite(value))
			continue;
		document_open(&doc);
		json_float(&doc.json, value);
		assert_int_equal(fclose(doc.json.stream), 0);
		back = strtof(doc.text, NULL);
		assert_memory_equal(&back, &value, sizeof(value));
		assert_true(doc.len <= strlen("-1.23456789e-38"));
		free(doc.text);
	}
}

static void test_a_write_error_is_the_streams(void **state)
{
	struct json json;
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(full);
	json_init(&json, full, 2);
	json_array(&json);
	json_array_end(&json);
	fflush(full);
	assert_true(ferror(full));
	fclose(full);
}

static void test_one_line(void **state)
{
	struct json json;
	size_t len;
	char *text;

	(void)state;
	json_init(&json, open_memstream(&text, &len), 0);
	json_object(&json);
	json_key(&json, "a");
	json_array(&json);
	json_unsigned(&json, 1);
	json_unsigned(&json, 2);
	json_array_end(&json);
	json_key(&json, "b");
	json_object(&json);
	json_object_end(&json);
	json_object_end(&json);
	fclose(json.stream);
	assert_string_equal(text, "{\"a\": [1, 2], \"b\": {}}");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_containers_break_lines_down_to_depth_2),
		cmocka_unit_test(test_text_is_escaped),
		cmocka_unit_test(test_text_beyond_ascii),
		cmocka_unit_test(test_text_that_is_not_utf8),
		cmocka_unit_test(test_integers_are_exact),
		cmocka_unit_test(test_floats_are_the_shortest_that_read_back),
		cmocka_unit_test(test_json_has_no_nan_and_no_infinity),
		cmocka_unit_test(test_any_float_reads_back),
		cmocka_unit_test(test_a_write_error_is_the_streams),
		cmocka_unit_test(test_one_line),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}

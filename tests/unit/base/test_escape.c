#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/escape.h"

#define TEXT(literal) (struct text){ literal, sizeof(literal) - 1 }

static void assert_escaped(struct text text, const char *expected)
{
	/* Of the exact size, so that a sanitizer sees an overrun. */
	char *const buffer = malloc(ESCAPE_SIZE(text.len));

	assert_ptr_equal(escape_text(buffer, ESCAPE_SIZE(text.len), text),
			 buffer);
	assert_string_equal(buffer, expected);
	free(buffer);
}

static void test_printable_text_stays(void **state)
{
	(void)state;
	assert_escaped(TEXT(""), "");
	assert_escaped(TEXT("blk.0.attn_q.weight"), "blk.0.attn_q.weight");
	assert_escaped(TEXT(" !~'\""), " !~'\"");
	assert_escaped(TEXT("é €𝄞 ▁the"), "é €𝄞 ▁the");
}

static void test_backslash_is_doubled(void **state)
{
	(void)state;
	assert_escaped(TEXT("\\n\\\\"), "\\\\n\\\\\\\\");
}

static void test_controls_are_escaped(void **state)
{
	(void)state;
	assert_escaped(TEXT("\n\t\r"), "\\n\\t\\r");
	assert_escaped(TEXT("a\0b\x1b[31m\x7f"), "a\\x00b\\x1b[31m\\x7f");
	assert_escaped(TEXT("\xc2\x85\xc2\x9b"), "\\xc2\\x85\\xc2\\x9b");
}

/* Appends the code point as UTF-8, even if it is invalid. */
static size_t put_utf8(char *p, uint32_t code)
{
	const size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 :
			 code < 0x10000 ? 3 : 4;

	for (size_t i = n; i-- > 1; code >>= 6)
		p[i] = (char)(0x80 | (code & 0x3f));
	p[0] = (char)(n == 1 ? code : (0xf00 >> n & 0xff) | code);
	return n;
}

static bool is_escaped(uint32_t code)
{
	char in[4];
	char out[32];
	const struct text text = { in, put_utf8(in, code) };

	escape_text(out, sizeof(out), text);
	if (strlen(out) == text.len && !memcmp(out, in, text.len))
		return false;
	assert_int_equal(strlen(out), code == '\\' || code == '\n' ||
			 code == '\r' || code == '\t' ? 2 : 4 * text.len);
	return true;
}

/* Compares every code point with a list made by hand. */
static void test_each_code_point(void **state)
{
	static const uint32_t escaped[][2] = {
		{ 0x00, 0x1f },       { '\\', '\\' },	  { 0x7f, 0x9f },
		{ 0xad, 0xad },       { 0x600, 0x605 },	  { 0x61c, 0x61c },
		{ 0x6dd, 0x6dd },     { 0x70f, 0x70f },	  { 0x890, 0x891 },
		{ 0x8e2, 0x8e2 },     { 0x180e, 0x180e },
		{ 0x200b, 0x200f },   { 0x2028, 0x202e }, { 0x2060, 0x206f },
		{ 0xd800, 0xdfff },   { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb },
		{ 0x110bd, 0x110bd }, { 0x110cd, 0x110cd },
		{ 0x13430, 0x1343f }, { 0x1bca0, 0x1bca3 },
		{ 0x1d173, 0x1d17a }, { 0xe0000, 0xe007f },
		{ 0x110000, 0x1fffff },
	};
	const size_t n = sizeof(escaped) / sizeof(*escaped);
	size_t i = 0;

	(void)state;
	for (uint32_t code = 0; code < 0x200000; code++) {
		while (i < n && code > escaped[i][1])
			i++;
		if (is_escaped(code) != (i < n && code >= escaped[i][0]))
			fail_msg("U+%04X", code);
	}
}

static void test_invalid_utf8_is_escaped(void **state)
{
	(void)state;
	assert_escaped(TEXT("\x80\xbf"), "\\x80\\xbf");
	assert_escaped(TEXT("\xc0\x80\xc1\xbf"), "\\xc0\\x80\\xc1\\xbf");
	assert_escaped(TEXT("\xe0\x9f\xbf"), "\\xe0\\x9f\\xbf");
	assert_escaped(TEXT("\xf0\x8f\xbf\xbf"), "\\xf0\\x8f\\xbf\\xbf");
	assert_escaped(TEXT("\xf8\x88\x80\x80\x80"),
		       "\\xf8\\x88\\x80\\x80\\x80");
	assert_escaped(TEXT("\xfe\xff"), "\\xfe\\xff");
	/* A sequence that is cut off does not swallow the next byte. */
	assert_escaped(TEXT("\xe2\x82"), "\\xe2\\x82");
	assert_escaped(TEXT("\xe2\x82z"), "\\xe2\\x82z");
	assert_escaped(TEXT("\xf0\x9d\x84\xc3\xa9"), "\\xf0\\x9d\\x84é");
}

static void test_utf8_gives_code_points(void **state)
{
	uint32_t code;

	(void)state;
	assert_int_equal(escape_utf8(TEXT("a"), &code), 1);
	assert_int_equal(code, 'a');
	assert_int_equal(escape_utf8(TEXT("éa"), &code), 2);
	assert_int_equal(code, 0xe9);
	assert_int_equal(escape_utf8(TEXT("€"), &code), 3);
	assert_int_equal(code, 0x20ac);
	assert_int_equal(escape_utf8(TEXT("𝄞"), &code), 4);
	assert_int_equal(code, 0x1d11e);
	assert_int_equal(escape_utf8(TEXT("\xe2\x82"), &code), 0);
}

static void test_cut_at_a_whole_character(void **state)
{
	static const struct {
		struct text text;
		size_t size;
		const char *expected;
	} cases[] = {
		{ { "1234567", 7 }, 8, "1234567" },
		{ { "12345678", 8 }, 8, "1234…" },
		{ { "123\n567", 7 }, 8, "123…" },
		{ { "123456\n", 7 }, 8, "1234…" },
		{ { "123\xff", 4 }, 8, "123\\xff" },
		{ { "1234\xff", 5 }, 8, "1234…" },
		{ { "€€", 6 }, 8, "€€" },
		{ { "€€ab", 8 }, 8, "€…" },
		{ { "\xe2\x80\xae", 3 }, 12, "…" },
		{ { "\xe2\x80\xae", 3 }, 13, "\\xe2\\x80\\xae" },
		{ { "\xf3\xa0\x80\xa0z", 5 }, 17, "…" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *const buffer = malloc(cases[i].size);

		escape_text(buffer, cases[i].size, cases[i].text);
		assert_string_equal(buffer, cases[i].expected);
		free(buffer);
	}
}

static void test_is_utf8(void **state)
{
	(void)state;
	assert_true(escape_is_utf8(TEXT("")));
	assert_true(escape_is_utf8(TEXT("a\0\x1b é€𝄞")));
	assert_false(escape_is_utf8(TEXT("a\xff")));
	assert_false(escape_is_utf8(TEXT("\xe2\x82")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_printable_text_stays),
		cmocka_unit_test(test_backslash_is_doubled),
		cmocka_unit_test(test_controls_are_escaped),
		cmocka_unit_test(test_each_code_point),
		cmocka_unit_test(test_invalid_utf8_is_escaped),
		cmocka_unit_test(test_utf8_gives_code_points),
		cmocka_unit_test(test_cut_at_a_whole_character),
		cmocka_unit_test(test_is_utf8),
	};

	return cmocka_run_group_tests_name("escape", tests, NULL, NULL);
}

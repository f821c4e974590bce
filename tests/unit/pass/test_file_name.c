#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "pass/file_name.h"
#include "../fake_model.h"

static struct error err;

/* Returns the file name for a name; NULL and an error if it is too long. */
static char *name_file(const char *data, size_t len, const char *type)
{
	const struct gguf_tensor info = { .name = { data, len } };
	const struct model_tensor tensor = { .info = &info };
	const struct format format = { .file_name = type };

	return file_name_of(&(struct plan_tensor){ .tensor = &tensor,
						   .format = &format }, &err);
}

static void assert_named(const char *data, size_t len, const char *expected)
{
	char *const path = name_file(data, len, "f32");

	assert_string_equal(path, expected);
	free(path);
}

/* Recovers the name from a path as described in file_name.h. Returns its
 * length. */
static size_t name_of(const char *path, const char *type, char *name)
{
	const char *const end = path + strlen(path) - strlen(type) - 1;
	size_t len = 0;
	unsigned byte;

	assert_int_equal(*end, '.');
	assert_string_equal(end + 1, type);
	if (end - path == 1 && *path == '%')
		return 0;
	while (path < end) {
		if (*path != '%') {
			name[len++] = *path++;
		} else if (path[1] == '/') {
			path += 2;
		} else {
			assert_int_equal(sscanf(path, "%%%2X", &byte), 1);
			name[len++] = (char)byte;
			path += 3;
		}
	}
	return len;
}

/* Each component is a valid file name that stays inside its folder. */
static void assert_components(const char *path)
{
	assert_true(strlen(path) <= FILE_NAME_MAX);
	for (;;) {
		const size_t n = strcspn(path, "/");

		assert_in_range(n, 2, FILE_NAME_MAX_COMPONENT);
		assert_int_not_equal(*path, '.');
		if (!path[n])
			break;
		assert_int_equal(path[n - 1], '%');
		path += n + 1;
	}
}

static void assert_comes_back(const char *data, size_t len, const char *type)
{
	char back[FILE_NAME_MAX];
	char *const path = name_file(data, len, type);

	assert_non_null(path);
	assert_components(path);
	assert_int_equal(name_of(path, type, back), len);
	assert_memory_equal(back, data, len);
	free(path);
}

#define NAMED(name, expected) assert_named(name, sizeof(name) - 1, expected)

static void test_names(void **state)
{
	(void)state;
	NAMED("blk.0.attn_q.weight", "blk.0.attn_q.weight.f32");
	NAMED("", "%.f32");
	NAMED("%", "%25.f32");
	NAMED(".", "%2E.f32");
	NAMED("..", "%2E..f32");
	NAMED("../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd.f32");
	NAMED("a/b\\c", "a%2Fb%5Cc.f32");
	NAMED("a\0b\nc\x7f", "a%00b%0Ac%7F.f32");
	NAMED("a.f32", "a.f32.f32");
	NAMED("quote ' \" *?", "quote ' \" *?.f32");
	NAMED("\u6f22\U0001f642", "\u6f22\U0001f642.f32");
	NAMED("\xff\xc3(\xe2\x82", "%FF%C3(%E2%82.f32");
	NAMED("\u202e\xc2\x85", "%E2%80%AE%C2%85.f32");
}

static void test_every_byte_comes_back(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 256; i++) {
		const char name[] = { (char)i, 'x', (char)i };

		assert_comes_back(name, 1, "f32");
		assert_comes_back(name, 3, "iq2_xxs");
	}
}

/* Lengths around that of a full component, with characters that take one byte,
 * three, and twelve. */
static void test_long_names_are_cut(void **state)
{
	static const char *const characters[] = { "x", ".", "/", "\u20ac",
						  "\U000e0001" };
	char name[3000];

	(void)state;
	for (size_t c = 0; c < sizeof(characters) / sizeof(*characters); c++) {
		const size_t n = strlen(characters[c]);
		size_t len;

		for (len = 0; len < 1200; len += n) {
			memcpy(name + len, characters[c], n);
			assert_comes_back(name, len + n, "f16");
		}
	}
	memset(name, 'x', sizeof(name));
	for (size_t len = 240; len < 1100; len++)
		assert_comes_back(name, len, "iq2_xxs");
}

static void test_cut(void **state)
{
	char name[252], expected[264];

	(void)state;
	memset(name, 'x', sizeof(name));
	memset(expected, 'x', sizeof(expected));
	strcpy(expected + 251, ".f32");
	assert_named(name, 251, expected);
	strcpy(expected + 251, "%/x.f32");
	assert_named(name, 252, expected);
	name[251] = '.';
	strcpy(expected + 251, "%/%2E.f32");
	assert_named(name, 252, expected);
}

static void test_too_long(void **state)
{
	static char name[GGUF_MAX_NAME];
	const char *const end = "…' has a name of 5000 bytes, for which a file "
				"name would have more than 4000";

	(void)state;
	memset(name, 'x', sizeof(name));
	/* 15 components of 254 bytes and "%/", then 156 and ".f32": 4000. */
	assert_comes_back(name, 3966, "f32");
	assert_null(name_file(name, 3967, "f32"));
	assert_null(name_file(name, sizeof(name), "f32"));
	assert_null(name_file(name, 5000, "f32"));
	assert_memory_equal(err.message, "tensor 'xxx", 11);
	assert_string_equal(err.message + strlen(err.message) - strlen(end),
			    end);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_every_byte_comes_back),
		cmocka_unit_test(test_long_names_are_cut),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests_name("file_name", tests, NULL, NULL);
}

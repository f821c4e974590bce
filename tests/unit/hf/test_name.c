#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hf/name.h"

static bool matches(const char *pattern, const char *name,
		    struct hf_match *match)
{
	return hf_name_matches(pattern, text_of(name), match);
}

static void test_numbers_and_endings(void **state)
{
	struct hf_match match;
	char name[HF_NAME_SIZE];

	(void)state;
	assert_true(matches("blk.#.ffn_up.@.*", "blk.12.ffn_up.3.bias",
			    &match));
	assert_true(match.has_layer);
	assert_int_equal(match.layer, 12);
	assert_int_equal(match.part, 3);
	assert_true(match.is_bias);
	hf_name_make(name, "model.layers.#.experts.@.w3.*", &match);
	assert_string_equal(name, "model.layers.12.experts.3.w3.bias");

	assert_true(matches("output.*", "output.weight", &match));
	assert_false(match.has_layer);
	assert_false(match.is_bias);
	assert_true(matches("blk.#.x", "blk.4294967295.x", &match));
	assert_int_equal(match.layer, UINT32_MAX);
}

static void test_other_names(void **state)
{
	static const char *const names[] = {
		"",	       "blk.",	       "blk..w.weight",
		"blk.01.w.weight", "blk.-1.w.weight", "blk.+1.w.weight",
		"blk.1.w",     "blk.1.w.weights", "blk.1.w.weight.bias",
		"xblk.1.w.weight", "blk.4294967296.w.weight",
		"blk.99999999999999999999.w.weight", "blk.1.w.weigh",
		"blk.1/../w.weight", "BLK.1.w.weight",
	};
	struct hf_match match;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_false(matches("blk.#.w.*", names[i], &match));
	assert_false(hf_name_matches("a", (struct text){ "a\0", 2 }, &match));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_and_endings),
		cmocka_unit_test(test_other_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

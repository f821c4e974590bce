#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hf/pre_tokenizers.h"
#include "../hf_model.h"

static const struct pre_tokenizer *find(const char *name)
{
	return pre_tokenizer_find(text_of(name));
}

static void check(const char *name, unsigned flags, const char *expected)
{
	const struct pre_tokenizer *const pre = find(name);
	struct written written;
	struct json json;

	assert_non_null(pre);
	assert_string_equal(pre->name, name);
	assert_int_equal(pre->flags, flags);
	written_open(&written);
	json_init(&json, written.stream, 0);
	pre_tokenizer_put(pre, &json);
	assert_string_equal(written_text(&written), expected);
	written_close(&written);
}

#define SEQUENCE(steps) \
	"{\"type\": \"Sequence\", \"pretokenizers\": [" steps "]}"
#define SPLIT(regex)                                                       \
	"{\"type\": \"Split\", \"pattern\": {\"Regex\": \"" regex "\"}, "  \
	"\"behavior\": \"Isolated\", \"invert\": false}"
#define BYTE_LEVEL(words)                                                  \
	"{\"type\": \"ByteLevel\", \"add_prefix_space\": false, "          \
	"\"trim_offsets\": false, \"use_regex\": " words "}"
#define DIGITS(individual)                                                 \
	"{\"type\": \"Digits\", \"individual_digits\": " individual "}"

static void test_steps(void **state)
{
	(void)state;
	check("gpt-2", 0, SEQUENCE(BYTE_LEVEL("true")));
	check("command-r", PRE_NFC,
	      SEQUENCE(DIGITS("true") ", " BYTE_LEVEL("true")));
	check("falcon", 0,
	      SEQUENCE("{\"type\": \"Punctuation\", \"behavior\": "
		       "\"Contiguous\"}, " BYTE_LEVEL("true") ", "
		       DIGITS("false") ", " SPLIT("[0-9][0-9][0-9]")));
	check("llama-bpe", PRE_IGNORES_MERGES | PRE_ADDS_BOS,
	      SEQUENCE(SPLIT("(?i:'s|'t|'re|'ve|'m|'ll|'d)|"
			     "[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|"
			     "\\\\p{N}{1,3}| ?[^\\\\s\\\\p{L}\\\\p{N}]+"
			     "[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|"
			     "\\\\s+(?!\\\\S)|\\\\s+") ", "
		       BYTE_LEVEL("false")));
	check("deepseek-coder", 0,
	      SEQUENCE(SPLIT("[\\\\r\\\\n]") ", " SPLIT("\\\\s?\\\\p{L}+") ", "
		       SPLIT("\\\\s?\\\\p{P}+") ", "
		       SPLIT("[\\u4e00-\\u9fa5\\u0800-\\u4e00\\uac00-\\ud7ff]+")
		       ", " SPLIT("\\\\p{N}") ", " BYTE_LEVEL("false")));
}

static void test_unknown_names(void **state)
{
	(void)state;
	assert_null(find(""));
	assert_null(find("gpt-2x"));
	assert_null(find("gpt"));
	assert_null(find("GPT-2"));
	assert_null(pre_tokenizer_find((struct text){ "gpt-2\0", 6 }));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_unknown_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

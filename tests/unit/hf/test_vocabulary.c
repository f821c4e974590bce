#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hf/vocabulary.h"
#include "../hf_model.h"

#define TOKENS "tokenizer.ggml.tokens"
#define TYPES "tokenizer.ggml.token_type"
#define MEMORY 4096

struct fixture {
	struct hf_model built;
	struct model model;
	struct metadata metadata;
	struct vocabulary vocabulary;
	struct error err;
};

static int read_all(struct fixture *f, bool restore, size_t memory)
{
	hf_text(&f->built, "general.architecture", "x");
	assert_int_equal(hf_open(&f->built, &f->model, &f->err), 0);
	assert_int_equal(metadata_init(&f->metadata, &f->model.shards[0].gguf,
				       "m.gguf", &f->err), 0);
	return vocabulary_read(&f->vocabulary, &f->metadata, restore, memory,
			       &f->err);
}

static void tear_down(struct fixture *f)
{
	hf_release(&f->built, &f->model);
}

static uint32_t find(const struct fixture *f, const char *text)
{
	return vocabulary_find(&f->vocabulary, text_of(text));
}

static void test_tokens_by_text(void **state)
{
	static const char *const texts[] = { "a", "[PAD1]", "b", "ab", "c" };
	struct fixture f = { .built = { .fd = -1 } };

	(void)state;
	hf_texts(&f.built, TOKENS, 5, texts);
	hf_i32s(&f.built, TYPES, 5, (int32_t[]){ 1, 5, 0, 3, 4 });
	assert_int_equal(read_all(&f, false, MEMORY), 0);
	assert_int_equal(find(&f, "a"), 0);
	assert_int_equal(find(&f, "[PAD1]"), TOKEN_NONE);
	assert_int_equal(find(&f, "b"), 2);
	assert_int_equal(find(&f, "ab"), 3);
	assert_int_equal(find(&f, "d"), TOKEN_NONE);
	assert_int_equal(find(&f, ""), TOKEN_NONE);
	assert_int_equal(f.vocabulary.types[2], TOKEN_NORMAL);
	assert_int_equal(f.vocabulary.types[3], TOKEN_CONTROL);
	assert_int_equal(f.vocabulary.n_refused, 0);
	assert_false(vocabulary_has(&f.vocabulary, 1));
	assert_true(vocabulary_has(&f.vocabulary, 4));
	assert_false(vocabulary_has(&f.vocabulary, 5));
	vocabulary_release(&f.vocabulary);
	tear_down(&f);
}

/* They would spoil tokenizer.json. */
static void test_refused_tokens(void **state)
{
	char longest[TOKEN_MAX_BYTES + 1], longer[TOKEN_MAX_BYTES + 2];
	const char *const texts[] = { "a", "\xff", "a", "", longest, longer,
				      "\xed\xa0\x80" };
	struct fixture f = { .built = { .fd = -1 } };

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[TOKEN_MAX_BYTES] = '\0';
	memset(longer, 'x', sizeof(longer));
	longer[TOKEN_MAX_BYTES + 1] = '\0';
	hf_texts(&f.built, TOKENS, 7, texts);
	assert_int_equal(read_all(&f, false, MEMORY), 0);
	assert_int_equal(find(&f, "a"), 2);
	assert_false(vocabulary_has(&f.vocabulary, 0));
	assert_true(vocabulary_has(&f.vocabulary, 4));
	assert_int_equal(f.vocabulary.n_refused, 5);
	assert_int_equal(f.vocabulary.first_refused, 1);
	vocabulary_release(&f.vocabulary);
	tear_down(&f);
}

static void test_restored_spaces(void **state)
{
	static const char *const texts[] = { "  ", "   ", " a", "\n", " " };
	struct fixture f = { .built = { .fd = -1 } };

	(void)state;
	hf_texts(&f.built, TOKENS, 5, texts);
	hf_i32s(&f.built, TYPES, 5, (int32_t[]){ 4, 4, 4, 4, 1 });
	assert_int_equal(read_all(&f, true, MEMORY), 0);
	assert_int_equal(find(&f, "\u2581\u2581"), 0);
	assert_int_equal(find(&f, "\u2581\u2581\u2581"), 1);
	assert_int_equal(find(&f, " a"), 2);
	assert_int_equal(find(&f, "\n"), 3);
	assert_int_equal(find(&f, " "), 4);
	vocabulary_release(&f.vocabulary);
	tear_down(&f);
}

static void test_wrong_metadata(void **state)
{
	static const char *const texts[] = { "a", "b" };
	static const struct {
		int32_t types[3];
		size_t n;
		const char *message;
	} rows[] = {
		{ { 1, 7 }, 2, "'m.gguf': metadata 'tokenizer.ggml.token_type' "
		  "at offset 124 has the type 7 for token 1; the last one that "
		  "is known is 6" },
		{ { 1, -1 }, 2, "'m.gguf': metadata 'tokenizer.ggml.token_type'"
		  " at offset 124 has the type 4294967295 for token 1; the "
		  "last one that is known is 6" },
		{ { 1, 1, 1 }, 3, "'m.gguf': metadata "
		  "'tokenizer.ggml.token_type' at offset 124 has 3 items, but "
		  "there are 2 tokens" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fixture f = { .built = { .fd = -1 } };

		hf_texts(&f.built, TOKENS, 2, texts);
		hf_i32s(&f.built, TYPES, rows[i].n, rows[i].types);
		assert_int_equal(read_all(&f, false, MEMORY), -1);
		assert_string_equal(f.err.message, rows[i].message);
		tear_down(&f);
	}
}

static void test_no_tokens(void **state)
{
	struct fixture none = { .built = { .fd = -1 } };
	struct fixture empty = { .built = { .fd = -1 } };

	(void)state;
	assert_int_equal(read_all(&none, false, MEMORY), -1);
	assert_string_equal(none.err.message,
			    "'m.gguf' has no 'tokenizer.ggml.tokens'");
	tear_down(&none);
	hf_texts(&empty.built, TOKENS, 0, NULL);
	assert_int_equal(read_all(&empty, false, MEMORY), -1);
	tear_down(&empty);
}

static void test_memory(void **state)
{
	static const char *const texts[] = { "a", "    ", "c" };
	const size_t needed = 3 * (sizeof(struct text) + 1) + 8 * 4 + 12;

	(void)state;
	for (size_t memory = needed - 1; memory <= needed; memory++) {
		struct fixture f = { .built = { .fd = -1 } };

		hf_texts(&f.built, TOKENS, 3, texts);
		hf_i32s(&f.built, TYPES, 3, (int32_t[]){ 1, 4, 1 });
		assert_int_equal(read_all(&f, true, memory),
				 memory == needed ? 0 : -1);
		if (memory == needed)
			vocabulary_release(&f.vocabulary);
		tear_down(&f);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens_by_text),
		cmocka_unit_test(test_refused_tokens),
		cmocka_unit_test(test_restored_spaces),
		cmocka_unit_test(test_wrong_metadata),
		cmocka_unit_test(test_no_tokens),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

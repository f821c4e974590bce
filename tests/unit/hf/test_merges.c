#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hf/merges.h"
#include "../hf_model.h"

#define N 10

struct fixture {
	struct hf_model built;
	struct model model;
	struct metadata metadata;
	struct vocabulary vocabulary;
	struct merges merges;
	struct error err;
};

static const char *const tokens[N] = {
	"a", "b", "\u2581", "ab", "ba", "aba", "\u2581\u2581",
	"\u2581\u2581\u2581", "\u2581\u2581\u2581\u2581", "[PAD]",
};
static const int32_t types[N] = { 1, 1, 1, 1, 1, 3, 4, 4, 4, 5 };

static int make(struct fixture *f, size_t n_scores, const float *scores,
		size_t memory)
{
	hf_text(&f->built, "general.architecture", "x");
	hf_texts(&f->built, "tokenizer.ggml.tokens", N, tokens);
	hf_i32s(&f->built, "tokenizer.ggml.token_type", N, types);
	if (scores)
		hf_f32s(&f->built, "tokenizer.ggml.scores", n_scores, scores);
	assert_int_equal(hf_open(&f->built, &f->model, &f->err), 0);
	assert_int_equal(metadata_init(&f->metadata, &f->model.shards[0].gguf,
				       "m", &f->err), 0);
	assert_int_equal(vocabulary_read(&f->vocabulary, &f->metadata, true,
					 4096, &f->err), 0);
	return merges_make(&f->merges, &f->vocabulary, &f->metadata, memory,
			   &f->err);
}

static void tear_down(struct fixture *f)
{
	vocabulary_release(&f->vocabulary);
	hf_release(&f->built, &f->model);
}

/* User-defined tokens count as 0: above the others, the longest left part
 * first. Then by score, and at one score by the length of the left part. */
static void test_order(void **state)
{
	static const float scores[N] = { -9, -9, -9, -2, -1, -2,
					 -1000, -1000, -1000, 0 };
	static const uint32_t expected[][2] = {
		{ 7, 2 }, { 6, 6 }, { 6, 2 }, { 2, 7 }, { 2, 6 }, { 2, 2 },
		{ 1, 0 }, { 3, 0 }, { 0, 4 }, { 0, 1 },
	};
	struct fixture f = { .built = { .fd = -1 } };

	(void)state;
	assert_int_equal(make(&f, N, scores, 4096), 0);
	assert_int_equal(f.merges.n, sizeof(expected) / sizeof(*expected));
	for (size_t i = 0; i < f.merges.n; i++) {
		assert_int_equal(f.merges.items[i].left, expected[i][0]);
		assert_int_equal(f.merges.items[i].right, expected[i][1]);
	}
	merges_release(&f.merges);
	tear_down(&f);
}

static void test_wrong_scores(void **state)
{
	static const float scores[N + 1] = { 0, 0, 0.0F / 0.0F };
	struct fixture missing = { .built = { .fd = -1 } };
	struct fixture more = { .built = { .fd = -1 } };
	struct fixture nan = { .built = { .fd = -1 } };

	(void)state;
	assert_int_equal(make(&missing, 0, NULL, 4096), -1);
	assert_string_equal(missing.err.message, "'m' has tokens but no "
			    "'tokenizer.ggml.scores'");
	tear_down(&missing);
	assert_int_equal(make(&more, N + 1, scores, 4096), -1);
	tear_down(&more);
	assert_int_equal(make(&nan, N, scores, 4096), -1);
	tear_down(&nan);
}

/* 10 merges, and as much again for the sort. */
static void test_memory(void **state)
{
	static const float scores[N] = { 0 };
	const size_t needed = 10 * 2 * sizeof(struct merge);

	(void)state;
	for (size_t memory = needed - 1; memory <= needed; memory++) {
		struct fixture f = { .built = { .fd = -1 } };

		assert_int_equal(make(&f, N, scores, memory),
				 memory == needed ? 0 : -1);
		if (memory == needed)
			merges_release(&f.merges);
		tear_down(&f);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_wrong_scores),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

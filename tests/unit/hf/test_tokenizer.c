#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hf/tokenizer.h"
#include "../hf_model.h"

struct fixture {
	struct hf_model built;
	struct model model;
	struct metadata metadata;
	struct tokenizer_facts facts;
	struct tokenizer_kind kind;
	struct written warnings;
	struct notes notes;
	struct error err;
};

#define FIXTURE { .built = { .fd = -1 } }

static void choose(struct fixture *f)
{
	hf_text(&f->built, "general.architecture", "x");
	written_open(&f->warnings);
	f->notes.warnings = f->warnings.stream;
	assert_int_equal(hf_open(&f->built, &f->model, &f->err), 0);
	assert_int_equal(metadata_init(&f->metadata, &f->model.shards[0].gguf,
				       "m", &f->err), 0);
	assert_int_equal(tokenizer_choose(&f->kind, &f->metadata, &f->facts,
					  &f->notes, &f->err), 0);
}

static void tear_down(struct fixture *f)
{
	written_close(&f->warnings);
	hf_release(&f->built, &f->model);
}

static const struct {
	const char *model, *pre, *usual, *warning;
	bool exists;
	const char *chosen;
} kinds[] = {
	{ "llama", NULL, NULL, "", true, NULL },
	{ "gpt2", "gpt-2", "falcon", "", true, "gpt-2" },
	{ "gpt2", "default", "falcon",
	  "gguf-dequant: 'm' does not name its pre-tokenizer "
	  "('tokenizer.ggml.pre'), as old files do not; assuming "
	  "'falcon', which is usual for its architecture: compare the "
	  "tokens with those of the original\n", true, "falcon" },
	{ "gpt2", NULL, NULL,
	  "gguf-dequant: 'm' does not name its pre-tokenizer "
	  "('tokenizer.ggml.pre'); no tokenizer is written\n", false,
	  NULL },
	{ "gpt2", "x\n", "falcon",
	  "gguf-dequant: 'm': pre-tokenizer 'x\\n' "
	  "('tokenizer.ggml.pre') is not supported; no tokenizer is "
	  "written\n", false, NULL },
	{ NULL, NULL, NULL,
	  "gguf-dequant: 'm' has no vocabulary; no tokenizer is "
	  "written\n", false, NULL },
	{ "none", NULL, NULL,
	  "gguf-dequant: 'm' has no vocabulary; no tokenizer is "
	  "written\n", false, NULL },
	{ "bert", NULL, NULL,
	  "gguf-dequant: 'm': tokenizer model 'bert' "
	  "('tokenizer.ggml.model') is not supported; no tokenizer is "
	  "written\n", false, NULL },
};

static void test_kinds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct fixture f = FIXTURE;

		f.facts.pre = kinds[i].usual;
		if (kinds[i].model)
			hf_text(&f.built, "tokenizer.ggml.model",
				kinds[i].model);
		if (kinds[i].pre)
			hf_text(&f.built, "tokenizer.ggml.pre", kinds[i].pre);
		choose(&f);
		assert_string_equal(written_text(&f.warnings),
				    kinds[i].warning);
		assert_int_equal(f.kind.exists, kinds[i].exists);
		if (kinds[i].chosen)
			assert_string_equal(f.kind.pre->name, kinds[i].chosen);
		else
			assert_null(f.kind.pre);
		tear_down(&f);
	}
}

static int open_tokenizer(struct fixture *f, struct tokenizer *tokenizer)
{
	return tokenizer_open(tokenizer, &f->kind, &f->metadata, &f->facts,
			      &f->notes, 1 << 20, &f->err);
}

/* Text from the file that must end no string, and add no key. */
static void add_hostile_text(struct fixture *f)
{
	static const char *const texts[] = { "\"},{\"", "a\nb", "\\", "c",
					     "\x01" };
	static const char *const merges[] = { "c c", "", " ", "c", "c  ",
					      "\\ c" };

	hf_text(&f->built, "tokenizer.ggml.model", "gpt2");
	hf_text(&f->built, "tokenizer.ggml.pre", "gpt-2");
	hf_texts(&f->built, "tokenizer.ggml.tokens", 5, texts);
	hf_texts(&f->built, "tokenizer.ggml.merges", 6, merges);
	hf_u32(&f->built, "tokenizer.ggml.bos_token_id", 0);
	hf_u32(&f->built, "tokenizer.ggml.eos_token_id", 5);
	hf_bool(&f->built, "tokenizer.ggml.add_bos_token", true);
	hf_bool(&f->built, "tokenizer.ggml.add_eos_token", true);
	hf_text(&f->built, "tokenizer.chat_template.a\"b", "\"}\n");
	hf_text(&f->built, "tokenizer.chat_template.\xff", "x");
	hf_u32(&f->built, "tokenizer.chat_template.number", 1);
	hf_text(&f->built, "tokenizer.chat_templates", "x");
}

static const char hostile_vocabulary[] =
	"    \"vocab\": {\n"
	"      \"\\\"},{\\\"\": 0,\n"
	"      \"a\\nb\": 1,\n"
	"      \"\\\\\": 2,\n"
	"      \"c\": 3,\n"
	"      \"\\u0001\": 4\n"
	"    },\n"
	"    \"merges\": []\n"
	"  }\n"
	"}\n";

static const char hostile_config[] =
	"{\n"
	"  \"tokenizer_class\": \"PreTrainedTokenizerFast\",\n"
	"  \"bos_token\": \"\\\"},{\\\"\",\n"
	"  \"add_bos_token\": true,\n"
	"  \"add_eos_token\": false,\n"
	"  \"clean_up_tokenization_spaces\": false,\n"
	"  \"chat_template\": [\n"
	"    {\n"
	"      \"name\": \"a\\\"b\",\n"
	"      \"template\": \"\\\"}\\n\"\n"
	"    }\n"
	"  ]\n"
	"}\n";

static const char hostile_warnings[] =
	"gguf-dequant: 'm': metadata 'tokenizer.ggml.eos_token_id' is "
	"5, but there are 5 tokens; ignored\n"
	"gguf-dequant: 'm': tokenizer.json lacks 6 of the merges, "
	"whose parts or whole are no tokens; the first is number 0\n"
	"gguf-dequant: 'm': metadata 'tokenizer.chat_template.\\xff' "
	"is no text of UTF-8; left out of tokenizer_config.json\n"
	"gguf-dequant: 'm': metadata 'tokenizer.chat_template.number' "
	"is no text of UTF-8; left out of tokenizer_config.json\n";

static void test_hostile_text(void **state)
{
	struct fixture f = FIXTURE;
	struct tokenizer tokenizer;
	struct written written;

	(void)state;
	add_hostile_text(&f);
	choose(&f);
	assert_int_equal(open_tokenizer(&f, &tokenizer), 0);
	written_open(&written);
	assert_int_equal(tokenizer_put(&tokenizer, 1 << 20, written.stream,
				       &f.err), 0);
	assert_non_null(strstr(written_text(&written), hostile_vocabulary));
	assert_non_null(strstr(written_text(&written),
		"\"special_tokens\": {\"\\\"},{\\\"\": {\"id\": "));
	written_close(&written);
	written_open(&written);
	tokenizer_put_config(&tokenizer, 0, written.stream);
	assert_string_equal(written_text(&written), hostile_config);
	written_close(&written);
	assert_string_equal(written_text(&f.warnings), hostile_warnings);
	tokenizer_release(&tokenizer);
	tear_down(&f);
}

/* The unknown token is of type 2, if no id says which it is; control tokens
 * strip what follows if the architecture's do. */
static void test_sentencepiece(void **state)
{
	static const char *const texts[] = { "a", "<unk>", "<x>", "[PAD]" };
	struct fixture f = FIXTURE;
	struct tokenizer tokenizer;
	struct written written;

	(void)state;
	f.facts.strips = true;
	hf_text(&f.built, "tokenizer.ggml.model", "llama");
	hf_texts(&f.built, "tokenizer.ggml.tokens", 4, texts);
	hf_f32s(&f.built, "tokenizer.ggml.scores", 4, (float[]){ 0, 0, 0, 0 });
	hf_i32s(&f.built, "tokenizer.ggml.token_type", 4,
		(int32_t[]){ 1, 2, 3, 5 });
	hf_u32(&f.built, "tokenizer.ggml.padding_token_id", 3);
	choose(&f);
	assert_int_equal(open_tokenizer(&f, &tokenizer), 0);
	assert_int_equal(tokenizer.unknown, 1);
	assert_int_equal(tokenizer.padding, TOKEN_NONE);
	assert_false(tokenizer.adds_bos);
	assert_true(tokenizer.adds_space);
	written_open(&written);
	assert_int_equal(tokenizer_put(&tokenizer, 1 << 20, written.stream,
				       &f.err), 0);
	assert_non_null(strstr(written_text(&written),
		"\"content\": \"<x>\",\n"
		"      \"single_word\": false,\n"
		"      \"lstrip\": false,\n"
		"      \"rstrip\": true,\n"
		"      \"normalized\": false,\n"
		"      \"special\": true\n"));
	assert_non_null(strstr(written_text(&written),
		"\"vocab\": {\n"
		"      \"a\": 0,\n"
		"      \"<unk>\": 1,\n"
		"      \"<x>\": 2\n"
		"    },\n"));
	written_close(&written);
	assert_string_equal(written_text(&f.warnings), "");
	tokenizer_release(&tokenizer);
	tear_down(&f);
}

static void test_wrong_types(void **state)
{
	static const char *const keys[] = {
		"tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id",
		"tokenizer.ggml.unknown_token_id",
		"tokenizer.ggml.padding_token_id",
		"tokenizer.ggml.add_bos_token", "tokenizer.ggml.add_eos_token",
		"tokenizer.ggml.add_space_prefix", "tokenizer.ggml.merges",
	};
	static const char *const texts[] = { "a" };

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		struct fixture f = FIXTURE;
		struct tokenizer tokenizer;

		hf_text(&f.built, "tokenizer.ggml.model", "gpt2");
		hf_text(&f.built, "tokenizer.ggml.pre", "gpt-2");
		hf_texts(&f.built, "tokenizer.ggml.tokens", 1, texts);
		hf_text(&f.built, keys[i], "x");
		choose(&f);
		assert_int_equal(open_tokenizer(&f, &tokenizer), -1);
		assert_non_null(strstr(f.err.message, keys[i]));
		tear_down(&f);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_hostile_text),
		cmocka_unit_test(test_sentencepiece),
		cmocka_unit_test(test_wrong_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

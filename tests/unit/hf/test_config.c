#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hf/config.h"
#include "../hf_model.h"

/* A model of two layers, whose metadata a test can change. */
struct fixture {
	struct hf_model built;
	struct model model;
	struct hf_checkpoint checkpoint;
	struct written config;
	struct written details;
	struct notes notes;
	struct error err;
};

#define FIXTURE { .built = { .fd = -1 } }

static void add_tensors(struct hf_model *built)
{
	hf_weights(built, "token_embd.weight", 16, 6, 1);
	hf_weights(built, "blk.0.attn_q.weight", 16, 16, 1);
	hf_weights(built, "blk.0.ffn_down.weight", 24, 16, 1);
	hf_weights(built, "blk.1.attn_q.weight", 16, 16, 1);
	hf_weights(built, "blk.1.ffn_down.weight", 24, 16, 1);
}

/* Everything that config.json needs, but for one key. */
static void add_metadata(struct hf_model *built, const char *without)
{
	static const struct {
		const char *key;
		uint32_t value;
	} rows[] = {
		{ "llama.block_count", 2 },
		{ "llama.embedding_length", 16 },
		{ "llama.attention.head_count", 4 },
		{ "llama.context_length", 512 },
	};

	hf_text(built, "general.architecture", "llama");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (strcmp(rows[i].key, without) != 0)
			hf_u32(built, rows[i].key, rows[i].value);
	if (strcmp("llama.attention.layer_norm_rms_epsilon", without) != 0)
		hf_f32(built, "llama.attention.layer_norm_rms_epsilon", 1e-5F);
}

/* Writes config.json. */
static int put(struct fixture *f)
{
	int result;

	written_open(&f->config);
	written_open(&f->details);
	f->notes.details = f->details.stream;
	assert_int_equal(hf_open(&f->built, &f->model, &f->err), 0);
	/* Without a mapping, which refuses some models as well. */
	f->checkpoint = (struct hf_checkpoint){
		.model = &f->model,
		.architecture = hf_architecture_of(&f->model, &f->err),
		.type = OUTPUT_BF16,
	};
	assert_int_equal(metadata_init(&f->checkpoint.metadata,
				       &f->model.shards[0].gguf, "m", &f->err),
			 0);
	assert_int_equal(hf_checkpoint_prepare(&f->checkpoint, NULL,
					       &f->notes, 1 << 20, &f->err),
			 0);
	result = hf_config_put(&f->checkpoint, f->config.stream, &f->err);
	written_text(&f->config);
	written_text(&f->details);
	return result;
}

static void tear_down(struct fixture *f)
{
	hf_checkpoint_release(&f->checkpoint);
	written_close(&f->config);
	written_close(&f->details);
	hf_release(&f->built, &f->model);
}

static void test_least_metadata(void **state)
{
	struct fixture f = FIXTURE;

	(void)state;
	add_metadata(&f.built, "");
	add_tensors(&f.built);
	assert_int_equal(put(&f), 0);
	assert_string_equal(f.config.text,
		"{\n"
		"  \"architectures\": [\"LlamaForCausalLM\"],\n"
		"  \"model_type\": \"llama\",\n"
		"  \"vocab_size\": 6,\n"
		"  \"tie_word_embeddings\": true,\n"
		"  \"bos_token_id\": null,\n"
		"  \"eos_token_id\": null,\n"
		"  \"pad_token_id\": null,\n"
		"  \"torch_dtype\": \"bfloat16\",\n"
		"  \"hidden_size\": 16,\n"
		"  \"num_hidden_layers\": 2,\n"
		"  \"num_attention_heads\": 4,\n"
		"  \"max_position_embeddings\": 512,\n"
		"  \"rope_theta\": 10000.0,\n"
		"  \"num_key_value_heads\": 4,\n"
		"  \"intermediate_size\": 24,\n"
		"  \"rms_norm_eps\": 1e-05,\n"
		"  \"head_dim\": 4,\n"
		"  \"hidden_act\": \"silu\",\n"
		"  \"attention_bias\": false,\n"
		"  \"mlp_bias\": false\n"
		"}\n");
	assert_string_equal(f.details.text,
		"gguf-dequant: config.json: rope_theta is not in the file; "
		"assuming 10000.0\n"
		"gguf-dequant: config.json: hidden_act is not in the file; "
		"assuming \"silu\"\n");
	tear_down(&f);
}

static void test_missing_metadata(void **state)
{
	static const char *const keys[] = {
		"llama.block_count", "llama.embedding_length",
		"llama.attention.head_count", "llama.context_length",
		"llama.attention.layer_norm_rms_epsilon",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		struct fixture f = FIXTURE;

		add_metadata(&f.built, keys[i]);
		add_tensors(&f.built);
		assert_int_equal(put(&f), -1);
		assert_non_null(strstr(f.err.message, keys[i]));
		tear_down(&f);
	}
}

/* Metadata that contradict the tensors, or are of another type or range. */
static void test_wrong_numbers(void **state)
{
	static const struct {
		const char *key;
		uint32_t value;
		const char *message;
	} rows[] = {
		{ "llama.block_count", 3, "there are 3 layers "
		  "('.block_count'), but the tensors are those of 2" },
		{ "llama.block_count", UINT32_MAX, "is 4294967295, more than "
		  "2147483647" },
		{ "llama.block_count", 0, "is 0" },
		{ "llama.embedding_length", 32, "tensor 'token_embd.weight' is "
		  "16 x 6, but the model is 32 wide ('.embedding_length')" },
		{ "llama.attention.head_count", 3, "tensor "
		  "'blk.0.attn_q.weight' has 16 rows, which cannot be those of "
		  "3 heads" },
		{ "llama.attention.head_count", 17, "has 16 rows" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fixture f = FIXTURE;

		add_metadata(&f.built, rows[i].key);
		hf_u32(&f.built, rows[i].key, rows[i].value);
		add_tensors(&f.built);
		assert_int_equal(put(&f), -1);
		assert_non_null(strstr(f.err.message, rows[i].message));
		tear_down(&f);
	}
}

static void test_wrong_types(void **state)
{
	static const char *const keys[] = {
		"llama.block_count", "llama.embedding_length",
		"llama.attention.head_count", "llama.attention.head_count_kv",
		"llama.context_length", "llama.rope.freq_base",
		"llama.attention.layer_norm_rms_epsilon",
		"tokenizer.ggml.eos_token_id",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		struct fixture f = FIXTURE;

		add_metadata(&f.built, keys[i]);
		hf_text(&f.built, keys[i], "\", \"x\": \"");
		add_tensors(&f.built);
		assert_int_equal(put(&f), -1);
		assert_non_null(strstr(f.err.message, keys[i]));
		tear_down(&f);
	}
}

static void test_heads_of_each_layer(void **state)
{
	static const struct {
		int32_t heads[2];
		size_t n;
		int result;
	} rows[] = {
		{ { 2, 2 }, 2, 0 }, { { 2, 4 }, 2, -1 }, { { 2, 0 }, 2, -1 },
		{ { 0, 2 }, 2, -1 }, { { -2, -2 }, 2, -1 }, { { 0 }, 0, -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fixture f = FIXTURE;

		add_metadata(&f.built, "");
		hf_i32s(&f.built, "llama.attention.head_count_kv", rows[i].n,
			rows[i].heads);
		add_tensors(&f.built);
		assert_int_equal(put(&f), rows[i].result);
		if (!rows[i].result)
			assert_non_null(strstr(f.config.text,
					       "\"num_key_value_heads\": 2,"));
		tear_down(&f);
	}
}

static void check_generation(uint32_t eot, const char *expected)
{
	struct fixture f = FIXTURE;
	struct written written;

	add_metadata(&f.built, "");
	hf_u32(&f.built, "tokenizer.ggml.eos_token_id", 2);
	hf_u32(&f.built, "tokenizer.ggml.eot_token_id", eot);
	hf_u32(&f.built, "tokenizer.ggml.padding_token_id", 6);
	add_tensors(&f.built);
	assert_int_equal(put(&f), 0);
	written_open(&written);
	assert_int_equal(hf_generation_config_put(&f.checkpoint,
						  written.stream, &f.err), 0);
	assert_string_equal(written_text(&written), expected);
	written_close(&written);
	tear_down(&f);
}

/* The embeddings have 6 rows, so that there is no token 6. */
static void test_generation_config(void **state)
{
	(void)state;
	check_generation(2, "{\n  \"eos_token_id\": 2\n}\n");
	check_generation(5, "{\n  \"eos_token_id\": [2, 5]\n}\n");
	check_generation(6, "{\n  \"eos_token_id\": 2\n}\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_least_metadata),
		cmocka_unit_test(test_missing_metadata),
		cmocka_unit_test(test_wrong_numbers),
		cmocka_unit_test(test_wrong_types),
		cmocka_unit_test(test_heads_of_each_layer),
		cmocka_unit_test(test_generation_config),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "hf/rope_scaling.h"
#include "../hf_model.h"

/* A model of which only the metadata and the factors matter. */
struct fixture {
	struct hf_model built;
	struct model model;
	struct hf_checkpoint checkpoint;
	struct written written;
	struct error err;
};

static void set_up(struct fixture *f)
{
	*f = (struct fixture){ .built = { .fd = -1 } };
	hf_text(&f->built, "general.architecture", "llama");
	hf_weights(&f->built, "token_embd.weight", 16, 6, 1);
}

static void open_model(struct fixture *f)
{
	static const struct notes silent;

	assert_int_equal(hf_open(&f->built, &f->model, &f->err), 0);
	f->checkpoint = (struct hf_checkpoint){
		.model = &f->model,
		.architecture = hf_architecture_of(&f->model, &f->err),
	};
	assert_int_equal(metadata_init(&f->checkpoint.metadata,
				       &f->model.shards[0].gguf, "m", &f->err),
			 0);
	assert_int_equal(hf_checkpoint_prepare(&f->checkpoint, NULL, &silent,
					       1 << 20, &f->err), 0);
}

/* Puts the scaling; yarn's ranges are not rounded if `unrounded`. */
static int put(struct fixture *f, bool unrounded)
{
	struct config config = { .checkpoint = &f->checkpoint,
				 .metadata = &f->checkpoint.metadata,
				 .err = &f->err };
	const struct config_row row = { "rope_scaling", rope_scaling_put,
					.n = unrounded };
	int result;

	written_open(&f->written);
	json_init(&config.json, f->written.stream, 0);
	json_object(&config.json);
	result = rope_scaling_put(&config, &row);
	json_object_end(&config.json);
	written_text(&f->written);
	return result;
}

static void tear_down(struct fixture *f)
{
	hf_checkpoint_release(&f->checkpoint);
	written_close(&f->written);
	hf_release(&f->built, &f->model);
}

static void add_metadata(struct fixture *f, const char *type, bool has_factor)
{
	hf_text(&f->built, "llama.rope.scaling.type", type);
	if (has_factor)
		hf_f32(&f->built, "llama.rope.scaling.factor", 2.5F);
	hf_u32(&f->built, "llama.rope.scaling.original_context_length", 64);
	hf_f32(&f->built, "llama.rope.scaling.yarn_beta_fast", 32);
	hf_f32(&f->built, "llama.rope.scaling.yarn_log_multiplier", 0.0707F);
}

static void test_scaling_by_metadata(void **state)
{
	static const struct {
		const char *type;
		bool unrounded;
		const char *expected;
	} rows[] = {
		{ "none", false, "{}" },
		{ "linear", false, "{\"rope_scaling\": {\"rope_type\": "
		  "\"linear\", \"factor\": 2.5}}" },
		{ "yarn", false, "{\"rope_scaling\": {\"rope_type\": \"yarn\", "
		  "\"factor\": 2.5, \"original_max_position_embeddings\": 64, "
		  "\"beta_fast\": 32.0, \"mscale\": 0.707, "
		  "\"mscale_all_dim\": 0.707}}" },
		{ "yarn", true, "{\"rope_scaling\": {\"rope_type\": \"yarn\", "
		  "\"factor\": 2.5, \"original_max_position_embeddings\": 64, "
		  "\"beta_fast\": 32.0, \"mscale\": 0.707, "
		  "\"mscale_all_dim\": 0.707, \"truncate\": false}}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fixture f;

		set_up(&f);
		add_metadata(&f, rows[i].type, true);
		open_model(&f);
		assert_int_equal(put(&f, rows[i].unrounded), 0);
		assert_string_equal(f.written.text, rows[i].expected);
		tear_down(&f);
	}
}

static void test_metadata_that_are_refused(void **state)
{
	static const struct {
		const char *type;
		bool has_factor;
		const char *message;
	} rows[] = {
		{ "linear", false, "'m' has no 'llama.rope.scaling.factor', "
		  "which config.json needs for 'factor'; use '--config-from'" },
		{ "yarn", false, "'m' has no 'llama.rope.scaling.factor', " },
		{ "longrope", true, "is 'longrope'; only none, linear, yarn "
		  "and, with factors in tensors, longrope are supported" },
		{ "\"}", true, "is '\"}'; only none" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fixture f;

		set_up(&f);
		add_metadata(&f, rows[i].type, rows[i].has_factor);
		open_model(&f);
		assert_int_equal(put(&f, false), -1);
		assert_non_null(strstr(f.err.message, rows[i].message));
		tear_down(&f);
	}
}

/* Old files have neither a type nor a key named after it. */
static void test_old_linear_scaling(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	hf_f32(&f.built, "llama.rope.scale_linear", 4);
	open_model(&f);
	assert_int_equal(put(&f, false), 0);
	assert_string_equal(f.written.text, "{\"rope_scaling\": {\"rope_type\":"
			    " \"linear\", \"factor\": 4.0}}");
	tear_down(&f);
}

static void set_values(struct fixture *f, const char *name,
		       const float *values)
{
	const struct hf_values *const factors = hf_values(&f->checkpoint, name);

	assert_non_null(factors);
	memcpy(factors->values, values, factors->n * sizeof(*values));
}

static void test_longrope(void **state)
{
	static const float longer[] = { 1, 2.5F }, shorter[] = { 1, 1.25F };
	struct fixture f;

	(void)state;
	set_up(&f);
	add_metadata(&f, "linear", true); /* the factors count for more */
	hf_weights(&f.built, "rope_factors_long.weight", 2, 1, 1);
	hf_weights(&f.built, "rope_factors_short.weight", 2, 1, 1);
	open_model(&f);
	set_values(&f, "rope_factors_long.weight", longer);
	set_values(&f, "rope_factors_short.weight", shorter);
	assert_int_equal(put(&f, false), 0);
	assert_string_equal(f.written.text, "{\"rope_scaling\": {\"type\": "
			    "\"longrope\", \"long_factor\": [1.0, 2.5], "
			    "\"short_factor\": [1.0, 1.25]}}");
	tear_down(&f);
}

static void test_llama3(void **state)
{
	static const float factors[] = { 1, 1, 1, 1, 1, 1, 3.0679616F, 4 };
	static const float ones[] = { 1, 1, 1, 1, 1, 1, 1, 1 };
	struct fixture f;

	(void)state;
	set_up(&f);
	hf_weights(&f.built, "rope_freqs.weight", 8, 1, 1);
	open_model(&f);
	set_values(&f, "rope_freqs.weight", factors);
	assert_int_equal(put(&f, false), 0);
	assert_string_equal(f.written.text, "{\"rope_scaling\": {\"rope_type\":"
			    " \"llama3\", \"factor\": 4.0, "
			    "\"low_freq_factor\": 1.0, "
			    "\"high_freq_factor\": 4.0, "
			    "\"original_max_position_embeddings\": 8192}}");
	written_close(&f.written);
	set_values(&f, "rope_freqs.weight", ones); /* nothing is scaled */
	assert_int_equal(put(&f, false), 0);
	assert_string_equal(f.written.text, "{}");
	tear_down(&f);
}

/* The tensors are zeros, which are no factors. */
static void test_factors_that_are_refused(void **state)
{
	static const struct {
		const char *tensor;
		const char *message;
	} rows[] = {
		{ "rope_freqs.weight", "'m': 'rope_freqs.weight' is not "
		  "Llama 3's scaling, the only one with factors that is known; "
		  "use '--config-from' to copy another config.json" },
		{ "rope_factors_long.weight", "'m': 'rope_factors_long.weight' "
		  "and 'rope_factors_short.weight' do not match" },
		{ "rope_factors_short.weight", "do not match" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fixture f;

		set_up(&f);
		hf_weights(&f.built, rows[i].tensor, 2, 1, 1);
		open_model(&f);
		assert_int_equal(put(&f, false), -1);
		assert_non_null(strstr(f.err.message, rows[i].message));
		tear_down(&f);
	}
}

static void test_factors_that_are_not_finite(void **state)
{
	static const float factors[] = { 1, INFINITY };
	struct fixture f;

	(void)state;
	set_up(&f);
	hf_weights(&f.built, "rope_freqs.weight", 2, 1, 1);
	open_model(&f);
	set_values(&f, "rope_freqs.weight", factors);
	assert_int_equal(put(&f, false), -1);
	assert_string_equal(f.err.message, "'m': tensor 'rope_freqs.weight' "
			    "has a value that is not finite");
	tear_down(&f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scaling_by_metadata),
		cmocka_unit_test(test_metadata_that_are_refused),
		cmocka_unit_test(test_old_linear_scaling),
		cmocka_unit_test(test_longrope),
		cmocka_unit_test(test_llama3),
		cmocka_unit_test(test_factors_that_are_refused),
		cmocka_unit_test(test_factors_that_are_not_finite),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hf/files.h"
#include "../hf_model.h"
#include "../scratch.h"

struct fixture {
	struct hf_model built;
	struct model model;
	struct hf_checkpoint checkpoint;
	struct notes notes;
	struct error err;
};

static void set_up(struct fixture *f, const char *tokenizer)
{
	static const char *const texts[] = { "a", "b" };

	*f = (struct fixture){ .built = { .fd = -1 } };
	hf_text(&f->built, "general.architecture", "llama");
	hf_u32(&f->built, "llama.block_count", 1);
	hf_u32(&f->built, "llama.embedding_length", 8);
	hf_u32(&f->built, "llama.attention.head_count", 2);
	hf_u32(&f->built, "llama.context_length", 32);
	hf_f32(&f->built, "llama.attention.layer_norm_rms_epsilon", 1e-5F);
	hf_texts(&f->built, "tokenizer.ggml.tokens", 2, texts);
	hf_u32(&f->built, "tokenizer.ggml.eos_token_id", 1);
	if (tokenizer)
		hf_text(&f->built, "tokenizer.ggml.model", tokenizer);
	hf_text(&f->built, "tokenizer.ggml.pre", "gpt-2");
	hf_weights(&f->built, "token_embd.weight", 8, 2, 1);
	hf_weights(&f->built, "blk.0.attn_q.weight", 8, 8, 1);
	hf_weights(&f->built, "blk.0.ffn_down.weight", 12, 8, 1);
	assert_int_equal(hf_open(&f->built, &f->model, &f->err), 0);
	f->checkpoint = (struct hf_checkpoint){
		.model = &f->model,
		.architecture = hf_architecture_of(&f->model, &f->err),
	};
	assert_int_equal(metadata_init(&f->checkpoint.metadata,
				       &f->model.shards[0].gguf, "m", &f->err),
			 0);
}

static int prepare(struct fixture *f, const char *config_from)
{
	return hf_checkpoint_prepare(&f->checkpoint, config_from, &f->notes,
				     1 << 20, &f->err);
}

static void tear_down(struct fixture *f)
{
	hf_checkpoint_release(&f->checkpoint);
	hf_release(&f->built, &f->model);
}

static void check_names(const struct fixture *f, size_t n,
			const char *const *names)
{
	for (size_t i = 0; i < n; i++)
		assert_string_equal(hf_file_of(&f->checkpoint, i)->name,
				    names[i]);
	assert_null(hf_file_of(&f->checkpoint, n));
}

/* Writes file `i`, and returns its text in a buffer that the caller closes. */
static int write_file(struct fixture *f, size_t i, struct written *written)
{
	const struct hf_file *const file = hf_file_of(&f->checkpoint, i);
	int result;

	written_open(written);
	result = file->write(&f->checkpoint, file, written->stream, &f->err);
	written_text(written);
	return result;
}

static void test_files_that_are_made(void **state)
{
	static const char *const names[] = {
		"config.json", "generation_config.json", "tokenizer.json",
		"tokenizer_config.json",
	};
	struct fixture f;

	(void)state;
	set_up(&f, "gpt2");
	assert_int_equal(prepare(&f, NULL), 0);
	check_names(&f, 4, names);
	for (size_t i = 0; i < 4; i++) {
		struct written written;

		assert_int_equal(write_file(&f, i, &written), 0);
		assert_memory_equal(written.text, "{\n", 2);
		assert_string_equal(written.text + written.len - 2, "}\n");
		written_close(&written);
	}
	tear_down(&f);
	set_up(&f, NULL);
	assert_int_equal(prepare(&f, NULL), 0);
	check_names(&f, 2, names);
	tear_down(&f);
}

/* Each file is refused that would need more. */
static void test_memory(void **state)
{
	struct written written;
	struct fixture f;

	(void)state;
	set_up(&f, "gpt2");
	assert_int_equal(prepare(&f, NULL), 0);
	f.checkpoint.memory = 16;
	for (size_t i = 2; i < 4; i++) {
		assert_int_equal(write_file(&f, i, &written), -1);
		assert_string_equal(f.err.message, "the vocabulary of 2 tokens "
				    "needs 50 bytes, but 16 are left of "
				    "'--memory'");
		written_close(&written);
	}
	tear_down(&f);
}

static void test_copied_files(void **state)
{
	static const char *const names[] = { "config.json", "merges.txt" };
	static const char config[] = "{\"hidden_size\": 8, \"vocab_size\": 2, "
				     "\"num_hidden_layers\": 1}";
	struct written written;
	struct fixture f;

	(void)state;
	set_up(&f, "gpt2");
	assert_int_equal(mkdir("a", 0777), 0);
	scratch_write("a/config.json", config);
	scratch_write("a/merges.txt", "m");
	scratch_write("a/modeling.py", "code");
	assert_int_equal(prepare(&f, "a"), 0);
	check_names(&f, 2, names);
	assert_int_equal(write_file(&f, 0, &written), 0);
	assert_string_equal(written.text, config);
	written_close(&written);
	unlink("a/merges.txt");
	assert_int_equal(write_file(&f, 1, &written), -1);
	assert_string_equal(f.err.message, "cannot open 'a/merges.txt': No "
			    "such file or directory");
	written_close(&written);
	tear_down(&f);
}

static void test_no_originals(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, "gpt2");
	assert_int_equal(prepare(&f, "no\n"), -1);
	assert_string_equal(f.err.message, "cannot open 'no\\n': No such file "
			    "or directory");
	tear_down(&f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files_that_are_made),
		cmocka_unit_test(test_memory),
		cmocka_unit_test_setup_teardown(test_copied_files,
						scratch_enter, scratch_leave),
		cmocka_unit_test_setup_teardown(test_no_originals,
						scratch_enter, scratch_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

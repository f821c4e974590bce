#include "hf/files.h"

#include "hf/config.h"

static bool has_tokenizer(const struct hf_checkpoint *checkpoint)
{
	return checkpoint->tokenizer.exists;
}

static int open_tokenizer(struct tokenizer *tokenizer,
			  const struct hf_checkpoint *checkpoint,
			  const struct notes *notes, struct error *err)
{
	return tokenizer_open(tokenizer, &checkpoint->tokenizer,
			      &checkpoint->metadata,
			      checkpoint->architecture->tokenizer, notes,
			      checkpoint->memory, err);
}

static int write_tokenizer(const struct hf_checkpoint *checkpoint, FILE *stream,
			   struct error *err)
{
	struct tokenizer tokenizer;

	if (open_tokenizer(&tokenizer, checkpoint, checkpoint->notes, err))
		return -1;
	tokenizer_put(&tokenizer, stream);
	tokenizer_release(&tokenizer);
	return 0;
}

static int write_tokenizer_config(const struct hf_checkpoint *checkpoint,
				  FILE *stream, struct error *err)
{
	static const struct notes silent; /* write_tokenizer has warned */
	struct tokenizer tokenizer;
	uint64_t length = 0;

	if (metadata_unsigned(&checkpoint->metadata, ".context_length",
			      UINT64_MAX, &length, err) < 0 ||
	    open_tokenizer(&tokenizer, checkpoint, &silent, err))
		return -1;
	tokenizer.notes = checkpoint->notes;
	tokenizer_put_config(&tokenizer, length, stream);
	tokenizer_release(&tokenizer);
	return 0;
}

static const struct hf_file files[] = {
	{ "config.json", NULL, hf_config_put },
	{ "generation_config.json", NULL, hf_generation_config_put },
	{ "tokenizer.json", has_tokenizer, write_tokenizer },
	{ "tokenizer_config.json", has_tokenizer, write_tokenizer_config },
};

const struct hf_file *hf_file_at(size_t i)
{
	return i < sizeof(files) / sizeof(*files) ? &files[i] : NULL;
}

#include "hf/files.h"

#include "hf/config.h"

static bool is_ours(const struct hf_checkpoint *checkpoint,
		    const struct hf_file *file)
{
	(void)file;
	return !checkpoint->originals.name;
}

static bool is_of_tokenizer(const struct hf_checkpoint *checkpoint,
			    const struct hf_file *file)
{
	return is_ours(checkpoint, file) && checkpoint->tokenizer.exists;
}

static bool is_original(const struct hf_checkpoint *checkpoint,
			const struct hf_file *file)
{
	return hf_originals_has(&checkpoint->originals, file->name);
}

static int copy(const struct hf_checkpoint *checkpoint,
		const struct hf_file *file, FILE *stream, struct error *err)
{
	return hf_originals_copy(&checkpoint->originals, file->name, stream,
				 err);
}

static int write_config(const struct hf_checkpoint *checkpoint,
			const struct hf_file *file, FILE *stream,
			struct error *err)
{
	(void)file;
	return hf_config_put(checkpoint, stream, err);
}

static int write_generation_config(const struct hf_checkpoint *checkpoint,
				   const struct hf_file *file, FILE *stream,
				   struct error *err)
{
	(void)file;
	return hf_generation_config_put(checkpoint, stream, err);
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

static int write_tokenizer(const struct hf_checkpoint *checkpoint,
			   const struct hf_file *file, FILE *stream,
			   struct error *err)
{
	struct tokenizer tokenizer;
	int result;

	(void)file;
	if (open_tokenizer(&tokenizer, checkpoint, checkpoint->notes, err))
		return -1;
	result = tokenizer_put(&tokenizer, checkpoint->memory -
			       tokenizer.vocabulary.memory, stream, err);
	tokenizer_release(&tokenizer);
	return result;
}

static int write_tokenizer_config(const struct hf_checkpoint *checkpoint,
				  const struct hf_file *file, FILE *stream,
				  struct error *err)
{
	static const struct notes silent; /* write_tokenizer has warned */
	struct tokenizer tokenizer;
	uint64_t length = 0;

	(void)file;
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
	{ "config.json", is_ours, write_config },
	{ "generation_config.json", is_ours, write_generation_config },
	{ "tokenizer.json", is_of_tokenizer, write_tokenizer },
	{ "tokenizer_config.json", is_of_tokenizer, write_tokenizer_config },

	/* --config-from */
#define COPY(name) { name, is_original, copy },
	HF_ORIGINALS(COPY)
};

const struct hf_file *hf_file_of(const struct hf_checkpoint *checkpoint,
				 size_t i)
{
	for (size_t k = 0; k < sizeof(files) / sizeof(*files); k++)
		if (files[k].applies(checkpoint, &files[k]) && !i--)
			return &files[k];
	return NULL;
}

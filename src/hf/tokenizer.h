/* tokenizer.h - tokenizer.json and tokenizer_config.json. */
#ifndef HF_TOKENIZER_H
#define HF_TOKENIZER_H

#include "hf/architecture.h"
#include "hf/notes.h"
#include "hf/pre_tokenizers.h"
#include "hf/vocabulary.h"

struct tokenizer_kind {
	bool exists; /* one that can be written */
	const struct pre_tokenizer *pre; /* NULL: SentencePiece */
};

struct tokenizer {
	const struct metadata *metadata;
	const struct notes *notes;
	struct vocabulary vocabulary;
	const struct pre_tokenizer *pre; /* NULL: SentencePiece */
	struct gguf_array merges; /* byte-level BPE: of texts "left right" */
	bool adds_bos;
	bool adds_eos;
	bool adds_space; /* SentencePiece: before the text */
	bool strips;
	uint32_t bos; /* ids, or TOKEN_NONE */
	uint32_t eos;
	uint32_t unknown;
	uint32_t padding;
};

/* Warns if the model has none, or one that cannot be written, or if its file
 * does not say all of it. */
int tokenizer_choose(struct tokenizer_kind *kind,
		     const struct metadata *metadata,
		     const struct tokenizer_facts *facts,
		     const struct notes *notes, struct error *err);

/* Reads a tokenizer that exists. Allocates at most `memory` bytes. Borrows
 * metadata and notes. The caller releases it after success. */
int tokenizer_open(struct tokenizer *tokenizer,
		   const struct tokenizer_kind *kind,
		   const struct metadata *metadata,
		   const struct tokenizer_facts *facts,
		   const struct notes *notes, size_t memory, struct error *err);
void tokenizer_release(struct tokenizer *tokenizer);

/* tokenizer.json, as the library "tokenizers" reads it. Allocates at most
 * `memory` bytes more. */
int tokenizer_put(const struct tokenizer *tokenizer, size_t memory,
		  FILE *stream, struct error *err);

/* tokenizer_config.json. max_length: tokens that the model takes; 0: not
 * known. */
void tokenizer_put_config(const struct tokenizer *tokenizer,
			  uint64_t max_length, FILE *stream);

/* Sets *id to that in the metadata, or to TOKEN_NONE if there is none, or, with
 * a warning, if it is not less than n_tokens. */
int tokenizer_special_id(const struct metadata *metadata, const char *key,
			 uint64_t n_tokens, const struct notes *notes,
			 uint32_t *id, struct error *err);

#endif

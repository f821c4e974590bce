/* vocabulary.h - the tokens of a model, by number and by text. */
#ifndef HF_VOCABULARY_H
#define HF_VOCABULARY_H

#include "hf/metadata.h"

enum token_type {
	TOKEN_NORMAL = 1,
	TOKEN_UNKNOWN,
	TOKEN_CONTROL,
	TOKEN_USER_DEFINED,
	TOKEN_UNUSED, /* pads the vocabulary: not in a tokenizer */
	TOKEN_BYTE,
};

#define TOKEN_MAX_BYTES 2048
#define TOKEN_NONE UINT32_MAX

struct vocabulary {
	struct text *texts; /* data is NULL: the token cannot be used */
	uint8_t *types;     /* enum token_type */
	uint32_t n;

	uint32_t *slots; /* ids by the hash of the text; TOKEN_NONE: free */
	uint32_t mask;
	char *restored; /* texts that are not in the file as they are here */

	uint32_t n_refused; /* empty, too long, not UTF-8, or a second time */
	uint32_t first_refused;
	size_t memory;
};

/*
 * Reads tokenizer.ggml.tokens, and their types, which are TOKEN_NORMAL if the
 * file has none. If `restore_spaces`, the spaces of user-defined tokens that
 * consist of them become U+2581 again, as SentencePiece has them. Allocates at
 * most `memory` bytes. Borrows the metadata. The caller releases it after
 * success.
 */
int vocabulary_read(struct vocabulary *vocabulary,
		    const struct metadata *metadata, bool restore_spaces,
		    size_t memory, struct error *err);
void vocabulary_release(struct vocabulary *vocabulary);

/* The id of a token that can be used, or TOKEN_NONE. */
uint32_t vocabulary_find(const struct vocabulary *vocabulary, struct text text);

/* Whether there is such a token, and it can be used. */
static inline bool vocabulary_has(const struct vocabulary *vocabulary,
				  uint64_t id)
{
	return id < vocabulary->n && vocabulary->texts[id].data;
}

#endif

/* pre_tokenizers.h - how text is cut before byte-level BPE, by the name that
 * tokenizer.ggml.pre has for it. */
#ifndef HF_PRE_TOKENIZERS_H
#define HF_PRE_TOKENIZERS_H

#include "base/json.h"

struct step;

struct pre_tokenizer {
	const char *name;
	const struct step *steps;
	unsigned flags;
};
#define PRE_IGNORES_MERGES 1U /* a word that is a token needs no merges */
#define PRE_NFC 2U      /* text is normalized to NFC before */
#define PRE_ADDS_BOS 4U /* unless tokenizer.ggml.add_bos_token is there */

/* The row with that name, or NULL. */
const struct pre_tokenizer *pre_tokenizer_find(struct text name);

/* Writes the value of "pre_tokenizer" in tokenizer.json. */
void pre_tokenizer_put(const struct pre_tokenizer *pre, struct json *json);

#endif

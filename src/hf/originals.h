/* originals.h - the files of an existing checkpoint: --config-from. */
#ifndef HF_ORIGINALS_H
#define HF_ORIGINALS_H

#include <stdio.h>

#include "base/error.h"

struct hf_checkpoint;

/* What is copied: configuration and tokenizers of all kinds, but no code. */
#define HF_ORIGINALS(FILE)                      \
	FILE("config.json")                     \
	FILE("generation_config.json")          \
	FILE("tokenizer.json")                  \
	FILE("tokenizer_config.json")           \
	FILE("special_tokens_map.json")         \
	FILE("added_tokens.json")               \
	FILE("vocab.json")                      \
	FILE("merges.txt")                      \
	FILE("tokenizer.model")                 \
	FILE("chat_template.jinja")
#define HF_PLUS_ONE(name) +1
#define HF_N_ORIGINALS (0 HF_ORIGINALS(HF_PLUS_ONE))

struct hf_originals {
	char *name; /* of the folder, escaped; NULL: none is open */
	int folder;
	bool has[HF_N_ORIGINALS];
};

/*
 * Opens the folder PATH, and finds out which of the files that are copied it
 * has. Its config.json must be there, must be of unquantized weights, and must
 * have the sizes that the model has. The caller closes `originals` after
 * success.
 */
int hf_originals_open(struct hf_originals *originals, const char *path,
		      const struct hf_checkpoint *checkpoint,
		      struct error *err);
void hf_originals_close(struct hf_originals *originals);

/* Whether the folder had the file when it was opened. False if none is
 * open. */
bool hf_originals_has(const struct hf_originals *originals, const char *name);

int hf_originals_copy(const struct hf_originals *originals, const char *name,
		      FILE *stream, struct error *err);

#endif

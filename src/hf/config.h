/* config.h - config.json and generation_config.json of a checkpoint. */
#ifndef HF_CONFIG_H
#define HF_CONFIG_H

#include "hf/checkpoint.h"

/*
 * Writes what transformers needs to know of the model, by the CONFIG rows of
 * its architecture. What the file does not say and cannot be computed gets the
 * value that such models have, and a line in the checkpoint's notes. Metadata
 * that contradict each other or the tensors are an error.
 */
int hf_config_put(const struct hf_checkpoint *checkpoint, FILE *stream,
		  struct error *err);

/* The same, but only the sizes of the model, which the tensors have. */
int hf_config_put_sizes(const struct hf_checkpoint *checkpoint, FILE *stream,
			struct error *err);

/* The name of a type in config.json. */
const char *hf_config_dtype(enum output_type type);

/* The special tokens that end a text, and so on. */
int hf_generation_config_put(const struct hf_checkpoint *checkpoint,
			     FILE *stream, struct error *err);

#endif

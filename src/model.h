/* model.h - a GGUF file, or the shards of a split one, as one table. */
#ifndef MODEL_H
#define MODEL_H

#include "gguf.h"

struct model_shard {
	struct source source;
	struct gguf gguf;
};

struct model_tensor {
	const struct gguf_tensor *info;
	struct source *source;
};

struct model {
	struct model_shard *shards; /* shards[0] holds the metadata */
	size_t n_shards;
	struct model_tensor *tensors; /* shard by shard, in table order */
	size_t n_tensors;
};

/*
 * Opens PATH ("-": standard input) and, where its metadata say that it is the
 * first of several shards, the others beside it, PREFIX-00001-of-00003.gguf and
 * so on; all stay open, for which the process's soft limit of open files is
 * raised where that is needed. `memory` bounds what gguf_read uses for all
 * shards together. The caller releases the model after success.
 */
int model_open(struct model *model, const char *path, size_t memory,
	       struct error *err);
void model_release(struct model *model);

#endif

/*
 * model.h - a GGUF file, or the shards of a split one, as one table; or blocks
 * without a header, as a table of one tensor.
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "io/file_set.h"
#include "model/gguf.h"

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
	struct file_set files; /* that it is read from */
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

/* What blocks without a header are. */
struct model_blocks {
	const struct format *format;
	unsigned n_dims;              /* 0: a row of as many as there are */
	uint64_t dims[GGUF_MAX_DIMS]; /* weights, fastest first */
};

/*
 * Opens PATH ("-": standard input), which holds blocks and nothing else, as a
 * model without metadata whose one tensor has the file's name, without folder
 * and suffix, or "stdin". Where the size isn't that of the shape, or not whole
 * blocks, that is an error: here, or for a stream when its end is read. A
 * stream without a shape is spooled first. The caller releases the model after
 * success.
 */
int model_open_blocks(struct model *model, const char *path,
		      const struct model_blocks *blocks, struct error *err);

void model_release(struct model *model);

#endif

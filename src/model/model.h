/*
 * model.h - a GGUF file, or the shards of a split one, as one table; or
 * headerless blocks, as a table of one tensor.
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "io/file_set.h"
#include "model/gguf.h"

struct model_shard {
	struct source source;
	struct gguf gguf;
};

struct model_shape {
	unsigned n_dims;
	uint64_t dims[GGUF_MAX_DIMS]; /* fastest first */
};

struct model_tensor {
	const struct gguf_tensor *info;
	struct source *source;
	/* Its shape before it was flattened to that in `info`; or NULL. */
	const struct model_shape *original;
};

struct model {
	struct model_shard *shards; /* shards[0] holds the metadata */
	size_t n_shards;
	struct model_tensor *tensors; /* shard by shard, in table order */
	size_t n_tensors;
	struct model_shape *shapes; /* original ones */
	struct file_set files; /* that the model is read from */
};

/*
 * Opens a model: the file at paths[0] ("-": standard input), or the n shards at
 * `paths`, in any order. If there is one path and its metadata say that it is a
 * shard of several, the others are looked for beside it, named
 * PREFIX-00001-of-00003.gguf and so on. All files stay open; the process's soft
 * limit of open files is raised for that if needed. `memory` bounds what
 * gguf_read uses for all shards together. The caller releases the model after
 * success.
 */
int model_open(struct model *model, const char *const *paths, size_t n,
	       size_t memory, struct error *err);

/* The shape that users know the tensor by: the original one, if any. */
struct model_shape model_tensor_shape(const struct model_tensor *tensor);

/* What headerless blocks are. */
struct model_blocks {
	const struct format *format;
	unsigned n_dims;              /* 0: one row, or one group of
					 interleaved ones, of all there is */
	uint64_t dims[GGUF_MAX_DIMS]; /* weights, fastest first */
};

/*
 * Opens PATH ("-": standard input), which holds blocks and nothing else, as a
 * model without metadata whose one tensor has the file's name, without folder
 * and suffix, or "stdin". A size that isn't that of the shape, or not whole
 * blocks, is an error: here, or for a stream when its end is read. A stream
 * without a shape is spooled first. The caller releases the model after
 * success.
 */
int model_open_blocks(struct model *model, const char *path,
		      const struct model_blocks *blocks, struct error *err);

/* Fails if one of its files may have been written to since it was opened. */
int model_check_unchanged(const struct model *model, struct error *err);

void model_release(struct model *model);

#endif

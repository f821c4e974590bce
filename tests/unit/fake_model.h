/* fake_model.h - a model built in memory, for tests that need no GGUF
 * parser. */
#ifndef FAKE_MODEL_H
#define FAKE_MODEL_H

#include <stdlib.h>
#include <string.h>

#include "model/model.h"

/* The source of its only shard is closed (fd -1) until the test opens it. */
struct fake_model {
	struct model model; /* first */
	struct model_shard shard;
	struct gguf_tensor *infos;
	size_t room;
};

static inline void fake_model_init(struct fake_model *fake, size_t room)
{
	memset(fake, 0, sizeof(*fake));
	fake->shard.source.fd = -1;
	fake->shard.source.seekable = true;
	fake->infos = calloc(room, sizeof(*fake->infos));
	fake->model.tensors = calloc(room, sizeof(*fake->model.tensors));
	fake->model.shards = &fake->shard;
	fake->model.n_shards = 1;
	fake->room = room;
	if (!fake->infos || !fake->model.tensors)
		abort();
}

static inline void fake_model_release(struct fake_model *fake)
{
	source_close(&fake->shard.source);
	free(fake->infos);
	free(fake->model.tensors);
	file_set_release(&fake->model.files);
}

/* Adds a tensor of whole blocks at that offset: one row of them, or as many as
 * the format interleaves. `name` is borrowed. */
static inline struct gguf_tensor *fake_model_add(struct fake_model *fake,
						 const char *name,
						 enum format_index format,
						 uint64_t n_weights,
						 uint64_t offset)
{
	const struct format *const f = format_at(format);
	const uint64_t rows = f->group_rows ? f->group_rows : 1;
	const size_t i = fake->model.n_tensors++;
	struct gguf_tensor *const info = &fake->infos[i];

	if (i == fake->room)
		abort();
	info->name = text_of(name);
	info->format = f;
	info->n_dims = rows > 1 ? 2 : 1;
	info->dims[0] = n_weights;
	info->dims[1] = rows;
	n_weights *= rows;
	info->n_weights = n_weights;
	info->n_blocks = n_weights / f->block_weights;
	info->offset = offset;
	if (n_weights)
		info->bytes = format_run_bytes(f, info->n_blocks,
					       info->n_blocks / rows);
	fake->model.tensors[i].info = info;
	fake->model.tensors[i].source = &fake->shard.source;
	return info;
}

#endif

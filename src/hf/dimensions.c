#include "hf/dimensions.h"

#include <inttypes.h>

#include "base/escape.h"

#define EMBEDDINGS "token_embd.weight"
#define LAYERS ".block_count"
#define HIDDEN ".embedding_length"
#define HEADS ".attention.head_count"
#define KV_HEADS ".attention.head_count_kv"

/* A number that must be there, at least 1. */
static int read_count(const struct metadata *metadata, const char *key,
		      uint64_t *value, struct error *err)
{
	const int found =
		metadata_unsigned(metadata, key, INT32_MAX, value, err);

	if (found < 0)
		return -1;
	if (!found)
		return error_set(err, "'%s' has no metadata '%s%s'",
				 metadata->file,
				 ESCAPED(metadata->architecture), key);
	if (!*value)
		return metadata_refuse(metadata, metadata_find(metadata, key),
				       err, "is 0");
	return 0;
}

/* One number for all layers, or an array of one per layer, which must be
 * equal: transformers has one number. */
static int read_heads(const struct metadata *metadata, const char *key,
		      uint64_t *value, struct error *err)
{
	const struct gguf_kv *const kv = metadata_find(metadata, key);
	struct gguf_array array;

	if (!kv || kv->type != GGUF_ARRAY)
		return read_count(metadata, key, value, err);
	if (metadata_array(metadata, key, GGUF_U32, &array, err) < 0)
		return -1;
	*value = 0;
	while (gguf_array_next(&array)) {
		const uint32_t heads = bytes_load_u32(array.item.data);

		if (!*value)
			*value = heads;
		if (!heads || heads > INT32_MAX || heads != *value)
			return metadata_refuse(
				metadata, kv, err, "has %" PRIu32 " heads in a "
				"layer and %" PRIu64 " in another one; only "
				"the same number in each is supported", heads,
				*value);
	}
	if (!*value)
		return metadata_refuse(metadata, kv, err, "is empty");
	return 0;
}

static int check_layers(const struct dimensions *dimensions,
			const struct model *model, struct error *err)
{
	uint64_t layers = 0;

	for (size_t i = 0; i < model->n_tensors; i++) {
		const struct text name = model->tensors[i].info->name;
		uint64_t layer = 0;
		size_t k = 4;

		if (name.len < 5 || memcmp(name.data, "blk.", 4) != 0)
			continue;
		for (; k < name.len && k < 14 && name.data[k] >= '0' &&
		       name.data[k] <= '9'; k++)
			layer = layer * 10 + (uint64_t)(name.data[k] - '0');
		if (layer >= layers)
			layers = layer + 1;
	}
	if (layers == dimensions->layers)
		return 0;
	return error_set(err, "'%s': metadata say that there are %" PRIu64
			 " layers ('" LAYERS "'), but the tensors are those of "
			 "%" PRIu64, model->shards[0].source.name,
			 dimensions->layers, layers);
}

/* The embeddings: a row for each token, as wide as the model. */
static int check_embeddings(struct dimensions *dimensions,
			    const struct model *model, struct error *err)
{
	const struct model_tensor *const tensor = hf_tensor(model, EMBEDDINGS);

	if (!tensor)
		return error_set(err, "'%s' has no tensor '" EMBEDDINGS "'",
				 model->shards[0].source.name);
	if (tensor->info->n_dims > 2 ||
	    tensor->info->dims[0] != dimensions->hidden ||
	    !tensor->info->dims[1])
		return error_set(err, "'%s': tensor '" EMBEDDINGS "' is %"
				 PRIu64 " x %" PRIu64 ", but the model is %"
				 PRIu64 " wide ('" HIDDEN "')",
				 tensor->source->name, tensor->info->dims[0],
				 tensor->info->dims[1], dimensions->hidden);
	dimensions->vocabulary = tensor->info->dims[1];
	return 0;
}

/*
 * A head is as long as the tensors say: the keys for it are missing in old
 * files, and in those of some architectures. Rows of q, or of q, k and v
 * above one another.
 */
static int measure_head(struct dimensions *dimensions,
			const struct model *model, struct error *err)
{
	static const char *const names[] = { "blk.#.attn_q.weight",
					     "blk.#.attn_q_b.weight",
					     "blk.#.attn_qkv.weight" };

	for (size_t i = 0; i < 3; i++) {
		const struct model_tensor *const tensor =
			hf_tensor(model, names[i]);
		const uint64_t heads =
			dimensions->heads +
			(i == 2 ? 2 * dimensions->kv_heads : 0);

		if (!tensor)
			continue;
		dimensions->head = tensor->info->dims[1] / heads;
		if (dimensions->head &&
		    dimensions->head * heads == tensor->info->dims[1])
			return 0;
		return error_set(err, "'%s': tensor '%s' has %" PRIu64 " rows, "
				 "which cannot be those of %" PRIu64 " heads",
				 tensor->source->name,
				 ESCAPED(tensor->info->name),
				 tensor->info->dims[1], heads);
	}
	return error_set(err, "'%s' has no tensor '%s'",
			 model->shards[0].source.name, names[0]);
}

int dimensions_read(struct dimensions *dimensions,
		    const struct metadata *metadata, const struct model *model,
		    struct error *err)
{
	*dimensions = (struct dimensions){ .layers = 0 };
	if (read_count(metadata, LAYERS, &dimensions->layers, err) ||
	    read_count(metadata, HIDDEN, &dimensions->hidden, err) ||
	    read_heads(metadata, HEADS, &dimensions->heads, err))
		return -1;
	dimensions->kv_heads = dimensions->heads;
	if (metadata_find(metadata, KV_HEADS) &&
	    read_heads(metadata, KV_HEADS, &dimensions->kv_heads, err))
		return -1;
	if (check_layers(dimensions, model, err) ||
	    check_embeddings(dimensions, model, err))
		return -1;
	return measure_head(dimensions, model, err);
}

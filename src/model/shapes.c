#include "model/shapes.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/escape.h"

/* The name of the tensor whose original shape kv holds; false: it is no such
 * entry. */
static bool is_shape(const struct gguf_kv *kv, struct text *name)
{
	static const char prefix[] = "comfy.gguf.orig_shape.";
	const size_t len = sizeof(prefix) - 1;

	if (kv->key.len < len || memcmp(kv->key.data, prefix, len))
		return false;
	*name = (struct text){ kv->key.data + len, kv->key.len - len };
	return true;
}

static size_t count_shapes(const struct gguf *gguf)
{
	struct text name;
	size_t n = 0;

	for (size_t i = 0; i < gguf->n_kv; i++)
		n += is_shape(&gguf->kv[i], &name);
	return n;
}

static int compare_names(const void *a, const void *b, void *tensors)
{
	const struct model_tensor *const table = tensors;

	return bytes_compare(table[*(const size_t *)a].info->name,
			     table[*(const size_t *)b].info->name);
}

/* Indices of the tensors, by name. The caller frees them. */
static size_t *order_by_name(struct model *model, struct error *err)
{
	size_t *const order = calloc(model->n_tensors + 1, sizeof(*order));

	if (!order) {
		error_errno(err, "cannot sort %zu names", model->n_tensors);
		return NULL;
	}
	for (size_t i = 0; i < model->n_tensors; i++)
		order[i] = i;
	qsort_r(order, model->n_tensors, sizeof(*order), compare_names,
		model->tensors);
	return order;
}

/* The tensor of that name, or NULL. */
static struct model_tensor *find(struct model *model, const size_t *order,
				 struct text name)
{
	size_t low = 0, high = model->n_tensors;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		struct model_tensor *const tensor =
			&model->tensors[order[middle]];
		const int side = bytes_compare(name, tensor->info->name);

		if (!side)
			return tensor;
		if (side < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* Reads kv's integers into `shape`, the last one first. Returns false if kv is
 * not an array of up to GGUF_MAX_DIMS of them. */
static bool read_shape(const struct gguf_kv *kv, struct model_shape *shape)
{
	struct gguf_array array;

	if (kv->type != GGUF_ARRAY)
		return false;
	array = gguf_array(kv->value);
	if (array.left > GGUF_MAX_DIMS)
		return false;
	shape->n_dims = (unsigned)array.left;
	for (unsigned i = shape->n_dims; gguf_array_next(&array); i--) {
		const struct gguf_kv item = { .type = array.type,
					      .value = array.item };

		if (!gguf_unsigned(&item, &shape->dims[i - 1]))
			return false;
	}
	return true;
}

/* As in a tensor, the dimensions that are not 0 must not have 2^63 weights. */
static bool has_weights(const struct model_shape *shape, uint64_t n_weights)
{
	uint64_t product = 1;
	bool empty = false;

	for (unsigned i = 0; i < shape->n_dims; i++) {
		const uint64_t dim = shape->dims[i];

		empty |= !dim;
		if (!bytes_mul(product, dim ? dim : 1, &product) ||
		    product > INT64_MAX)
			return false;
	}
	return (empty ? 0 : product) == n_weights;
}

static int reshape(const struct model *model, const struct gguf_kv *kv,
		   struct model_tensor *tensor, struct model_shape *shape,
		   struct error *err)
{
	const uint64_t n_weights = tensor->info->n_weights;
	const char *const file = model->shards[0].source.name;

	if (!read_shape(kv, shape))
		return error_set(err, "'%s': key '%s' must be an array of up "
				 "to %d integers", file, ESCAPED(kv->key),
				 GGUF_MAX_DIMS);
	if (!has_weights(shape, n_weights))
		return error_set(err, "'%s': the shape in key '%s' does not "
				 "have the %" PRIu64 " weights of its tensor",
				 file, ESCAPED(kv->key), n_weights);
	tensor->original = shape;
	return 0;
}

int shapes_init(struct model *model, struct error *err)
{
	const struct gguf *const gguf = &model->shards[0].gguf;
	const size_t n_keys = count_shapes(gguf);
	const size_t n = n_keys < model->n_tensors ? n_keys : model->n_tensors;
	struct model_shape *shape;
	size_t *order;
	int result = 0;

	if (!n)
		return 0;
	model->shapes = shape = calloc(n, sizeof(*shape));
	if (!shape)
		return error_errno(err, "cannot read %zu shapes", n);
	model->shards[0].gguf.memory += n * sizeof(*shape);
	order = order_by_name(model, err);
	if (!order)
		return -1;
	for (size_t i = 0; i < gguf->n_kv && !result; i++) {
		struct model_tensor *tensor;
		struct text name;

		if (!is_shape(&gguf->kv[i], &name))
			continue;
		tensor = find(model, order, name);
		if (tensor)
			result = reshape(model, &gguf->kv[i], tensor, shape++,
					 err);
	}
	free(order);
	return result;
}

struct model_shape model_tensor_shape(const struct model_tensor *tensor)
{
	struct model_shape shape = { .n_dims = tensor->info->n_dims };

	if (tensor->original)
		return *tensor->original;
	memcpy(shape.dims, tensor->info->dims, sizeof(shape.dims));
	return shape;
}

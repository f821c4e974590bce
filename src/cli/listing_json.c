#include <stdlib.h>

#include "base/json.h"
#include "cli/listing.h"
#include "cli/totals.h"
#include "pass/file_name.h"

#define INDEX_VERSION 1
#define JSON_LINES 2 /* one tensor per line */

static void json_dims(struct json *json, const char *key, unsigned n_dims,
		      const uint64_t *dims)
{
	json_member_array(json, key);
	for (unsigned i = 0; i < n_dims; i++)
		json_unsigned(json, dims[i]);
	json_array_end(json);
}

static void json_shape(struct json *json, const struct model_tensor *tensor)
{
	const struct model_shape shape = model_tensor_shape(tensor);

	json_dims(json, "shape", shape.n_dims, shape.dims);
}

/* Describes an unsupported type, as far as it is known. */
static void json_foreign(struct json *json, uint32_t id)
{
	const struct format_foreign *const type = format_foreign(id);

	json_member_string(json, "type", type ? type->name : NULL);
	json_member_unsigned(json, "type_id", id);
	json_member_string(json, "program", type ? type->program : NULL);
	json_member_bool(json, "supported", false);
}

/* A little-endian number as wide as its bytes. */
static uint64_t load_unsigned(struct text bytes)
{
	uint64_t value = 0;

	for (size_t i = bytes.len; i--;)
		value = value << 8 | (unsigned char)bytes.data[i];
	return value;
}

static int64_t load_signed(struct text bytes)
{
	const unsigned unused = 64 - 8 * (unsigned)bytes.len;

	return (int64_t)(load_unsigned(bytes) << unused) >> unused;
}

/* Writes a value, or an item of an array; a string is given without its length.
 * Arrays are nested at most GGUF_MAX_DEPTH deep. */
static void json_value(struct json *json, enum gguf_type type,
		       struct text bytes)
{
	struct gguf_array array;

	switch (type) {
	case GGUF_I8:
	case GGUF_I16:
	case GGUF_I32:
	case GGUF_I64:
		json_signed(json, load_signed(bytes));
		break;
	case GGUF_F32:
		json_float(json, bytes_load_f32(bytes.data));
		break;
	case GGUF_F64:
		json_double(json, bytes_load_f64(bytes.data));
		break;
	case GGUF_BOOL:
		json_bool(json, load_unsigned(bytes));
		break;
	case GGUF_STRING:
		json_text(json, bytes);
		break;
	case GGUF_ARRAY:
		json_array(json);
		for (array = gguf_array(bytes); gguf_array_next(&array);)
			json_value(json, array.type, array.item);
		json_array_end(json);
		break;
	default:
		json_unsigned(json, load_unsigned(bytes));
		break;
	}
}

static void json_kv(struct json *json, const struct gguf_kv *kv)
{
	json_key_text(json, kv->key);
	json_object(json);
	json_member_string(json, "type", gguf_type_name(kv->type));
	if (kv->type == GGUF_ARRAY)
		json_member_string(
			json, "items",
			gguf_type_name(gguf_array(kv->value).type));
	json_key(json, "value");
	json_value(json, kv->type,
		   kv->type == GGUF_STRING ? gguf_string(kv) : kv->value);
	json_object_end(json);
}

static void json_files(struct json *json, const struct model *model)
{
	json_member_array(json, "files");
	for (size_t i = 0; i < model->n_shards; i++) {
		const struct model_shard *shard = &model->shards[i];

		json_object(json);
		json_member_string(json, "name", shard->source.name);
		json_member_unsigned(json, "gguf_version", shard->gguf.version);
		json_member_unsigned(json, "alignment", shard->gguf.alignment);
		json_member_unsigned(json, "data_offset",
				     shard->gguf.data_offset);
		json_member_unsigned(json, "tensors", shard->gguf.n_tensors);
		json_object_end(json);
	}
	json_array_end(json);
}

static void json_tensors(struct json *json, const struct model *model,
			 const struct plan *plan)
{
	size_t file = 0;

	json_member_array(json, "tensors");
	for (size_t i = 0; i < plan->n_tensors; i++) {
		const struct plan_tensor *planned = &plan->tensors[i];
		const struct model_tensor *tensor = planned->tensor;
		const struct gguf_tensor *info = tensor->info;

		while (planned->tensor->source != &model->shards[file].source)
			file++; /* table order is shard by shard */
		json_object(json);
		json_member_text(json, "name", info->name);
		if (info->format)
			json_member_string(json, "type", info->format->name);
		else
			json_foreign(json, info->type);
		json_shape(json, tensor);
		if (tensor->original)
			json_dims(json, "stored_shape", info->n_dims,
				  info->dims);
		json_member_unsigned(json, "weights", info->n_weights);
		json_member_unsigned(json, "file", file);
		json_member_unsigned(json, "offset", info->offset);
		json_member_unsigned(json, "bytes", info->bytes);
		json_member_string(json, "output_type", planned->format ?
				   planned->format->file_name : NULL);
		json_member_unsigned(json, "output_bytes", planned->dst_bytes);
		json_object_end(json);
	}
	json_array_end(json);
}

static void json_totals(struct json *json, const char *type,
			const struct totals *totals)
{
	json_member_object(json, type);
	json_member_unsigned(json, "tensors", totals->n_tensors);
	json_member_unsigned(json, "weights", totals->weights);
	json_member_unsigned(json, "bytes", totals->bytes);
	json_object_end(json);
}

static void json_all_totals(struct json *json, const struct plan *plan,
			    uint64_t gguf_bytes)
{
	struct all_totals totals;

	totals_fill(&totals, plan);
	json_member_object(json, "types");
	for (unsigned i = 0; i < FORMAT_COUNT; i++)
		if (totals.of_type[i].n_tensors)
			json_totals(json, format_at(i)->name,
				    &totals.of_type[i]);
	json_object_end(json);
	if (totals.unsupported.n_tensors)
		json_totals(json, "unsupported", &totals.unsupported);
	json_totals(json, "all", &totals.all);
	json_member_object(json, "output");
	json_member_string(json, "type", plan_type_name(plan));
	json_member_unsigned(json, "bytes", plan->dst_bytes);
	if (gguf_bytes)
		json_member_unsigned(json, "gguf_bytes", gguf_bytes);
	json_object_end(json);
}

void listing_json(FILE *stream, const struct model *model,
		  const struct plan *plan, uint64_t gguf_bytes)
{
	const struct gguf *gguf = &model->shards[0].gguf;
	struct json json;

	json_init(&json, stream, JSON_LINES);
	json_object(&json);
	json_files(&json, model);
	json_member_object(&json, "metadata");
	for (size_t i = 0; i < gguf->n_kv; i++)
		json_kv(&json, &gguf->kv[i]);
	json_object_end(&json);
	json_tensors(&json, model, plan);
	json_all_totals(&json, plan, gguf_bytes);
	json_object_end(&json);
}

/* ------------------------------- the index -------------------------------- */

static int json_file(struct json *json, const struct plan_tensor *tensor,
		     struct error *err)
{
	char *const name = file_name_of(tensor, err);

	if (!name)
		return -1;
	json_member_string(json, "file", name);
	free(name);
	return 0;
}

int listing_index(FILE *stream, const struct plan *plan, bool files,
		  struct error *err)
{
	struct json json;

	json_init(&json, stream, JSON_LINES);
	json_object(&json);
	json_member_unsigned(&json, "index_version", INDEX_VERSION);
	json_member_string(&json, "byte_order", "little");
	json_member_string(&json, "shape_order", "fastest first");
	json_member_unsigned(&json, "bytes", plan->dst_bytes);
	json_member_array(&json, "tensors");
	for (size_t i = 0; i < plan->n_tensors; i++) {
		const struct plan_tensor *tensor = &plan->tensors[i];

		json_object(&json);
		json_member_text(&json, "name", tensor->tensor->info->name);
		json_member_string(&json, "type", tensor->format->file_name);
		json_shape(&json, tensor->tensor);
		if (files && json_file(&json, tensor, err))
			return -1;
		json_member_unsigned(&json, "offset",
				     files ? 0 : tensor->dst_offset);
		json_member_unsigned(&json, "bytes", tensor->dst_bytes);
		json_object_end(&json);
	}
	json_array_end(&json);
	json_object_end(&json);
	return 0;
}

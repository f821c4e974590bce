#include "cli/listing.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/json.h"
#include "pass/file_name.h"

#define INDEX_VERSION 1
#define JSON_LINES 2 /* one tensor per line */

struct totals {
	size_t n_tensors;
	uint64_t weights;
	uint64_t bytes; /* stored */
};

struct all_totals {
	struct totals of_type[FORMAT_COUNT];
	struct totals unsupported; /* of types that cannot be converted */
	struct totals all;
};

static void totals_add(struct totals *totals, const struct gguf_tensor *info)
{
	totals->n_tensors++;
	totals->bytes += info->bytes; /* each file has less than 2^63 */
	if (!bytes_add(totals->weights, info->n_weights, &totals->weights))
		totals->weights = UINT64_MAX;
}

static void totals_fill(struct all_totals *totals, const struct plan *plan)
{
	*totals = (struct all_totals){ 0 };
	for (size_t i = 0; i < plan->n_tensors; i++) {
		const struct gguf_tensor *info = plan->tensors[i].tensor->info;

		totals_add(info->format ?
			   &totals->of_type[info->format->index] :
			   &totals->unsupported, info);
		totals_add(&totals->all, info);
	}
}

static double bits_per_weight(const struct totals *totals)
{
	return totals->weights ? (double)totals->bytes * 8 /
					 (double)totals->weights :
				 0;
}

/* ------------------------------- the table -------------------------------- */

#define SHAPE_SIZE (GGUF_MAX_DIMS * 24)
#define SIZE_SIZE 16

static const char *format_shape(char text[SHAPE_SIZE],
				const struct model_tensor *tensor)
{
	const struct model_shape shape = model_tensor_shape(tensor);
	size_t len = 0;

	strcpy(text, "scalar");
	for (unsigned i = 0; i < shape.n_dims; i++)
		len += (size_t)snprintf(text + len, SHAPE_SIZE - len,
					"%s%" PRIu64, i ? " x " : "",
					shape.dims[i]);
	return text;
}

static const char *format_size(char size[SIZE_SIZE], uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB",
					     "TiB", "PiB", "EiB" };
	double value = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(size, SIZE_SIZE, "%u B", (unsigned)bytes);
		return size;
	}
	for (; value >= 1023.95; unit++)
		value /= 1024;
	snprintf(size, SIZE_SIZE, "%.1f %s", value, units[unit]);
	return size;
}

/* The size of a tensor of an unknown type is that up to the next tensor, and is
 * marked with "~". */
static const char *format_tensor_size(char text[SIZE_SIZE],
				      const struct gguf_tensor *info)
{
	char size[SIZE_SIZE];

	if (info->format)
		return format_size(text, info->bytes);
	if (!info->bytes)
		return "?";
	snprintf(text, SIZE_SIZE, "~%s", format_size(size, info->bytes));
	return text;
}

static const char *format_type(char text[FORMAT_FOREIGN_SIZE],
			       const struct gguf_tensor *info)
{
	return info->format ? info->format->name :
			      format_foreign_text(text, info->type);
}

static int max(int a, int b)
{
	return a > b ? a : b;
}

static int digits(uint64_t n)
{
	return snprintf(NULL, 0, "%" PRIu64, n);
}

/* The longest name of a GGUF type is IQ2_XXS. */
static int longest_type(const struct plan *plan)
{
	char type[FORMAT_FOREIGN_SIZE];
	int width = 7;

	for (size_t i = 0; i < plan->n_tensors; i++)
		width = max(width, (int)strlen(format_type(
			type, plan->tensors[i].tensor->info)));
	return width;
}

static void print_rows(FILE *stream, const struct plan *plan)
{
	static const char shapes[] = "SHAPE", weights[] = "WEIGHTS";
	char type[FORMAT_FOREIGN_SIZE], shape[SHAPE_SIZE], size[SIZE_SIZE];
	const int type_width = longest_type(plan);
	int shape_width = sizeof(shapes) - 1;
	int weights_width = sizeof(weights) - 1;

	for (size_t i = 0; i < plan->n_tensors; i++) {
		const struct model_tensor *tensor = plan->tensors[i].tensor;

		shape_width = max(shape_width,
				  (int)strlen(format_shape(shape, tensor)));
		weights_width = max(weights_width,
				    digits(tensor->info->n_weights));
	}
	fprintf(stream, "%-*s  %-*s  %*s  %10s  NAME\n", type_width, "TYPE",
		shape_width, shapes, weights_width, weights, "SIZE");
	for (size_t i = 0; i < plan->n_tensors; i++) {
		const struct model_tensor *tensor = plan->tensors[i].tensor;
		const struct gguf_tensor *info = tensor->info;

		fprintf(stream, "%-*s  %-*s  %*" PRIu64 "  %10s  ",
			type_width, format_type(type, info), shape_width,
			format_shape(shape, tensor), weights_width,
			info->n_weights, format_tensor_size(size, info));
		escape_print(stream, info->name);
		putc('\n', stream);
	}
}

static void print_totals(FILE *stream, int type_width, const char *type,
			 const struct totals *totals, int width)
{
	char size[SIZE_SIZE];

	fprintf(stream, "%-*s  %7zu  %*" PRIu64 "  %10s  %11.3f\n",
		type_width, type, totals->n_tensors, width, totals->weights,
		format_size(size, totals->bytes), bits_per_weight(totals));
}

static void print_all_totals(FILE *stream, const struct plan *plan,
			     uint64_t gguf_bytes)
{
	static const char weights[] = "WEIGHTS";
	static const char unsupported[] = "unsupported";
	struct all_totals totals;
	char size[SIZE_SIZE];
	int type_width = longest_type(plan);
	int width;

	totals_fill(&totals, plan);
	if (totals.unsupported.n_tensors)
		type_width = max(type_width, sizeof(unsupported) - 1);
	width = max(sizeof(weights) - 1, digits(totals.all.weights));
	fprintf(stream, "%-*s  TENSORS  %*s  %10s  BITS/WEIGHT\n", type_width,
		"TYPE", width, weights, "SIZE");
	for (unsigned i = 0; i < FORMAT_COUNT; i++)
		if (totals.of_type[i].n_tensors)
			print_totals(stream, type_width, format_at(i)->name,
				     &totals.of_type[i], width);
	if (totals.unsupported.n_tensors)
		print_totals(stream, type_width, unsupported,
			     &totals.unsupported, width);
	print_totals(stream, type_width, "all", &totals.all, width);
	fprintf(stream, "\nOutput as %s: %" PRIu64 " bytes (%s)\n",
		plan_type_name(plan), plan->dst_bytes,
		format_size(size, plan->dst_bytes));
	if (gguf_bytes)
		fprintf(stream, "As a GGUF file: %" PRIu64 " bytes (%s)\n",
			gguf_bytes, format_size(size, gguf_bytes));
	if (totals.unsupported.n_tensors)
		fprintf(stream, "Tensors of unsupported types must be excluded "
				"with -x; their size (~) is that up to the "
				"next tensor\n");
}

/* Prints `before` and the metadata entry `key` if that is a string. Returns
 * what must be printed before the next one. */
static const char *print_string(FILE *stream, const char *before,
				const struct gguf *gguf, const char *key)
{
	const struct text text = gguf_string(gguf_find(gguf, key));

	if (!text.data)
		return before;
	fprintf(stream, "%s%s", before, ESCAPED(text));
	return ", ";
}

static void print_model(FILE *stream, const struct model *model,
			const struct plan *plan)
{
	const struct gguf *gguf = &model->shards[0].gguf;
	const char *before = ": ";

	fputs(model->shards[0].source.name, stream);
	before = print_string(stream, before, gguf, "general.architecture");
	print_string(stream, before, gguf, "general.name");
	if (gguf->version)
		fprintf(stream, "\nGGUF version %" PRIu32 ", ", gguf->version);
	else
		fputs("\nHeaderless blocks, ", stream);
	if (model->n_shards > 1)
		fprintf(stream, "%zu shards, ", model->n_shards);
	if (plan->n_tensors < model->n_tensors)
		fprintf(stream, "%zu of ", plan->n_tensors);
	fprintf(stream, "%zu tensors; a shape's fastest dimension is first\n\n",
		model->n_tensors);
}

void listing_table(FILE *stream, const struct model *model,
		   const struct plan *plan, uint64_t gguf_bytes)
{
	print_model(stream, model, plan);
	print_rows(stream, plan);
	fputc('\n', stream);
	print_all_totals(stream, plan, gguf_bytes);
}

/* -------------------------------- the JSON -------------------------------- */

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

/* The name, or NULL, of an unsupported type, and what is known of it. */
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

/* ------------------------------- the mapping ------------------------------ */

/* A tensor of the file and what becomes of it. */
struct mapped {
	const struct plan_tensor *from;
	const struct hf_tensor *to; /* NULL: it is dropped */
	const char *transform;
};

/* Calls `show` for each part of the checkpoint's tensors, then for what is
 * dropped. */
static void for_each_mapped(const struct hf_mapping *mapping,
			    void (*show)(void *context,
					 const struct mapped *mapped),
			    void *context)
{
	for (size_t i = 0; i < mapping->n_tensors; i++) {
		const struct hf_tensor *const to = &mapping->tensors[i];

		for (unsigned k = 0; k < to->n_parts; k++)
			show(context, &(struct mapped){
				to->parts[k], to,
				hf_transform_name(to->row->transform) });
	}
	for (size_t i = 0; i < mapping->n_dropped; i++)
		show(context, &(struct mapped){ mapping->dropped[i], NULL,
						hf_transform_name(HF_DROP) });
}

static const char *format_hf_shape(char text[SHAPE_SIZE],
				   const struct hf_tensor *tensor)
{
	size_t len = 1;

	strcpy(text, tensor ? "[" : "-");
	if (!tensor)
		return text;
	for (unsigned i = tensor->info.n_dims; i; i--)
		len += (size_t)snprintf(text + len, SHAPE_SIZE - len,
					"%" PRIu64 "%s",
					tensor->info.dims[i - 1],
					i > 1 ? ", " : "");
	snprintf(text + len, SHAPE_SIZE - len, "]");
	return text;
}

static const char *hf_name(const struct mapped *mapped)
{
	return mapped->to ? mapped->to->name : "-";
}

struct columns {
	FILE *stream;
	int shape, transform, name;
};

static void widen(void *context, const struct mapped *mapped)
{
	struct columns *const columns = context;
	char shape[SHAPE_SIZE];

	columns->transform = max(columns->transform,
				 (int)strlen(mapped->transform));
	columns->name = max(columns->name, (int)strlen(hf_name(mapped)));
	columns->shape = max(columns->shape,
			     (int)strlen(format_hf_shape(shape, mapped->to)));
}

static void print_mapped(void *context, const struct mapped *mapped)
{
	const struct columns *const columns = context;
	char shape[SHAPE_SIZE];

	fprintf(columns->stream, "%-*s  %-*s  %-*s  ", columns->name,
		hf_name(mapped), columns->shape,
		format_hf_shape(shape, mapped->to), columns->transform,
		mapped->transform);
	escape_print(columns->stream, mapped->from->tensor->info->name);
	putc('\n', columns->stream);
}

static void print_mapping(FILE *stream, const struct hf_checkpoint *checkpoint)
{
	const struct model *const model = checkpoint->model;
	struct columns columns = { stream, sizeof("SHAPE") - 1,
				   sizeof("TRANSFORM") - 1,
				   sizeof("HUGGING FACE") - 1 };

	for_each_mapped(&checkpoint->mapping, widen, &columns);
	fprintf(stream, "%s: %s, %zu tensors; a shape's slowest dimension is "
		"first\n\n%-*s  %-*s  %-*s  GGUF\n",
		model->shards[0].source.name,
		checkpoint->architecture->class_name,
		checkpoint->mapping.n_tensors, columns.name, "HUGGING FACE",
		columns.shape, "SHAPE", columns.transform, "TRANSFORM");
	for_each_mapped(&checkpoint->mapping, print_mapped, &columns);
}

static void json_mapped(void *context, const struct mapped *mapped)
{
	struct json *const json = context;
	const struct hf_tensor *const to = mapped->to;

	json_object(json);
	json_member_text(json, "gguf", mapped->from->tensor->info->name);
	json_member_string(json, "hf", to ? to->name : NULL);
	json_member_string(json, "transform", mapped->transform);
	json_member_array(json, "shape");
	for (unsigned i = to ? to->info.n_dims : 0; i; i--)
		json_unsigned(json, to->info.dims[i - 1]);
	json_array_end(json);
	json_object_end(json);
}

void listing_mapping(FILE *stream, const struct hf_checkpoint *checkpoint,
		     bool json_wanted)
{
	const struct hf_architecture *const architecture =
		checkpoint->architecture;
	struct json json;

	if (!json_wanted) {
		print_mapping(stream, checkpoint);
		return;
	}
	json_init(&json, stream, JSON_LINES);
	json_object(&json);
	json_member_string(&json, "architecture", architecture->class_name);
	json_member_string(&json, "model_type", architecture->model_type);
	json_member_array(&json, "tensors");
	for_each_mapped(&checkpoint->mapping, json_mapped, &json);
	json_array_end(&json);
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

#include <inttypes.h>
#include <string.h>

#include "base/escape.h"
#include "base/json.h"
#include "cli/listing.h"

#define JSON_LINES 2 /* one tensor per line */
#define SHAPE_SIZE (GGUF_MAX_DIMS * 24)

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

static const char *format_shape(char text[SHAPE_SIZE],
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

static void widen(int *width, const char *text)
{
	const int len = (int)strlen(text);

	if (*width < len)
		*width = len;
}

static void measure(void *context, const struct mapped *mapped)
{
	struct columns *const columns = context;
	char shape[SHAPE_SIZE];

	widen(&columns->transform, mapped->transform);
	widen(&columns->name, hf_name(mapped));
	widen(&columns->shape, format_shape(shape, mapped->to));
}

static void print_mapped(void *context, const struct mapped *mapped)
{
	const struct columns *const columns = context;
	char shape[SHAPE_SIZE];

	fprintf(columns->stream, "%-*s  %-*s  %-*s  ", columns->name,
		hf_name(mapped), columns->shape,
		format_shape(shape, mapped->to), columns->transform,
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

	for_each_mapped(&checkpoint->mapping, measure, &columns);
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

#include <inttypes.h>

#include "base/escape.h"
#include "base/json.h"
#include "sink/file.h"
#include "sink/kinds.h"

/*
 *   | bytes of the header: u64 | header: JSON, then spaces | tensors' data |
 *
 * The header is padded so that the data begin at a multiple of 8. For each
 * tensor it has the dtype, the shape with the fastest dimension last, and the
 * start and end in the data. The data have no gaps.
 *
 * https://github.com/huggingface/safetensors
 */
#define HEADER_ALIGNMENT 8
#define MAX_HEADER 100000000 /* the limit of the library */
#define METADATA "__metadata__"

struct sink_safetensors {
	struct sink_file file; /* first */
	const struct plan *plan;
	const struct gguf *gguf;
	uint64_t data; /* start of the data; 0 until it is known */
};

/* Writes a string of the model's metadata, if present. If it is not UTF-8,
 * which no reader accepts, it is escaped like in messages. */
static void put_metadata(struct json *json, const struct gguf *gguf,
			 const char *key)
{
	const struct text text = gguf_string(gguf_find(gguf, key));

	if (!text.data)
		return;
	if (escape_is_utf8(text))
		json_member_text(json, key, text);
	else
		json_member_string(json, key, ESCAPED(text));
}

static void put_tensor(struct json *json, const struct sink_safetensors *sink,
		       const struct plan_tensor *tensor)
{
	const struct model_shape shape = model_tensor_shape(tensor->tensor);
	const uint64_t begin = tensor->dst_offset - sink->data;

	json_key_text(json, tensor->tensor->info->name);
	json_object(json);
	json_member_string(json, "dtype", tensor->format->name);
	json_member_array(json, "shape");
	for (unsigned i = shape.n_dims; i; i--)
		json_unsigned(json, shape.dims[i - 1]);
	json_array_end(json);
	json_member_array(json, "data_offsets");
	json_unsigned(json, begin);
	json_unsigned(json, begin + tensor->dst_bytes);
	json_array_end(json);
	json_object_end(json);
}

static void put_header(struct sink_file *file)
{
	const struct sink_safetensors *const sink =
		(struct sink_safetensors *)file;
	const struct plan *const plan = sink->plan;
	struct json json;

	json_init(&json, file->stream.stream, 0);
	json_object(&json);
	json_member_object(&json, METADATA);
	/* transformers loads no other */
	json_member_string(&json, "format", "pt");
	put_metadata(&json, sink->gguf, "general.architecture");
	put_metadata(&json, sink->gguf, "general.name");
	json_object_end(&json);
	for (size_t i = 0; i < plan->n_tensors; i++)
		put_tensor(&json, sink, &plan->tensors[i]);
	json_object_end(&json);
}

int sink_safetensors_check(const struct plan *plan, struct error *err)
{
	if (sink_file_check(plan, "safetensors", true,
			    "'--type f32', 'f16' or 'bf16', or '--format gguf'",
			    err))
		return -1;
	for (size_t i = 0; i < plan->n_tensors; i++)
		if (text_is(plan->tensors[i].tensor->info->name, METADATA))
			return error_set(err, "safetensors reserves the name "
					 "'%s'; exclude that tensor with "
					 "'--exclude'", METADATA);
	return 0;
}

/* Turns each offset into one in the file. Sets *end to the end of the file. */
static int place_after(struct sink_safetensors *sink, struct plan *plan,
		       uint64_t header, uint64_t *end, struct error *err)
{
	if (header > MAX_HEADER)
		return error_set(err, "the header would have %" PRIu64
				 " bytes, but safetensors allows %d; select "
				 "fewer tensors with '--tensor'", header,
				 MAX_HEADER);
	sink->data = sizeof(uint64_t) + header;
	if (!bytes_add(sink->data, plan->dst_bytes, end) || *end > INT64_MAX)
		return error_set(err, "the output exceeds 2^63 - 1 bytes");
	for (size_t i = 0; i < plan->n_tensors; i++)
		plan->tensors[i].dst_offset += sink->data;
	return 0;
}

struct sink *sink_safetensors_open(struct output *output, struct plan *plan,
				   const struct model *model, struct error *err)
{
	static const struct sink_file_kind kind = { .before = NULL };
	struct sink_safetensors *const sink =
		sink_file_new(sizeof(*sink), &kind, output, err);
	struct sink_file *const file = &sink->file;
	uint64_t json, header, end = 0;

	if (!sink)
		return NULL;
	sink->plan = plan;
	sink->gguf = &model->shards[0].gguf;
	if (sink_safetensors_check(plan, err))
		return sink_file_drop(file);
	plan_align(plan);
	if (sink_file_measure(file, put_header, &json, err))
		return sink_file_drop(file);
	/* Cannot overflow, since it is made from data in memory. */
	(void)bytes_align(json, HEADER_ALIGNMENT, &header);
	if (place_after(sink, plan, header, &end, err) ||
	    sink_file_open(file, plan, end, end, err))
		return sink_file_drop(file);
	output_stream_put_u64(&file->stream, header);
	put_header(file);
	for (; json < header; json++)
		output_stream_put(&file->stream, " ", 1);
	return sink_file_start(file, sink->data);
}

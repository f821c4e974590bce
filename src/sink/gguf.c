#include <inttypes.h>

#include "base/escape.h"
#include "pass/keep.h"
#include "sink/file.h"
#include "sink/kinds.h"

#define VERSION 3

struct sink_gguf {
	struct sink_file file; /* first */
	const struct plan *plan;
	const struct gguf *gguf;
	uint64_t alignment; /* not gguf->alignment where there is no GGUF */
	uint64_t data; /* where the tensors' data begin */
};

/* Keys that describe a shard, since the output is a whole file. */
static bool is_dropped(const struct gguf_kv *kv)
{
	static const char prefix[] = "split.";

	return kv->key.len >= sizeof(prefix) - 1 &&
	       !memcmp(kv->key.data, prefix, sizeof(prefix) - 1);
}

/*
 * general.file_type of what most weights are in: F32, F16 or BF16. Any other
 * type is that of the model, whose own value then says more, as it does if
 * nothing is converted. Returns false for that.
 */
static bool file_type(const struct plan *plan, uint32_t *value)
{
	uint64_t weights[OUTPUT_TYPE_COUNT] = { 0 };
	enum output_type most = OUTPUT_NATIVE;
	bool converted = false;

	for (size_t i = 0; i < plan->n_tensors; i++) {
		const struct plan_tensor *const tensor = &plan->tensors[i];

		converted |= !tensor->verbatim;
		if (tensor->format->kind != FORMAT_KIND_INTEGER)
			weights[output_type_of(tensor->format)] +=
				tensor->tensor->info->n_weights;
	}
	for (enum output_type type = 0; type < OUTPUT_NATIVE; type++)
		if (weights[type] > weights[most])
			most = type;
	*value = output_type_at(most)->file_type;
	return converted && most != OUTPUT_NATIVE;
}

/* Writes | key: string | type: u32 | value | as in the model. */
static void put_kv(struct output_stream *s, const struct gguf_kv *kv,
		   const struct plan *plan)
{
	uint32_t value;

	output_stream_put_u64(s, kv->key.len);
	output_stream_put(s, kv->key.data, kv->key.len);
	if (text_is(kv->key, "general.file_type") && file_type(plan, &value)) {
		output_stream_put_u32(s, GGUF_U32);
		output_stream_put_u32(s, value);
	} else {
		output_stream_put_u32(s, kv->type);
		output_stream_put(s, kv->value.data, kv->value.len);
	}
}

static void put_info(struct output_stream *s, const struct plan_tensor *tensor,
		     uint64_t data)
{
	const struct gguf_tensor *const info = tensor->tensor->info;

	output_stream_put_u64(s, info->name.len);
	output_stream_put(s, info->name.data, info->name.len);
	output_stream_put_u32(s, info->n_dims);
	for (unsigned i = 0; i < info->n_dims; i++)
		output_stream_put_u64(s, info->dims[i]);
	output_stream_put_u32(s, tensor->format->id);
	output_stream_put_u64(s, tensor->dst_offset - data);
}

/* Writes everything before the padding to the tensor data. */
static void put_head(struct sink_file *file)
{
	const struct sink_gguf *const sink = (struct sink_gguf *)file;
	const struct gguf *const gguf = sink->gguf;
	const struct plan *const plan = sink->plan;
	struct output_stream *const s = &file->stream;
	uint64_t n_kv = 0;

	for (size_t i = 0; i < gguf->n_kv; i++)
		n_kv += !is_dropped(&gguf->kv[i]);
	output_stream_put(s, "GGUF", 4);
	output_stream_put_u32(s, VERSION);
	output_stream_put_u64(s, plan->n_tensors);
	output_stream_put_u64(s, n_kv);
	for (size_t i = 0; i < gguf->n_kv; i++)
		if (!is_dropped(&gguf->kv[i]))
			put_kv(s, &gguf->kv[i], plan);
	for (size_t i = 0; i < plan->n_tensors; i++)
		put_info(s, &plan->tensors[i], sink->data);
}

static int check_formats(const struct plan *plan, struct error *err)
{
	for (size_t i = 0; i < plan->n_tensors; i++) {
		const struct plan_tensor *const tensor = &plan->tensors[i];
		const struct format *const format = tensor->format;

		if (format->id >= FORMAT_OWN_IDS)
			return error_set(err, "tensor '%s' would be written as "
					 "%s, which GGUF does not support; use "
					 "'--type f32', 'f16' or 'bf16', or "
					 "'--format raw'",
					 ESCAPED(tensor->tensor->info->name),
					 format->name);
	}
	return 0;
}

/* Places the tensors from `data` on as ggml requires: in table order, each
 * padded to the alignment. Sets *end to the end of the file. */
static int place_padded(struct plan *plan, uint64_t data, uint64_t alignment,
			uint64_t *end, struct error *err)
{
	*end = data;
	for (size_t i = 0; i < plan->n_tensors; i++) {
		struct plan_tensor *const tensor = &plan->tensors[i];

		tensor->dst_offset = *end;
		if (bytes_add(*end, tensor->dst_bytes, end) &&
		    bytes_align(*end, alignment, end) && *end <= INT64_MAX)
			continue;
		return error_set(err, "the output exceeds 2^63 - 1 bytes at "
				 "tensor '%s'",
				 ESCAPED(tensor->tensor->info->name));
	}
	return 0;
}

static uint64_t pad(struct sink_file *file, const struct plan_tensor *tensor)
{
	const uint64_t alignment = ((struct sink_gguf *)file)->alignment;
	const uint64_t n = -tensor->dst_bytes & (alignment - 1);

	output_stream_put_zeros(&file->stream, n);
	return n;
}

/* Sets *head to the bytes before the padding to the data. */
static int measure_head(struct sink_gguf *sink, const struct plan *plan,
			const struct model *model, uint64_t *head,
			struct error *err)
{
	sink->plan = plan;
	sink->gguf = &model->shards[0].gguf;
	sink->alignment = gguf_find(sink->gguf, "general.alignment") ?
				  sink->gguf->alignment :
				  GGUF_DEFAULT_ALIGNMENT;
	if (sink_file_measure(&sink->file, put_head, head, err))
		return -1;
	/* Cannot overflow, since the head is made from data in memory. */
	(void)bytes_align(*head, sink->alignment, &sink->data);
	return 0;
}

/* Places the plan's tensors in the file. *bytes stays 0 if it cannot be one. */
static int measure_file(struct plan *plan, const struct model *model,
			uint64_t *bytes, struct error *err)
{
	struct sink_gguf sink = { .plan = plan };
	struct error why;
	uint64_t head;

	if (check_formats(plan, &why))
		return 0;
	if (measure_head(&sink, plan, model, &head, err))
		return -1;
	if (place_padded(plan, sink.data, sink.alignment, bytes, &why))
		*bytes = 0;
	return 0;
}

int sink_gguf_size(const struct plan *plan, const struct model *model,
		   uint64_t *bytes, struct error *err)
{
	struct error why;
	struct plan copy;
	int result;

	*bytes = 0;
	if (plan_check_formats(plan, &why))
		return 0;
	if (plan_init_by_output(&copy, plan, err))
		return -1;
	result = keep_f32(&copy, model, err) ||
		 measure_file(&copy, model, bytes, err);
	plan_release(&copy);
	return result ? -1 : 0;
}

struct sink *sink_gguf_open(struct output *output, struct plan *plan,
			    const struct model *model, struct error *err)
{
	static const struct sink_file_kind kind = { .after = pad };
	struct sink_gguf *const sink =
		sink_file_new(sizeof(*sink), &kind, output, err);
	uint64_t head, end;

	if (!sink)
		return NULL;
	if (check_formats(plan, err) ||
	    measure_head(sink, plan, model, &head, err) ||
	    place_padded(plan, sink->data, sink->alignment, &end, err) ||
	    sink_file_open(&sink->file, plan, end, end, err))
		return sink_file_drop(&sink->file);
	put_head(&sink->file);
	output_stream_put_zeros(&sink->file.stream, sink->data - head);
	return sink_file_start(&sink->file, sink->data);
}

#include "hf/checkpoint.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/escape.h"

static int read_values(struct hf_values *values,
		       const struct model_tensor *tensor, struct error *err)
{
	const struct gguf_tensor *const info = tensor->info;

	if (info->format != format_at(FORMAT_F32) ||
	    info->n_weights > HF_MAX_VALUES)
		return error_set(err, "'%s': tensor '%s' must be at most %d "
				 "numbers of type F32", tensor->source->name,
				 values->name, HF_MAX_VALUES);
	values->n = (size_t)info->n_weights;
	values->values = malloc((size_t)info->bytes + 1);
	if (!values->values)
		return error_errno(err, "cannot read '%s'", values->name);
	values->source = tensor->source;
	if (tensor->source->seekable)
		return source_read(tensor->source, info->offset, values->values,
				   (size_t)info->bytes, err);
	values->tap = (struct source_tap){ .offset = info->offset,
					   .n = (size_t)info->bytes,
					   .to = (char *)values->values };
	source_tap(tensor->source, &values->tap);
	return 0;
}

bool hf_checkpoint_has_values(const struct hf_checkpoint *checkpoint)
{
	for (size_t i = 0; i < checkpoint->n_values; i++)
		if (checkpoint->values[i].tap.to)
			return false;
	return true;
}

int hf_checkpoint_finish_values(const struct hf_checkpoint *checkpoint,
				struct error *err)
{
	for (size_t i = 0; i < checkpoint->n_values; i++) {
		struct hf_values *const values = &checkpoint->values[i];

		if (values->tap.to &&
		    source_tap_finish(values->source, &values->tap, err))
			return -1;
	}
	return 0;
}

static int read_all_values(struct hf_checkpoint *checkpoint, struct error *err)
{
	const struct hf_architecture *const arch = checkpoint->architecture;

	checkpoint->values = calloc(arch->n_tensors + 1,
				    sizeof(*checkpoint->values));
	if (!checkpoint->values)
		return error_errno(err, "cannot read the model's factors");
	for (size_t i = 0; i < arch->n_tensors; i++) {
		const struct hf_tensor_row *const row = &arch->tensors[i];
		const struct model_tensor *const tensor =
			row->transform == HF_VALUES ?
			hf_tensor(checkpoint->model, row->gguf) : NULL;
		struct hf_values *const values =
			&checkpoint->values[checkpoint->n_values];

		if (!tensor)
			continue;
		values->name = row->gguf;
		checkpoint->n_values++;
		if (read_values(values, tensor, err))
			return -1;
	}
	return 0;
}

int hf_checkpoint_prepare(struct hf_checkpoint *checkpoint,
			  const char *config_from, const struct notes *notes,
			  size_t memory, struct error *err)
{
	checkpoint->notes = notes;
	checkpoint->memory = memory;
	if (config_from)
		return hf_originals_open(&checkpoint->originals, config_from,
					 checkpoint, err);
	if (tokenizer_choose(&checkpoint->tokenizer, &checkpoint->metadata,
			     checkpoint->architecture->tokenizer, notes, err))
		return -1;
	return read_all_values(checkpoint, err);
}

/* The type that most weights are written as. */
static enum output_type main_type(const struct plan *plan)
{
	uint64_t weights[OUTPUT_TYPE_COUNT] = { 0 };
	enum output_type most = OUTPUT_F32;

	for (size_t i = 0; i < plan->n_tensors; i++) {
		const enum output_type type = plan->tensors[i].type;

		weights[type] += plan->tensors[i].tensor->info->n_weights;
		if (weights[type] > weights[most])
			most = type;
	}
	return most;
}

static int check_types(const struct plan *plan, struct error *err)
{
	for (size_t i = 0; i < plan->n_tensors; i++) {
		const struct plan_tensor *const tensor = &plan->tensors[i];

		if (tensor->type == OUTPUT_NATIVE)
			return error_set(err, "'--type native' for tensor '%s' "
					 "cannot be combined with '--format "
					 "hf', which writes f32, f16 or bf16",
					 ESCAPED(tensor->tensor->info->name));
	}
	return 0;
}

int hf_checkpoint_init(struct hf_checkpoint *checkpoint,
		       const struct model *model, struct plan *plan,
		       bool selected, size_t memory, struct error *err)
{
	const struct model_shard *const shard = &model->shards[0];

	*checkpoint = (struct hf_checkpoint){
		.model = model,
		.architecture = hf_architecture_of(model, err),
	};
	if (!checkpoint->architecture ||
	    metadata_init(&checkpoint->metadata, &shard->gguf,
			  shard->source.name, err) ||
	    plan_check_formats(plan, err) || check_types(plan, err) ||
	    hf_mapping_init(&checkpoint->mapping, checkpoint->architecture,
			    model, plan, selected, memory, err))
		return -1;
	checkpoint->type = main_type(plan);
	return 0;
}

void hf_checkpoint_release(struct hf_checkpoint *checkpoint)
{
	for (size_t i = 0; i < checkpoint->n_values; i++)
		free(checkpoint->values[i].values);
	free(checkpoint->values);
	hf_mapping_release(&checkpoint->mapping);
	hf_originals_close(&checkpoint->originals);
	*checkpoint = (struct hf_checkpoint){ .model = NULL };
}

const struct hf_values *hf_values(const struct hf_checkpoint *checkpoint,
				  const char *name)
{
	for (size_t i = 0; i < checkpoint->n_values; i++)
		if (!strcmp(checkpoint->values[i].name, name))
			return &checkpoint->values[i];
	return NULL;
}

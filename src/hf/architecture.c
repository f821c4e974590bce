#include "hf/architecture.h"

#include <assert.h>
#include <stdio.h>

#include "base/escape.h"
#include "hf/metadata.h"

/* The conditions of a row, after its other members. */
#define MAYBE { HF_MAYBE, NULL, 0 }
#define HAS_TENSOR(pattern) { HF_HAS_TENSOR, pattern, 0 }
#define NO_TENSOR(pattern) { HF_NO_TENSOR, pattern, 0 }
#define KEY_IS_NOT(key, n) { HF_KEY_IS_NOT, key, n }
#define KEY_ABOVE(key, n) { HF_KEY_ABOVE, key, n }

#define ARCHITECTURE(gguf, name, class, model_type, ...) \
	static const struct hf_tensor_row name##_tensors[] = {
#define TENSOR(gguf_, hf_, how, ...) \
	{ .gguf = gguf_, .hf = hf_, .transform = HF_##how, __VA_ARGS__ },
#define DROP(glob) { .gguf = glob, .transform = HF_DROP },
#define VALUES(gguf_) { .gguf = gguf_, .transform = HF_VALUES },
#define END };
#include "hf/architectures.def"

static const struct tokenizer_facts tokenizers[] = {
#define TOKENIZER(pre_, ...) { .pre = pre_, __VA_ARGS__ },
#include "hf/architectures.def"
};

static const struct hf_architecture architectures[] = {
#define ARCHITECTURE(gguf_, name, class_name_, model_type_, ...)            \
	{ .tensors = name##_tensors,                                        \
	  .n_tensors = sizeof(name##_tensors) / sizeof(*name##_tensors),    \
	  .gguf = gguf_, .class_name = class_name_,                         \
	  .model_type = model_type_,                                        \
	  .tokenizer = &tokenizers[HF_##name], __VA_ARGS__ },
#include "hf/architectures.def"
};

static_assert(sizeof(tokenizers) / sizeof(*tokenizers) ==
	      HF_ARCHITECTURE_COUNT, "one TOKENIZER per architecture");

const struct hf_architecture *hf_architecture_at(size_t i)
{
	return i < HF_ARCHITECTURE_COUNT ? &architectures[i] : NULL;
}

enum hf_architecture_number
hf_architecture_number(const struct hf_architecture *architecture)
{
	return (enum hf_architecture_number)(architecture - architectures);
}

/* -------------------------------- the model ------------------------------- */

const struct gguf_kv *hf_key(const struct model *model, const char *key)
{
	const struct gguf *const gguf = &model->shards[0].gguf;
	const struct metadata metadata = {
		.gguf = gguf,
		.architecture =
			gguf_string(gguf_find(gguf, "general.architecture")),
	};

	return metadata_find(&metadata, key);
}

const struct model_tensor *hf_tensor(const struct model *model,
				     const char *pattern)
{
	struct hf_match match;

	for (size_t i = 0; i < model->n_tensors; i++)
		if (hf_name_matches(pattern, model->tensors[i].info->name,
				    &match))
			return &model->tensors[i];
	return NULL;
}

bool hf_condition_holds(const struct hf_condition *condition,
			const struct model *model)
{
	const char *const name = condition->name;
	uint64_t value;

	switch (condition->fact) {
	case HF_HAS_TENSOR:
		return hf_tensor(model, name);
	case HF_NO_TENSOR:
		return !hf_tensor(model, name);
	case HF_KEY_IS_NOT:
		return !gguf_unsigned(hf_key(model, name), &value) ||
		       value != condition->value;
	case HF_KEY_ABOVE:
		return gguf_unsigned(hf_key(model, name), &value) &&
		       value > condition->value;
	default: /* HF_ALWAYS, HF_MAYBE */
		return true;
	}
}

/* --------------------------------- choosing ------------------------------- */

/* What else a GGUF file may be, by general.type or general.architecture. */
static const struct {
	const char *name;
	const char *what;
} no_models[] = {
	{ "adapter", "a LoRA adapter" },
	{ "mmproj", "a vision projector" },
	{ "clip", "a vision projector" },
	{ "imatrix", "an importance matrix" },
	{ "vocab", "a vocabulary" },
};

static const char *other_kind(const struct model *model)
{
	const struct gguf *const gguf = &model->shards[0].gguf;
	const struct text type = gguf_string(gguf_find(gguf, "general.type"));
	const struct text name =
		gguf_string(gguf_find(gguf, "general.architecture"));

	for (size_t i = 0; i < sizeof(no_models) / sizeof(*no_models); i++)
		if (text_is(type, no_models[i].name) ||
		    text_is(name, no_models[i].name))
			return no_models[i].what;
	return NULL;
}

static int append_supported(struct error *err)
{
	const char *before = "";

	error_append(err, "; '--format hf' supports ");
	for (size_t i = 0; i < HF_ARCHITECTURE_COUNT; i++) {
		if (i && !strcmp(architectures[i].gguf,
				 architectures[i - 1].gguf))
			continue;
		error_append(err, "%s%s", before, architectures[i].gguf);
		before = ", ";
	}
	return -1;
}

const struct hf_architecture *hf_architecture_of(const struct model *model,
						 struct error *err)
{
	const struct text name = gguf_string(gguf_find(
		&model->shards[0].gguf, "general.architecture"));
	const char *const file = model->shards[0].source.name;
	const char *const other = other_kind(model);

	if (other) {
		error_set(err, "'%s' is %s, not a language model", file, other);
		return NULL;
	}
	for (size_t i = 0; i < HF_ARCHITECTURE_COUNT; i++)
		if (text_is(name, architectures[i].gguf) &&
		    hf_condition_holds(&architectures[i].when, model) &&
		    hf_condition_holds(&architectures[i].and, model))
			return &architectures[i];
	if (name.data)
		error_set(err, "'%s' has the architecture '%s'", file,
			  ESCAPED(name));
	else
		error_set(err, "'%s' has no 'general.architecture'", file);
	append_supported(err);
	return NULL;
}

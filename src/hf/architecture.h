/* architecture.h - the table of architectures, from architectures.def. */
#ifndef HF_ARCHITECTURE_H
#define HF_ARCHITECTURE_H

#include "hf/name.h"
#include "model/model.h"

enum hf_fact {
	HF_ALWAYS,
	HF_MAYBE,
	HF_HAS_TENSOR,
	HF_NO_TENSOR,
	HF_KEY_IS_NOT,
	HF_KEY_ABOVE,
};

struct hf_condition {
	enum hf_fact fact;
	const char *name; /* of tensors, see name.h; or of a key */
	uint64_t value;
};

enum hf_transform {
	HF_COPY,
	HF_MINUS_ONE,
	HF_ROW,
	HF_SPLIT,
	HF_TRANSPOSE,
	HF_UNPERMUTE_Q,
	HF_UNPERMUTE_K,
	HF_FUSED_Q,
	HF_FUSED_K,
	HF_FUSED_V,
	HF_FUSED_UNPERMUTE_Q,
	HF_FUSED_UNPERMUTE_K,
	HF_REGROUP_QKV,
	HF_EVEN,
	HF_ODD,
	HF_TRANSPOSE_EVEN,
	HF_TRANSPOSE_ODD,
	HF_STACK_TRANSPOSED,
	HF_STACK,
	HF_DROP,
	HF_VALUES,
};

/* TENSOR, DROP or VALUES: what becomes of the tensors whose names match. */
struct hf_tensor_row {
	const char *gguf; /* a pattern: see name.h; of DROP, a glob */
	const char *hf;   /* NULL: they are dropped */
	enum hf_transform transform;
	struct hf_condition when;
};

/* What an architecture's models have, and their GGUF files do not say. */
struct tokenizer_facts {
	const char *pre; /* where tokenizer.ggml.pre is missing, as in old
			    files; NULL: not known */
	bool no_bos;     /* tokenizer.ggml.bos_token_id is the converter's */
	bool strips;     /* SentencePiece: control tokens take the spaces after
			    them, but for <unk>, <s> and <|endoftext|> */
};

struct hf_architecture {
	const char *gguf; /* general.architecture */
	const char *class_name;
	const char *model_type;
	const struct tokenizer_facts *tokenizer;
	struct hf_condition when, and;
	const struct hf_tensor_row *tensors;
	size_t n_tensors;
};

/* One number per architecture: HF_llama, … */
enum hf_architecture_number {
#define ARCHITECTURE(gguf, name, class, model_type, ...) HF_##name,
#include "hf/architectures.def"
	HF_ARCHITECTURE_COUNT
};

/* Architecture `i`; NULL past the end. */
const struct hf_architecture *hf_architecture_at(size_t i);

enum hf_architecture_number
hf_architecture_number(const struct hf_architecture *architecture);

/*
 * That of the model. NULL and an error that lists those supported if it is none
 * of them, or if the file holds no language model: a LoRA adapter, a vision
 * projector, an importance matrix.
 */
const struct hf_architecture *hf_architecture_of(const struct model *model,
						 struct error *err);

bool hf_condition_holds(const struct hf_condition *condition,
			const struct model *model);

/* As metadata_find, for a model whose architecture need not be known. */
const struct gguf_kv *hf_key(const struct model *model, const char *key);

/* The first tensor that the pattern matches, or NULL. */
const struct model_tensor *hf_tensor(const struct model *model,
				     const char *pattern);

#endif

/* transform.h - what becomes of one tensor, or two: see architectures.def. */
#ifndef HF_TRANSFORM_H
#define HF_TRANSFORM_H

#include "hf/architecture.h"
#include "pass/view.h"

/* A tensor of the checkpoint. */
struct hf_tensor {
	const struct hf_tensor_row *row; /* of its first part */
	const struct plan_tensor *parts[2]; /* of the file; borrowed */
	unsigned n_parts;
	char *name;
	struct gguf_tensor info;
	struct model_tensor tensor; /* has the info */
	struct plan_tensor slice; /* of a part, in the file */
	struct view *view;        /* NULL: its bytes are together in the file */
};

/* What the metadata say of the heads of attention; NULL: nothing. */
struct hf_attention {
	const char *file; /* for messages */
	const char *prefix;
	const struct gguf_kv *head_count, *head_count_kv;
	const struct gguf_kv *key_length, *value_length;
};
struct hf_attention hf_attention_of(const struct model *model,
				    const struct hf_architecture *architecture);

/*
 * Gives the tensor its shape, its place in the file, and perhaps a view, by its
 * row; before, it has those of its first part. It has all its parts, none of
 * which is empty, and is in that layer. Not for SPLIT.
 */
int hf_transform(struct hf_tensor *made, uint32_t layer,
		 const struct hf_attention *attention, struct error *err);

/* Of SPLIT: makes it item `i` of the slowest of at least two dimensions. */
int hf_take_item(struct hf_tensor *made, uint64_t i, struct error *err);

/* Whether a tensor of two parts is made from the row's tensor. What becomes of
 * it is in the row of the first. */
bool hf_is_first(enum hf_transform transform);
bool hf_is_second(enum hf_transform transform);

/* Begins an error with the name of a tensor of the file. */
int hf_name_tensor(struct error *err, const struct plan_tensor *tensor);

/* "copy", "transpose", …, for a listing. */
const char *hf_transform_name(enum hf_transform transform);

#endif

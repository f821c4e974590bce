/* checkpoint.h - a model as a Hugging Face checkpoint. */
#ifndef HF_CHECKPOINT_H
#define HF_CHECKPOINT_H

#include "base/output_type.h"
#include "hf/mapping.h"
#include "hf/originals.h"
#include "hf/tokenizer.h"

/* The values of a small F32 tensor. */
struct hf_values {
	const char *name; /* the row's: see VALUES in architectures.def */
	float *values;
	size_t n;
	struct source *source;
	struct source_tap tap; /* of a stream; without it, they were read */
};
#define HF_MAX_VALUES 65536

struct hf_checkpoint {
	const struct model *model;
	const struct hf_architecture *architecture;
	struct hf_mapping mapping;
	struct metadata metadata;
	enum output_type type; /* of most of the weights written */

	/* For the files beside the weights: see hf_checkpoint_prepare. */
	const struct notes *notes;
	size_t memory; /* bytes that writing a file may allocate */
	struct tokenizer_kind tokenizer;
	struct hf_originals originals; /* that are copied instead, if any */
	struct hf_values *values;
	size_t n_values;
};

/*
 * Chooses the architecture, and lets the plan have the checkpoint's tensors:
 * see hf_mapping_init, also for the parameters. The caller releases the
 * checkpoint after success, and after the plan.
 */
int hf_checkpoint_init(struct hf_checkpoint *checkpoint,
		       const struct model *model, struct plan *plan,
		       bool selected, size_t memory, struct error *err);
void hf_checkpoint_release(struct hf_checkpoint *checkpoint);

/*
 * Reads what the files beside the weights need, before any tensor of the plan;
 * but values from a stream are there only after it was read. The files are
 * copies of those in the folder config_from, unless that is NULL. The
 * checkpoint borrows the notes.
 */
int hf_checkpoint_prepare(struct hf_checkpoint *checkpoint,
			  const char *config_from, const struct notes *notes,
			  size_t memory, struct error *err);

/* Whether the values are there already. */
bool hf_checkpoint_has_values(const struct hf_checkpoint *checkpoint);

/* Reads what is left of them, after all tensors of the plan. */
int hf_checkpoint_finish_values(const struct hf_checkpoint *checkpoint,
				struct error *err);

/* The values of the tensor that VALUES names so; NULL: the model has none. */
const struct hf_values *hf_values(const struct hf_checkpoint *checkpoint,
				  const char *name);

#endif

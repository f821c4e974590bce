/* checkpoint.h - a model as a Hugging Face checkpoint. */
#ifndef HF_CHECKPOINT_H
#define HF_CHECKPOINT_H

#include <stdio.h>

#include "base/output_type.h"
#include "hf/architecture.h"

/* The values of a small F32 tensor. */
struct hf_values {
	const char *name; /* the row's: see VALUES in architectures.def */
	float *values;
	size_t n;
};
#define HF_MAX_VALUES 65536

struct hf_checkpoint {
	const struct model *model;
	const struct hf_architecture *architecture;
	enum output_type type; /* of most of the weights written */
	FILE *notes; /* gets a line for each fact that is not in the file and
			for which a default stands; NULL: nobody wants to
			know */
	struct hf_values *values;
	size_t n_values;
};

/*
 * Chooses the architecture, and reads the values; a stream that has some is
 * spooled first. The checkpoint borrows the model. The caller releases it after
 * success.
 */
int hf_checkpoint_init(struct hf_checkpoint *checkpoint,
		       const struct model *model, enum output_type type,
		       FILE *notes, struct error *err);
void hf_checkpoint_release(struct hf_checkpoint *checkpoint);

/* The values of the tensor that VALUES names so; NULL: the model has none. */
const struct hf_values *hf_values(const struct hf_checkpoint *checkpoint,
				  const char *name);

#endif

/* mapping.h - which tensors of a checkpoint are made from which of the file. */
#ifndef HF_MAPPING_H
#define HF_MAPPING_H

#include "hf/transform.h"

struct hf_mapping {
	struct plan_tensor *source; /* the plan's tensors before */
	size_t n_source;
	struct hf_tensor *tensors; /* in the order of their first parts */
	size_t n_tensors;
	const struct plan_tensor **dropped; /* in the order of the plan */
	size_t n_dropped;
	size_t memory; /* bytes that all this takes, and what a sink has of
			  it */
};

/*
 * Replaces the tensors of the plan by those of the checkpoint. Each tensor of
 * the plan is used exactly once or dropped. Unless `selected`, a selection of
 * the model's tensors, the checkpoint must be whole. The mapping takes at most
 * `memory` bytes; the plan borrows it, and it borrows the model. The caller
 * releases it after success, and after the plan.
 */
int hf_mapping_init(struct hf_mapping *mapping,
		    const struct hf_architecture *architecture,
		    const struct model *model, struct plan *plan, bool selected,
		    size_t memory, struct error *err);
void hf_mapping_release(struct hf_mapping *mapping);

#endif

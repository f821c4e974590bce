/* plan.h - which tensors, in what type, and where each goes. Pure: no I/O. */
#ifndef PLAN_H
#define PLAN_H

#include "model.h"

enum output_type { OUTPUT_F32, OUTPUT_F16, OUTPUT_BF16, OUTPUT_NATIVE };

struct plan_tensor {
	const struct model_tensor *tensor;
	bool verbatim;       /* the stored bytes are the output */
	const char *type;    /* of the output: "f32", or the format's file_name */
	uint64_t dst_offset; /* from the start of the raw output */
	uint64_t dst_bytes;
};

struct plan {
	enum output_type type;
	struct plan_tensor *tensors; /* the selected ones, in table order */
	size_t n_tensors;
	uint64_t src_bytes; /* stored bytes of the selected tensors */
	uint64_t dst_bytes; /* of the output */
};

/* Globs as fnmatch(3) takes them, without flags: "*" matches a "." and "/". */
struct plan_globs {
	const char *const *include; /* none: every tensor */
	size_t n_include;
	const char *const *exclude;
	size_t n_exclude;
};

/*
 * Selects tensors: those that match an include glob and no exclude glob. A
 * glob that matches no tensor is an error. The plan borrows the model; the
 * caller releases the plan.
 */
int plan_init(struct plan *plan, const struct model *model,
	      const struct plan_globs *globs, enum output_type type,
	      struct error *err);
void plan_release(struct plan *plan);

/* Whether a walk in table order never goes back in any source. */
bool plan_is_sequential(const struct plan *plan);

/* Puts the tensors in the order of their sources' offsets; dst_offset stays. */
void plan_sort_by_source(struct plan *plan);

/* A run of whole blocks of one tensor that fits a slot. */
struct work_item {
	const struct plan_tensor *tensor;
	uint64_t src_offset; /* in tensor->tensor->source */
	size_t src_bytes;
	uint64_t dst_offset; /* from the start of the tensor's output */
	size_t dst_bytes;
	size_t n_blocks;
};

/* Walks the plan's tensors in pieces of at most slot_bytes, read or written. */
struct plan_cursor {
	const struct plan *plan;
	size_t slot_bytes; /* at least PLAN_MIN_SLOT */
	size_t index;      /* of the tensor */
	uint64_t block;    /* the next of that tensor */
};
#define PLAN_MIN_SLOT 4096

bool plan_next(struct plan_cursor *cursor, struct work_item *item);

#endif

/* plan.h - which tensors to write, as what type, and where. Pure: no I/O. */
#ifndef PASS_PLAN_H
#define PASS_PLAN_H

#include "base/output_type.h"
#include "model/model.h"

struct keep;
struct view;

struct plan_tensor {
	const struct model_tensor *tensor;
	size_t index;          /* in table order, among the selected ones */
	enum output_type type; /* requested */
	bool chosen; /* by its name or its stored type */
	const struct keep *kept; /* why it is F32 instead (see keep.h), or
				    NULL */
	const struct view *view; /* what its bytes are read through, see view.h;
				    NULL: they are those in the file */
	bool verbatim;         /* the stored bytes are the output */
	const struct format *format; /* of the output */

	/* Each of them multiplies so many weights; NULL: see scales.h. */
	const float *scales;
	uint64_t scale_weights;

	uint64_t raw_offset;   /* from the start of the raw output */
	uint64_t dst_offset;   /* the same, unless the sink changes it to the
				  offset in its kind of file */
	uint64_t dst_bytes;
};

/* The i-th of the model's tensors that its bytes are read from; NULL past the
 * last one. */
const struct model_tensor *plan_stored(const struct plan_tensor *tensor,
				       unsigned i);

/* Whether a device converts it; otherwise the pass does. */
static inline bool plan_is_for_device(const struct plan_tensor *tensor)
{
	return !tensor->verbatim && !tensor->scales;
}

/* The part number `number`, from 1 on, of `count`; 0: everything. */
struct plan_part {
	unsigned number, count;
};

struct plan {
	struct plan_tensor *tensors; /* the selected ones, in table order */
	size_t n_tensors;
	uint64_t src_bytes; /* stored bytes of the selected tensors */
	uint64_t dst_bytes; /* of the output */

	/* Unless it is everything: the whole plan, and which of its tensors is
	 * the first one here. See part.h. */
	struct plan_part part;
	const struct plan *whole;
	size_t first;
};

/* Whether it writes what describes all parts, such as an index. */
static inline bool plan_leads(const struct plan *plan)
{
	return plan->part.number <= 1;
}

/* The output type of the tensors that match. */
struct plan_rule {
	const char *glob; /* NULL: all of them */
	bool by_type;     /* matches the stored type, in either case */
	enum output_type type;
};

/*
 * Globs for fnmatch(3) without flags: "*" matches "." and "/", too. A NUL byte
 * in a name, which no glob can contain, is matched as the byte 1.
 */
struct plan_globs {
	const char *const *include; /* if empty, every tensor */
	size_t n_include;
	const char *const *exclude;
	size_t n_exclude;
	const struct plan_rule *rules; /* the last one that matches counts */
	size_t n_rules;

	/* In the place of rules and a type, unless it is NULL. */
	enum output_type (*type_of)(const void *context,
				    const struct model_tensor *tensor);
	const void *context;
};

/*
 * Selects the tensors that match an include glob and no exclude glob. `type` is
 * the output type of those that match no rule. A glob that matches no tensor of
 * the model is an error, and so is an output of 2^63 bytes or more. The plan
 * borrows the model. The caller releases it after success.
 */
int plan_init(struct plan *plan, const struct model *model,
	      const struct plan_globs *globs, enum output_type type,
	      struct error *err);
/* Refuses tensors of a type that cannot be converted: they are in a plan only
 * to be listed, with a NULL format and no output. */
int plan_check_formats(const struct plan *plan, struct error *err);

void plan_release(struct plan *plan);

/* The name as fnmatch takes it, in a buffer of GGUF_MAX_NAME + 1 bytes. */
void plan_copy_name(char *copy, struct text name);

/* Places the tensors anew, after a change of their types. */
int plan_place(struct plan *plan, struct error *err);

/* The name of the requested output type, or "mixed". */
const char *plan_type_name(const struct plan *plan);

/*
 * Aligns each tensor in the output to the size of its values. If table order
 * does not do that, tensors with the largest values come first. No output may
 * be quantized.
 */
void plan_align(struct plan *plan);

/* Whether a walk of the plan never goes back in the output. */
bool plan_is_in_order(const struct plan *plan);

/* A copy of `plan` in the order of the output. The caller releases it after
 * success. */
int plan_init_by_output(struct plan *sorted, const struct plan *plan,
			struct error *err);

/* Whether a walk of the plan never goes back in any source, but for what a
 * window of so many bytes holds, nor ahead. */
bool plan_is_sequential(const struct plan *plan, size_t window);

/* A copy of `plan` in the order of the sources' offsets; each tensor keeps its
 * place in the output. The caller releases it after success. */
int plan_init_by_source(struct plan *sorted, const struct plan *plan,
			struct error *err);

/* The alignment of blocks and values in a batch, unless they are verbatim:
 * kernels load and store this much at once. */
#define PLAN_ALIGN ((size_t)16)

/*
 * A run of whole blocks of one tensor, or of bytes of a verbatim one. If the
 * blocks of two rows are not one run (format_has_rows), it is whole groups of
 * rows; a header at the end of the tensor follows the blocks of each item. Its
 * values begin at a multiple of PLAN_PART bytes of the tensor's output, and end
 * at one unless they are the last. So observers that work in parts always get
 * whole ones.
 */
#define PLAN_PART (4 * FORMAT_MAX_WEIGHTS)
struct work_item {
	const struct plan_tensor *tensor;
	uint64_t src_offset; /* in tensor->tensor->source */
	size_t src_bytes;
	uint64_t dst_offset; /* from the start of the tensor's output */
	size_t dst_bytes;
	size_t n_blocks; /* 0 if verbatim */
	size_t in;  /* offset of the blocks in a slot's input buffer; verbatim
		       tensors are read into the output buffer, unless there
		       is none (see struct device_slot) */
	size_t out; /* offset of the values in its output buffer */
};

/* The number of blocks per row in the slot. */
size_t work_item_row_blocks(const struct work_item *item);

/*
 * The contents of a slot: a part of a large tensor, or several small ones,
 * which then share the cost of a write and of switching threads. The values of
 * the items follow one another without gaps.
 */
#define PLAN_BATCH_ITEMS 64
struct work_batch {
	unsigned track; /* of the cursor */
	size_t n_items; /* at least 1 */
	size_t in_bytes;
	size_t out_bytes;
	struct work_item items[PLAN_BATCH_ITEMS];
};

/* Walks the plan in batches whose input and output are at most slot_bytes each.
 * Tensors without weights have no item. plan_next returns false at the end. */
struct plan_cursor {
	const struct plan *plan;
	size_t slot_bytes; /* at least plan_min_slot */
	size_t index;      /* of the tensor */
	uint64_t done;     /* blocks of that tensor; bytes if it is verbatim */
	unsigned track;    /* see struct pass_options */
	size_t in_bytes;   /* of the input; 0: slot_bytes */
	size_t kept_bytes; /* see struct device_slot: not 0 if verbatim tensors
			      are read into the input buffer, and so many
			      bytes of values fit into the output buffer */
};
#define PLAN_MIN_SLOT (4 * PLAN_PART)
#define PLAN_MAX_TRACKS 32

/* The size of a slot that is best for a plan, if `best` is for tensors as they
 * are stored: views that are transposed are read in wide tiles. */
size_t plan_best_slot(const struct plan *plan, size_t best);

/* The least slot_bytes for the plan: PLAN_MIN_SLOT, unless a tensor, *of, has
 * rows that take more; otherwise *of is NULL. */
size_t plan_min_slot(const struct plan *plan, const struct plan_tensor **of);

/* The most bytes of input that a batch with slot_bytes of output can need; or
 * slot_bytes, if that is less. */
size_t plan_input_bytes(const struct plan *plan, size_t slot_bytes);

bool plan_next(struct plan_cursor *cursor, struct work_batch *batch);

/* Whether plan_next will find one. */
bool plan_has_next(struct plan_cursor *cursor);

#endif

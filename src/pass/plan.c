#include "pass/plan.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "pass/view.h"

/* A part consists of whole blocks, with values of 16 and of 32 bits, and fits
 * into the smallest slot. */
#define DQ_ROW(name, weights, bytes)                                   \
	_Static_assert(PLAN_PART % (4 * (weights)) == 0, #name);       \
	_Static_assert(PLAN_PART / (2 * (weights)) * (bytes) <=        \
		       PLAN_MIN_SLOT, #name);
#define DQ_QUANT(NAME, name, id, weights, bytes, span) \
	DQ_ROW(name, weights, bytes)
#define DQ_FLOAT(NAME, name, id, bytes) DQ_ROW(name, 1, bytes)
#include "kernels/formats.def"
#undef DQ_ROW

/* Whether one of the globs matches; matched[i] is set for each that does. */
static bool matches(const char *const *globs, size_t n, const char *name,
		    bool *matched)
{
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		if (fnmatch(globs[i], name, 0))
			continue;
		matched[i] = true;
		any = true;
	}
	return any;
}

void plan_copy_name(char *copy, struct text name)
{
	for (size_t i = 0; i < name.len; i++)
		copy[i] = name.data[i] ? name.data[i] : '\1';
	copy[name.len] = '\0';
}

/* The name of the type, or "" if that is unknown. */
static const char *stored_type(const struct gguf_tensor *info)
{
	const struct format_foreign *foreign;

	if (info->format)
		return info->format->name;
	foreign = format_foreign(info->type);
	return foreign ? foreign->name : "";
}

/* The last rule that matches says the type; ruled[i] is set for each. */
static void choose_type(struct plan_tensor *tensor,
			const struct plan_globs *globs, const char *name,
			enum output_type type, bool *ruled)
{
	const char *const stored = stored_type(tensor->tensor->info);

	tensor->type = type;
	tensor->chosen = globs->type_of;
	if (globs->type_of)
		tensor->type = globs->type_of(globs->context, tensor->tensor);
	for (size_t i = 0; i < globs->n_rules && !globs->type_of; i++) {
		const struct plan_rule *const rule = &globs->rules[i];

		if (rule->glob &&
		    (rule->by_type ? fnmatch(rule->glob, stored, FNM_CASEFOLD) :
				     fnmatch(rule->glob, name, 0)))
			continue;
		ruled[i] = true;
		tensor->type = rule->type;
		tensor->chosen = rule->glob;
	}
}

static int no_match(const char *what, const char *glob, struct error *err)
{
	return error_set(err, "no tensor %s matches '%s'", what,
			 ESCAPED(text_of(glob)));
}

static int check_matched(const char *const *globs, size_t n,
			 const bool *matched, struct error *err)
{
	for (size_t i = 0; i < n; i++)
		if (!matched[i])
			return no_match("name", globs[i], err);
	return 0;
}

static int check_ruled(const struct plan_globs *globs, const bool *ruled,
		       struct error *err)
{
	for (size_t i = 0; i < globs->n_rules; i++) {
		const struct plan_rule *const rule = &globs->rules[i];

		if (!ruled[i] && rule->glob)
			return no_match(rule->by_type ? "type" : "name",
					rule->glob, err);
	}
	return 0;
}

/* Fills tensor and type in plan->tensors, which has space for all of the
 * model's. */
static int select_tensors(struct plan *plan, const struct model *model,
			  const struct plan_globs *globs, enum output_type type,
			  struct error *err)
{
	char *const name = malloc(GGUF_MAX_NAME + 1);
	bool *const included = calloc(globs->n_include + globs->n_exclude +
				      globs->n_rules + 1, sizeof(*included));
	bool *excluded, *ruled;
	int result = -1;

	if (!name || !included) {
		error_errno(err, "cannot select tensors");
		goto out_free;
	}
	excluded = included + globs->n_include;
	ruled = excluded + globs->n_exclude;
	for (size_t i = 0; i < model->n_tensors; i++) {
		const struct model_tensor *const tensor = &model->tensors[i];
		struct plan_tensor *const next =
			&plan->tensors[plan->n_tensors];
		bool in, out;

		plan_copy_name(name, tensor->info->name);
		in = matches(globs->include, globs->n_include, name, included);
		out = matches(globs->exclude, globs->n_exclude, name, excluded);
		next->tensor = tensor;
		choose_type(next, globs, name, type, ruled);
		if ((in || !globs->n_include) && !out)
			plan->n_tensors++;
	}
	if (!check_matched(globs->include, globs->n_include, included, err) &&
	    !check_matched(globs->exclude, globs->n_exclude, excluded, err))
		result = check_ruled(globs, ruled, err);
out_free:
	free(name);
	free(included);
	return result;
}

const char *plan_type_name(const struct plan *plan)
{
	for (size_t i = 1; i < plan->n_tensors; i++)
		if (plan->tensors[i].type != plan->tensors[0].type)
			return "mixed";
	return output_type_at(plan->n_tensors ? plan->tensors[0].type :
						OUTPUT_F32)->name;
}

const struct model_tensor *plan_stored(const struct plan_tensor *tensor,
				       unsigned i)
{
	const struct view *const view = tensor->view;

	if (!view)
		return i ? NULL : tensor->tensor;
	for (unsigned k = 0; k < view->n_bands; k++) {
		const struct view_band *const band = &view->bands[k];

		if (i < band->n_from)
			return band->from[i]->tensor;
		i -= band->n_from;
	}
	return NULL;
}

static uint64_t stored_bytes(const struct plan_tensor *tensor)
{
	return tensor->view ? view_stored_bytes(tensor->view) :
			      tensor->tensor->info->bytes;
}

/* Places the tensor in the output, and adds it to the plan's totals. */
static int place_next(struct plan *plan, struct plan_tensor *tensor,
		      struct error *err)
{
	const struct gguf_tensor *info = tensor->tensor->info;
	uint64_t end;

	if (!info->format)
		return 0; /* listed only: see plan_check_formats */
	tensor->format = output_type_format(tensor->type, info->format);
	tensor->verbatim = tensor->format == info->format;
	tensor->raw_offset = plan->dst_bytes;
	tensor->dst_offset = tensor->raw_offset;
	tensor->dst_bytes = info->bytes;
	if ((!tensor->verbatim &&
	     !bytes_mul(info->n_weights, tensor->format->block_bytes,
			&tensor->dst_bytes)) ||
	    !bytes_add(tensor->dst_offset, tensor->dst_bytes, &end) ||
	    end > INT64_MAX)
		return error_set(err, "the output exceeds 2^63 - 1 bytes at "
				 "tensor '%s', which has %" PRIu64 " weights",
				 ESCAPED(info->name), info->n_weights);
	plan->src_bytes += stored_bytes(tensor);
	plan->dst_bytes = end;
	return 0;
}

int plan_place(struct plan *plan, struct error *err)
{
	plan->src_bytes = 0;
	plan->dst_bytes = 0;
	for (size_t i = 0; i < plan->n_tensors; i++) {
		plan->tensors[i].index = i;
		if (place_next(plan, &plan->tensors[i], err))
			return -1;
	}
	return 0;
}

int plan_init(struct plan *plan, const struct model *model,
	      const struct plan_globs *globs, enum output_type type,
	      struct error *err)
{
	*plan = (struct plan){ 0 };
	plan->tensors = calloc(model->n_tensors + 1, sizeof(*plan->tensors));
	if (!plan->tensors)
		return error_errno(err, "cannot plan %zu tensors",
				   model->n_tensors);
	if (select_tensors(plan, model, globs, type, err))
		goto out_release;
	if (plan_place(plan, err))
		goto out_release;
	return 0;

out_release:
	plan_release(plan);
	return -1;
}

int plan_check_formats(const struct plan *plan, struct error *err)
{
	for (size_t i = 0; i < plan->n_tensors; i++) {
		const struct model_tensor *tensor = plan->tensors[i].tensor;
		const struct gguf_tensor *info = tensor->info;
		const struct format_foreign *type;
		char text[FORMAT_FOREIGN_SIZE];

		if (info->format)
			continue;
		type = format_foreign(info->type);
		error_set(err, "'%s': tensor '%s' has type %s, which is not "
			  "supported; ", tensor->source->name,
			  ESCAPED(info->name),
			  format_foreign_text(text, info->type));
		if (type && type->advice)
			error_append(err, "%s, or ", type->advice);
		return error_append(err, "exclude it with -x");
	}
	return 0;
}

void plan_release(struct plan *plan)
{
	free(plan->tensors);
	*plan = (struct plan){ 0 };
}

static bool is_aligned(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_tensors; i++) {
		const struct plan_tensor *tensor = &plan->tensors[i];

		if (tensor->dst_offset % tensor->format->block_bytes)
			return false;
	}
	return true;
}

void plan_align(struct plan *plan)
{
	uint64_t offset = 0;

	if (is_aligned(plan))
		return;
	for (unsigned bytes = 8; bytes; bytes /= 2) {
		for (size_t i = 0; i < plan->n_tensors; i++) {
			struct plan_tensor *const tensor = &plan->tensors[i];

			if (tensor->format->block_bytes != bytes)
				continue;
			tensor->dst_offset = offset;
			offset += tensor->dst_bytes;
		}
	}
}

bool plan_is_in_order(const struct plan *plan)
{
	uint64_t end = 0;

	for (size_t i = 0; i < plan->n_tensors; i++) {
		const struct plan_tensor *const tensor = &plan->tensors[i];

		if (!tensor->dst_bytes)
			continue;
		if (tensor->dst_offset < end)
			return false;
		end = tensor->dst_offset + tensor->dst_bytes;
	}
	return true;
}

bool plan_is_sequential(const struct plan *plan, size_t window)
{
	const struct source *source = NULL;
	uint64_t end = 0;

	for (size_t i = 0; i < plan->n_tensors; i++) {
		const struct model_tensor *tensor = plan->tensors[i].tensor;
		const struct view *const view = plan->tensors[i].view;
		size_t needed;

		if (!tensor->info->bytes)
			continue;
		if (view && (!view_is_sequential(view, &needed) ||
			     needed > window))
			return false;
		/* Every item needs the header at the end. */
		if (!view && !plan->tensors[i].verbatim &&
		    !tensor->info->format->group_rows)
			return false;
		/* Sources are stored in the order of their shards, so a tensor
		 * of a lower one means that the walk goes back. */
		if (tensor->source < source ||
		    (tensor->source == source && tensor->info->offset < end))
			return false;
		source = tensor->source;
		end = tensor->info->offset + stored_bytes(&plan->tensors[i]);
	}
	return true;
}

static int compare_by_source(const void *a, const void *b)
{
	const struct model_tensor *x = ((const struct plan_tensor *)a)->tensor;
	const struct model_tensor *y = ((const struct plan_tensor *)b)->tensor;

	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	if (x->info->offset != y->info->offset)
		return x->info->offset < y->info->offset ? -1 : 1;
	return 0;
}

static int compare_by_output(const void *a, const void *b)
{
	const struct plan_tensor *const x = a, *const y = b;

	return (x->dst_offset > y->dst_offset) -
	       (x->dst_offset < y->dst_offset);
}

static int init_sorted(struct plan *sorted, const struct plan *plan,
		       int (*compare)(const void *a, const void *b),
		       struct error *err)
{
	const size_t size = (plan->n_tensors + 1) * sizeof(*plan->tensors);

	*sorted = *plan;
	sorted->tensors = malloc(size);
	if (!sorted->tensors)
		return error_errno(err, "cannot sort %zu tensors",
				   plan->n_tensors);
	memcpy(sorted->tensors, plan->tensors,
	       plan->n_tensors * sizeof(*plan->tensors));
	qsort(sorted->tensors, sorted->n_tensors, sizeof(*sorted->tensors),
	      compare);
	return 0;
}

int plan_init_by_source(struct plan *sorted, const struct plan *plan,
			struct error *err)
{
	return init_sorted(sorted, plan, compare_by_source, err);
}

int plan_init_by_output(struct plan *sorted, const struct plan *plan,
			struct error *err)
{
	return init_sorted(sorted, plan, compare_by_output, err);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Larger slots would take more memory than they gain speed. */
#define MAX_TILE ((uint64_t)8 << 20)

size_t plan_best_slot(const struct plan *plan, size_t best)
{
	for (size_t i = 0; i < plan->n_tensors; i++) {
		const struct view *const view = plan->tensors[i].view;
		uint64_t tile = view ? view_tile(view) * sizeof(float) : 0;

		if (tile > MAX_TILE)
			tile = MAX_TILE;
		if (best < tile)
			best = (size_t)tile;
	}
	return best;
}

/* What an item has a whole number of: blocks, groups of rows, or bytes of a
 * verbatim tensor. */
struct unit {
	size_t src, dst; /* bytes of one, before and after */
	size_t tail;     /* bytes of a header behind those of the item */
	uint64_t count;
};

static struct unit unit_of(const struct plan_tensor *tensor)
{
	const struct gguf_tensor *const info = tensor->tensor->info;
	const struct format *const format = info->format;
	const size_t value_bytes = tensor->format->block_bytes;
	const size_t rows = format->group_rows;
	size_t blocks; /* of a row */

	if (tensor->verbatim)
		return (struct unit){ 1, 1, 0, info->bytes };
	if (!format_has_rows(format) || !rows || !info->n_weights)
		return (struct unit){ format->block_bytes,
				      format->block_weights * value_bytes,
				      format->header_bytes, info->n_blocks };
	blocks = (size_t)info->dims[0] / format->block_weights;
	return (struct unit){
		rows * (format->header_bytes + blocks * format->block_bytes),
		rows * (size_t)info->dims[0] * value_bytes, 0,
		info->n_blocks / blocks / rows };
}

/* The least number of units whose values are whole parts. */
static size_t unit_step(struct unit unit)
{
	const size_t power = unit.dst & -unit.dst; /* that divides it */

	_Static_assert((PLAN_PART & (PLAN_PART - 1)) == 0, "a power of two");
	return power < PLAN_PART ? PLAN_PART / power : 1;
}

size_t plan_min_slot(const struct plan *plan, const struct plan_tensor **of)
{
	size_t most = PLAN_MIN_SLOT;

	*of = NULL;
	for (size_t i = 0; i < plan->n_tensors; i++) {
		const struct unit unit = unit_of(&plan->tensors[i]);
		const size_t n = least(unit_step(unit), unit.count);
		const size_t larger = unit.src > unit.dst ? unit.src : unit.dst;

		if (n * larger <= most)
			continue;
		most = n * larger;
		*of = &plan->tensors[i];
	}
	return most;
}

/* Of n units, as many as may be followed by others: whole parts and, if that
 * many fit, whole tiles of a view. */
static size_t whole_parts(const struct plan_tensor *tensor, struct unit unit,
			  size_t n)
{
	const size_t part = unit_step(unit);
	const uint64_t tile = !tensor->view ? 1 :
			      view_tile(tensor->view) *
				      (tensor->verbatim ? sizeof(float) : 1);

	n -= n % part;
	return tile % part || tile > n ? n : (size_t)(n - n % tile);
}

/*
 * Adds as many units of the cursor's tensor to the batch as fit. Returns how
 * many were added: none if the values would not be aligned, as after a tensor
 * of an odd length. plan_min_slot has space for at least one part.
 */
static size_t add_item(struct work_batch *batch,
		       const struct plan_cursor *cursor,
		       const struct plan_tensor *tensor, struct unit unit)
{
	const struct gguf_tensor *const info = tensor->tensor->info;
	const size_t in = (batch->in_bytes + PLAN_ALIGN - 1) & -PLAN_ALIGN;
	const size_t in_bytes = cursor->in_bytes ? cursor->in_bytes :
						   cursor->slot_bytes;
	const size_t out_bytes = cursor->kept_bytes ? cursor->kept_bytes :
						      cursor->slot_bytes;
	const bool has_input = !tensor->verbatim || cursor->kept_bytes;
	const uint64_t done = cursor->done, left = unit.count - done;
	size_t n = (out_bytes - batch->out_bytes) / unit.dst;

	if (!tensor->verbatim && batch->out_bytes % PLAN_ALIGN)
		return 0;
	if (has_input) {
		if (in + unit.tail > in_bytes)
			return 0;
		n = least(n, (in_bytes - in - unit.tail) / unit.src);
	}
	if (left <= n)
		n = (size_t)left;
	else
		n = whole_parts(tensor, unit, n);
	if (!n)
		return 0;
	batch->items[batch->n_items++] = (struct work_item){
		.tensor = tensor,
		.src_offset = info->offset + done * unit.src,
		.src_bytes = n * unit.src,
		.dst_offset = done * unit.dst,
		.dst_bytes = n * unit.dst,
		.n_blocks = tensor->verbatim ? 0 :
			    n * (size_t)(info->n_blocks / unit.count),
		.in = in,
		.out = batch->out_bytes,
	};
	if (has_input)
		batch->in_bytes = in + n * unit.src + unit.tail;
	batch->out_bytes += n * unit.dst;
	return n;
}

size_t work_item_row_blocks(const struct work_item *item)
{
	const struct gguf_tensor *const info = item->tensor->tensor->info;

	return info->format->group_rows ?
	       (size_t)info->dims[0] / info->format->block_weights :
	       item->n_blocks;
}

size_t plan_input_bytes(const struct plan *plan, size_t slot_bytes)
{
	size_t bytes = PLAN_MIN_SLOT;

	for (size_t i = 0; i < plan->n_tensors; i++) {
		const struct plan_tensor *const tensor = &plan->tensors[i];
		const struct unit unit = unit_of(tensor);
		const size_t most = (slot_bytes / unit.dst + 1) * unit.src +
				    PLAN_BATCH_ITEMS * (PLAN_ALIGN + unit.tail);

		if (!tensor->verbatim && bytes < most)
			bytes = most;
	}
	return least(bytes, slot_bytes);
}

bool plan_has_next(struct plan_cursor *cursor)
{
	const struct plan *plan = cursor->plan;

	while (cursor->index < plan->n_tensors &&
	       cursor->done ==
		       unit_of(&plan->tensors[cursor->index]).count) {
		cursor->index++;
		cursor->done = 0;
	}
	return cursor->index < plan->n_tensors;
}

bool plan_next(struct plan_cursor *cursor, struct work_batch *batch)
{
	batch->track = cursor->track;
	batch->n_items = 0;
	batch->in_bytes = 0;
	batch->out_bytes = 0;
	while (batch->n_items < PLAN_BATCH_ITEMS && plan_has_next(cursor)) {
		const struct plan_tensor *tensor =
			&cursor->plan->tensors[cursor->index];
		const size_t n = add_item(batch, cursor, tensor,
					  unit_of(tensor));

		if (!n)
			break;
		cursor->done += n;
	}
	return batch->n_items > 0;
}

#include "pass/scales.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"

/* Of one tensor; models have up to some hundred experts. */
#define MAX_SCALES 65536

/* The tensors that may hold scales, by name. */
struct candidates {
	const struct model_tensor **tensors;
	size_t n;
};

static bool ends_with(struct text name, const char *end)
{
	const size_t len = strlen(end);

	return name.len >= len &&
	       !memcmp(name.data + name.len - len, end, len);
}

static int compare_names(struct text a, struct text b)
{
	const size_t len = a.len < b.len ? a.len : b.len;
	const int order = len ? memcmp(a.data, b.data, len) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_tensors(const void *a, const void *b)
{
	const struct model_tensor *const *const x = a, *const *const y = b;

	return compare_names((*x)->info->name, (*y)->info->name);
}

static int find_candidates(struct candidates *found, const struct model *model,
			   struct error *err)
{
	found->n = 0;
	found->tensors = calloc(model->n_tensors + 1,
				sizeof(struct model_tensor *));
	if (!found->tensors)
		return error_errno(err, "cannot look for scales");
	for (size_t i = 0; i < model->n_tensors; i++) {
		const struct model_tensor *const tensor = &model->tensors[i];

		if (tensor->info->format == format_at(FORMAT_F32) &&
		    ends_with(tensor->info->name, ".scale"))
			found->tensors[found->n++] = tensor;
	}
	qsort(found->tensors, found->n, sizeof(struct model_tensor *),
	      compare_tensors);
	return 0;
}

/* The candidate whose name is the first `len` bytes of `name` and ".scale". */
static const struct model_tensor *find(const struct candidates *candidates,
				       struct text name, size_t len)
{
	size_t low = 0, high = candidates->n;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		struct text stem = candidates->tensors[middle]->info->name;
		int order;

		stem.len -= strlen(".scale");
		order = compare_names((struct text){ name.data, len }, stem);
		if (!order)
			return candidates->tensors[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static const struct model_tensor *
find_scales(const struct candidates *candidates,
	    const struct plan_tensor *tensor)
{
	const struct gguf_tensor *const info = tensor->tensor->info;
	const struct model_tensor *scales = NULL;

	if (tensor->verbatim || info->format != format_at(FORMAT_NVFP4))
		return NULL;
	if (ends_with(info->name, ".weight"))
		scales = find(candidates, info->name,
			      info->name.len - strlen(".weight"));
	return scales ? scales : find(candidates, info->name, info->name.len);
}

bool scales_count(const struct plan *plan, const struct model *model, size_t *n,
		  struct error *err)
{
	struct candidates candidates;

	*n = 0;
	if (find_candidates(&candidates, model, err))
		return false;
	for (size_t i = 0; i < plan->n_tensors; i++)
		*n += find_scales(&candidates, &plan->tensors[i]) != NULL;
	free(candidates.tensors);
	return true;
}

/* -------------------------------- applying -------------------------------- */

static int refuse(const struct gguf_tensor *scales,
		  const struct gguf_tensor *tensor, const char *why,
		  struct error *err)
{
	return error_set(err, "tensor '%s' %s: it cannot scale '%s'; do "
			 "without '--apply-scales', or leave both out with "
			 "'--exclude'",
			 ESCAPED(scales->name), why, ESCAPED(tensor->name));
}

static int check_count(const struct gguf_tensor *scales,
		       const struct gguf_tensor *tensor, struct error *err)
{
	char why[128];

	if ((scales->n_weights == 1 || scales->n_weights == tensor->dims[2]) &&
	    scales->n_weights <= MAX_SCALES)
		return 0;
	snprintf(why, sizeof(why), "has %" PRIu64 " values, not 1 or %" PRIu64,
		 scales->n_weights, tensor->dims[2]);
	return refuse(scales, tensor, why, err);
}

static int read_values(float *values, const struct model_tensor *scales,
		       const struct gguf_tensor *tensor, struct error *err)
{
	const struct gguf_tensor *const info = scales->info;

	if (source_spool(scales->source, err) ||
	    source_read(scales->source, info->offset, values,
			(size_t)info->bytes, err))
		return -1;
	for (uint64_t i = 0; i < info->n_weights; i++)
		if (!isfinite(values[i]))
			return refuse(info, tensor, "is not finite", err);
	return 0;
}

/* Sets each tensor's scales, and found[i] for each candidate that is used. */
static int set_scales(struct plan *plan, const struct candidates *candidates,
		      float *values, struct error *err)
{
	for (size_t i = 0; i < plan->n_tensors; i++) {
		struct plan_tensor *const tensor = &plan->tensors[i];
		const struct gguf_tensor *const info = tensor->tensor->info;
		const struct model_tensor *const scales =
			find_scales(candidates, tensor);

		if (!scales || !info->n_weights)
			continue;
		if (read_values(values, scales, info, err))
			return -1;
		tensor->scales = values;
		tensor->scale_weights = info->n_weights /
					scales->info->n_weights;
		values += scales->info->n_weights;
	}
	return 0;
}

/* How many values there are in all. */
static int count_values(const struct plan *plan,
			const struct candidates *candidates, size_t *n,
			struct error *err)
{
	*n = 0;
	for (size_t i = 0; i < plan->n_tensors; i++) {
		const struct plan_tensor *const tensor = &plan->tensors[i];
		const struct model_tensor *const scales =
			find_scales(candidates, tensor);

		if (!scales)
			continue;
		if (check_count(scales->info, tensor->tensor->info, err))
			return -1;
		*n += (size_t)scales->info->n_weights;
	}
	return 0;
}

static int compare_pointers(const void *a, const void *b)
{
	const struct model_tensor *const *const x = a, *const *const y = b;

	return (*x > *y) - (*x < *y);
}

/* Takes out of the plan the tensors that were found. */
static int leave_out(struct plan *plan, const struct candidates *candidates,
		     struct error *err)
{
	const struct model_tensor **const used =
		calloc(plan->n_tensors + 1, sizeof(struct model_tensor *));
	size_t n_used = 0, n = 0;

	if (!used)
		return error_errno(err, "cannot leave out scales");
	for (size_t i = 0; i < plan->n_tensors; i++)
		if (plan->tensors[i].scales)
			used[n_used++] = find_scales(candidates,
						     &plan->tensors[i]);
	qsort(used, n_used, sizeof(struct model_tensor *),
	      compare_pointers);
	for (size_t i = 0; i < plan->n_tensors; i++)
		if (!bsearch(&plan->tensors[i].tensor, used, n_used,
			     sizeof(struct model_tensor *),
			     compare_pointers))
			plan->tensors[n++] = plan->tensors[i];
	plan->n_tensors = n;
	free(used);
	return plan_place(plan, err);
}

int scales_apply(struct plan *plan, const struct model *model, float **values,
		 struct error *err)
{
	struct candidates candidates;
	int result = -1;
	size_t n;

	*values = NULL;
	if (find_candidates(&candidates, model, err))
		return -1;
	if (count_values(plan, &candidates, &n, err))
		goto out_free;
	*values = calloc(n + 1, sizeof(**values));
	if (!*values)
		error_errno(err, "cannot read %zu scales", n);
	else if (!set_scales(plan, &candidates, *values, err))
		result = leave_out(plan, &candidates, err);
	if (result) {
		free(*values);
		*values = NULL;
	}
out_free:
	free(candidates.tensors);
	return result;
}

/* ------------------------------- converting ------------------------------- */

void scales_to_f32(const struct cpu_rows *rows,
		   const struct plan_tensor *tensor, uint64_t first,
		   const void *blocks, size_t n, float *values)
{
	const struct format *const format = tensor->tensor->info->format;
	const unsigned weights = format->block_weights;

	rows->convert[OUTPUT_F32][format->index](blocks, n, values);
	/* A row is whole blocks, so that no block is of two experts. */
	for (size_t i = 0; i < n * weights; i += weights) {
		const float scale =
			tensor->scales[(first + i) / tensor->scale_weights];

		for (unsigned k = 0; k < weights; k++)
			values[i + k] *= scale;
	}
}

bool scales_convert(const struct cpu_rows *rows,
		    const struct plan_tensor *tensor, uint64_t first,
		    const void *blocks, size_t n, void *out)
{
	const struct format *const format = tensor->tensor->info->format;
	const size_t in_piece = SCALES_PIECE / format->block_weights;
	bool fits = true;
	size_t now;

	for (; n; n -= now) {
		float values[SCALES_PIECE];
		size_t weights;

		now = n < in_piece ? n : in_piece;
		weights = now * format->block_weights;
		scales_to_f32(rows, tensor, first, blocks, now, values);
		fits &= rows->convert[tensor->type][FORMAT_F32](values, weights,
								out);
		blocks = (const char *)blocks + now * format->block_bytes;
		out = (char *)out + weights * tensor->format->block_bytes;
		first += weights;
	}
	return fits;
}

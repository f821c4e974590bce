#include "model/layout.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/escape.h"

struct layout {
	struct gguf *gguf;
	struct source *src;
	struct error *err;
	size_t *order; /* indices of the tensors that have data, by offset */
	size_t n;
};

static struct gguf_tensor *tensor_at(const struct layout *l, size_t i)
{
	return &l->gguf->tensors[l->order[i]];
}

static bool has_data(const struct gguf_tensor *tensor)
{
	return tensor->format ? tensor->bytes > 0 : tensor->n_weights > 0;
}

static int compare_offsets(const void *a, const void *b, void *tensors)
{
	const struct gguf_tensor *const table = tensors;
	const size_t i = *(const size_t *)a, j = *(const size_t *)b;
	const uint64_t x = table[i].offset, y = table[j].offset;

	return x != y ? (x > y) - (x < y) : (i > j) - (i < j);
}

static int sort_tensors(struct layout *l)
{
	const size_t n_tensors = l->gguf->n_tensors;

	l->order = calloc(n_tensors ? n_tensors : 1, sizeof(*l->order));
	if (!l->order)
		return error_errno(l->err, "cannot read '%s'", l->src->name);
	for (size_t i = 0; i < n_tensors; i++)
		if (has_data(&l->gguf->tensors[i]))
			l->order[l->n++] = i;
	qsort_r(l->order, l->n, sizeof(*l->order), compare_offsets,
		l->gguf->tensors);
	return 0;
}

/* Bytes from tensor i to the next one, or to the end of the file; 0 if the file
 * ends before it, or its end is not known. */
static uint64_t gap_after(const struct layout *l, size_t i)
{
	const uint64_t offset = tensor_at(l, i)->offset;

	if (i + 1 < l->n)
		return tensor_at(l, i + 1)->offset - offset;
	return l->src->size > offset ? l->src->size - offset : 0;
}

static bool is_q2_0(const struct gguf_tensor *tensor)
{
	return tensor->format && tensor->format->index == FORMAT_Q2_0;
}

/* Before ggml had Q2_0, models of PrismML had blocks of 34 bytes for 128
 * weights under its id, not 18 for 64. Whether all sizes are exactly those. */
static bool fits_prism(const struct layout *l)
{
	bool any = false;

	for (size_t i = 0; i < l->n; i++) {
		const struct gguf_tensor *const tensor = tensor_at(l, i);
		const uint64_t bytes = tensor->n_weights / 128 * 34;
		const uint64_t gap = gap_after(l, i);

		if (!is_q2_0(tensor))
			continue;
		if (tensor->n_weights % 128 || gap < bytes ||
		    gap - bytes >= l->gguf->alignment)
			return false;
		any = true;
	}
	return any;
}

static void forget_q2_0(const struct layout *l)
{
	for (size_t i = 0; i < l->gguf->n_tensors; i++) {
		struct gguf_tensor *const tensor = &l->gguf->tensors[i];

		if (!is_q2_0(tensor))
			continue;
		tensor->format = NULL;
		tensor->n_blocks = 0;
		tensor->bytes = 0;
	}
}

static int refuse_overlap(const struct layout *l, const struct gguf_tensor *a,
			  const struct gguf_tensor *b)
{
	char a_name[ESCAPE_MESSAGE_SIZE];
	char b_name[ESCAPE_MESSAGE_SIZE];

	return error_set(l->err, "'%s': tensors '%s' and '%s' overlap: %" PRIu64
			 " bytes at offset %" PRIu64 ", and %" PRIu64
			 " at offset %" PRIu64, l->src->name,
			 escape_text(a_name, sizeof(a_name), a->name),
			 escape_text(b_name, sizeof(b_name), b->name),
			 a->bytes, a->offset, b->bytes, b->offset);
}

/* Tensors without a format get the bytes up to the next one. */
static int check_gaps(const struct layout *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct gguf_tensor *const tensor = tensor_at(l, i);
		const uint64_t gap = gap_after(l, i);

		if (!tensor->format)
			tensor->bytes = gap;
		else if (i + 1 < l->n && gap < tensor->bytes)
			return refuse_overlap(l, tensor, tensor_at(l, i + 1));
	}
	return 0;
}

/* Once no tensors overlap, the last one ends last. */
static int check_end(const struct layout *l)
{
	const struct gguf_tensor *const last =
		l->n ? tensor_at(l, l->n - 1) : NULL;
	const uint64_t end = last ? last->offset + last->bytes : 0;
	uint64_t missing;

	if (!l->src->seekable) {
		l->src->least = end;
		return 0;
	}
	if (end <= l->src->size)
		return 0;
	missing = end - l->src->size;
	return error_set(l->err, "'%s' is incomplete: its tensors end at offset"
			 " %" PRIu64 ", but the file ends at %" PRIu64 ", so %"
			 PRIu64 " byte%s missing; download it again",
			 l->src->name, end, l->src->size, missing,
			 missing == 1 ? " is" : "s are");
}

int layout_check(struct gguf *gguf, struct source *src, struct error *err)
{
	struct layout l = { .gguf = gguf, .src = src, .err = err };
	int result;

	if (sort_tensors(&l))
		return -1;
	result = check_gaps(&l) || check_end(&l);
	if (result && fits_prism(&l)) {
		forget_q2_0(&l);
		result = check_gaps(&l) || check_end(&l);
	}
	free(l.order);
	return result ? -1 : 0;
}

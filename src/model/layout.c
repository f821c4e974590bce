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

/* Other formats that have, or had, the id of one that we read; their sizes
 * tell. A row has `header` bytes in addition to its blocks. */
static const struct rival {
	enum format_index format; /* that we read */
	unsigned weights, bytes;  /* of a block of the other */
	unsigned header;
} rivals[] = {
	{ FORMAT_Q2_0, 128, 34, 0 },   /* PrismML's, before ggml had one */
	{ FORMAT_I2_S, 32, 18, 0 },    /* ggml's IQ4_NL_4_4 */
	{ FORMAT_IQ1_BN, 64, 13, 0 },  /* before October 2024 */
	{ FORMAT_IQ2_BN, 64, 16, 0 },  /* the same */
	{ FORMAT_IQ4_KT, 256, 128, 8 }, /* before June 2025 */
};

static bool has_format(const struct gguf_tensor *tensor,
		       const struct rival *rival)
{
	return tensor->format && tensor->format->index == rival->format;
}

/* Whether tensor i may have exactly so many bytes, and padding. */
static bool has_bytes(const struct layout *l, size_t i, uint64_t bytes)
{
	const uint64_t gap = gap_after(l, i);

	return gap >= bytes && gap - bytes < l->gguf->alignment;
}

static bool fits_rival(const struct layout *l, size_t i,
		       const struct rival *rival)
{
	const struct gguf_tensor *const tensor = tensor_at(l, i);
	const uint64_t n = tensor->n_weights;

	return n % rival->weights == 0 &&
	       has_bytes(l, i, n / rival->weights * rival->bytes +
			       n / tensor->dims[0] * rival->header);
}

/* Whether the sizes of all tensors of the format are those of the other one,
 * and not all are its own. */
static bool is_rival(const struct layout *l, const struct rival *rival)
{
	bool is_own = true;

	for (size_t i = 0; i < l->n; i++) {
		const struct gguf_tensor *const tensor = tensor_at(l, i);

		if (!has_format(tensor, rival))
			continue;
		if (!fits_rival(l, i, rival))
			return false;
		is_own &= has_bytes(l, i, tensor->bytes);
	}
	return !is_own;
}

static void forget_format(const struct layout *l, const struct rival *rival)
{
	for (size_t i = 0; i < l->gguf->n_tensors; i++) {
		struct gguf_tensor *const tensor = &l->gguf->tensors[i];

		if (!has_format(tensor, rival))
			continue;
		tensor->format = NULL;
		tensor->n_blocks = 0;
		tensor->bytes = 0;
	}
}

static int refuse_overlap(const struct layout *l, const struct gguf_tensor *a,
			  const struct gguf_tensor *b)
{
	return error_set(l->err, "'%s': tensors '%s' and '%s' overlap: %" PRIu64
			 " bytes at offset %" PRIu64 ", and %" PRIu64
			 " at offset %" PRIu64, l->src->name,
			 ESCAPED(a->name), ESCAPED(b->name), a->bytes,
			 a->offset, b->bytes, b->offset);
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
	for (size_t i = 0; i < sizeof(rivals) / sizeof(*rivals); i++)
		if (is_rival(&l, &rivals[i]))
			forget_format(&l, &rivals[i]);
	result = check_gaps(&l) || check_end(&l);
	free(l.order);
	return result ? -1 : 0;
}

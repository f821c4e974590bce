#include "pass/part.h"

#include <stdlib.h>

/* Where part number i + 1 of n begins in `total` bytes. */
static uint64_t bound(uint64_t total, unsigned i, unsigned n)
{
	return total / n * i + total % n * i / n;
}

/* Copies tensors of the whole, from number `first` on. */
static int copy_tensors(struct plan *part, const struct plan *whole,
			struct plan_part which, size_t first, size_t n,
			struct error *err)
{
	*part = (struct plan){
		.tensors = calloc(n + 1, sizeof(*part->tensors)),
		.n_tensors = n,
		.part = which,
		.whole = whole,
		.first = first,
	};
	if (!part->tensors)
		return error_errno(err, "cannot plan %zu tensors", n);
	for (size_t i = 0; i < n; i++)
		part->tensors[i] = whole->tensors[first + i];
	return 0;
}

static int place(struct plan *part, struct error *err)
{
	if (!plan_place(part, err))
		return 0;
	plan_release(part);
	return -1;
}

/* The end of the file that begins with tensor number `first`; *bytes gets its
 * size. */
static size_t end_of_file(const struct plan *whole, const size_t *file_of,
			  size_t first, uint64_t *bytes)
{
	size_t end = first;

	*bytes = 0;
	do
		*bytes += whole->tensors[end++].dst_bytes;
	while (file_of && end < whole->n_tensors &&
	       file_of[end] == file_of[first]);
	return end;
}

int part_init_files(struct plan *part, const struct plan *whole,
		    struct plan_part which, const size_t *file_of,
		    struct error *err)
{
	const uint64_t total = whole->dst_bytes;
	const uint64_t begin = bound(total, which.number - 1, which.count);
	const uint64_t end = bound(total, which.number, which.count);
	const bool is_last = which.number == which.count;
	size_t first = 0, n = 0;
	uint64_t at = 0, bytes;

	for (size_t i = 0, next; i < whole->n_tensors; i = next) {
		uint64_t middle;

		next = end_of_file(whole, file_of, i, &bytes);
		middle = at + bytes / 2;
		at += bytes;
		if (middle < begin)
			first = next;
		else if (middle < end || is_last)
			n = next - first;
	}
	if (copy_tensors(part, whole, which, first, n, err))
		return -1;
	return place(part, err);
}

/* What a tensor may be cut between. */
struct unit {
	uint64_t count;
	uint64_t weights, blocks, src, dst; /* of one */
};

static struct unit unit_of(const struct plan_tensor *tensor)
{
	const struct gguf_tensor *const info = tensor->tensor->info;
	const unsigned rows = info->format->group_rows;
	uint64_t n = info->n_blocks;

	if (tensor->scales || !rows ||
	    (info->n_dims == 1 && format_has_rows(info->format)))
		n = 1;
	else if (info->n_dims > 1)
		n = info->n_weights / info->dims[0] / rows;
	return (struct unit){ n, info->n_weights / n, info->n_blocks / n,
			      info->bytes / n, tensor->dst_bytes / n };
}

/* How many units are before that byte of the raw output. */
static uint64_t units_before(const struct plan_tensor *tensor,
			     struct unit unit, uint64_t byte)
{
	if (byte <= tensor->raw_offset)
		return 0;
	if (byte - tensor->raw_offset >= tensor->dst_bytes)
		return unit.count;
	return (byte - tensor->raw_offset) / unit.dst;
}

/* Makes a tensor of n units of another, from number `first` on. */
static const struct model_tensor *cut(struct part_rows *rows,
				      const struct model_tensor *tensor,
				      struct unit unit, uint64_t first,
				      uint64_t n)
{
	struct model_tensor *const result = &rows->tensors[rows->n];
	struct gguf_tensor *const info = &rows->infos[rows->n++];
	const bool has_rows = tensor->info->n_dims > 1;

	*info = *tensor->info;
	for (unsigned i = 0; i < info->n_dims; i++)
		info->dims[i] = 1;
	info->n_dims = has_rows ? 2 : 1;
	info->dims[0] = has_rows ? tensor->info->dims[0] : n * unit.weights;
	info->dims[1] = has_rows ? n * unit.weights / info->dims[0] : 1;
	info->n_weights = n * unit.weights;
	info->n_blocks = n * unit.blocks;
	info->bytes = n * unit.src;
	info->offset += first * unit.src;
	*result = (struct model_tensor){ .info = info,
					 .source = tensor->source };
	return result;
}

/* Keeps what is in the bytes from `begin` to `end` of the raw output. */
static void keep_rows(struct plan *part, struct part_rows *rows,
		      uint64_t begin, uint64_t end)
{
	size_t n = 0;

	for (size_t i = 0; i < part->n_tensors; i++) {
		struct plan_tensor tensor = part->tensors[i];
		struct unit unit;
		uint64_t from, to;

		if (!tensor.dst_bytes)
			continue;
		unit = unit_of(&tensor);
		from = units_before(&tensor, unit, begin);
		to = units_before(&tensor, unit, end);
		if (from == to)
			continue;
		if (to - from < unit.count)
			tensor.tensor = cut(rows, tensor.tensor, unit, from,
					    to - from);
		part->tensors[n++] = tensor;
	}
	part->n_tensors = n;
}

int part_init_rows(struct plan *part, struct part_rows *rows,
		   const struct plan *whole, struct plan_part which,
		   struct error *err)
{
	const uint64_t total = whole->dst_bytes;

	rows->n = 0;
	if (copy_tensors(part, whole, which, 0, whole->n_tensors, err))
		return -1;
	keep_rows(part, rows, bound(total, which.number - 1, which.count),
		  bound(total, which.number, which.count));
	return place(part, err);
}

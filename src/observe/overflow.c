#include "observe/overflow.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pass/scales.h"

/* Half way from 65504, the largest number of F16, to where the next one would
 * be: what is not below becomes infinite. */
#define LIMIT 65520

#define PIECE SCALES_PIECE /* weights: whole blocks of every format */

struct overflow_observer {
	struct observer observer; /* first */
	const struct cpu_rows *rows;
	struct overflow *found;
	/* The tensor counted last in each track. */
	const struct gguf_tensor *last[PLAN_MAX_TRACKS];
};

/* What prepare found in an item. */
struct note {
	uint64_t n_weights;
	uint64_t weight; /* the first one's number in the tensor */
	double value;
};

static void count_weight(struct note *note, uint64_t weight, double value)
{
	if (!(fabsf((float)value) >= LIMIT) || isinf(value))
		return;
	if (!note->n_weights++) {
		note->weight = weight;
		note->value = value;
	}
}

/* As doubles: what is finite there may already be infinite as F32. */
static void count_f64(struct note *note, uint64_t first, const char *blocks,
		      size_t n)
{
	for (size_t i = 0; i < n; i++) {
		double value;

		memcpy(&value, blocks + i * sizeof(value), sizeof(value));
		count_weight(note, first + i, value);
	}
}

static struct cpu_run run_of(const struct work_item *item, const char *blocks)
{
	return (struct cpu_run){
		.blocks = blocks,
		.row_blocks = work_item_row_blocks(item),
		.n = item->n_blocks,
	};
}

static void count_item(const struct cpu_rows *rows, struct note *note,
		       const struct work_item *item, const char *blocks)
{
	const struct plan_tensor *const tensor = item->tensor;
	const struct format *const format = tensor->tensor->info->format;
	const size_t in_piece = PIECE / format->block_weights;
	uint64_t first = item->dst_offset / tensor->format->block_bytes;
	struct cpu_run run = run_of(item, blocks);
	float y[PIECE];

	if (format->index == FORMAT_F64) {
		count_f64(note, first, blocks, item->n_blocks);
		return;
	}
	for (size_t left = item->n_blocks; left; left -= run.n) {
		run.n = left < in_piece ? left : in_piece;
		if (tensor->scales)
			scales_to_f32(rows, tensor, first, blocks + run.first *
				      format->block_bytes, run.n, y);
		else
			cpu_rows_convert(rows, OUTPUT_F32, format, &run, y);
		for (size_t i = 0; i < run.n * format->block_weights; i++)
			count_weight(note, first + i, (double)y[i]);
		run.first += run.n;
		first += run.n * format->block_weights;
	}
}

static bool may_overflow(const struct cpu_rows *rows,
			 const struct work_item *item, const char *blocks)
{
	const struct plan_tensor *const tensor = item->tensor;
	const struct cpu_run run = run_of(item, blocks);

	return tensor->scales ||
	       !cpu_rows_fit_f16(rows, tensor->tensor->info->format, &run);
}

static int overflow_prepare(struct observer *observer,
			    const struct observed *observed, void *notes,
			    struct error *err)
{
	const struct cpu_rows *const rows =
		((struct overflow_observer *)observer)->rows;
	const struct work_batch *const batch = observed->batch;
	struct note *const note = notes;

	(void)err;
	memset(notes, 0, batch->n_items * sizeof(*note));
	for (size_t i = 0; !observed->fits_f16 && i < batch->n_items; i++) {
		const struct work_item *const item = &batch->items[i];
		const struct plan_tensor *const tensor = item->tensor;
		const char *const blocks = observed->blocks + item->in;

		if (!tensor->verbatim && tensor->type == OUTPUT_F16 &&
		    may_overflow(rows, item, blocks))
			count_item(rows, &note[i], item, blocks);
	}
	return 0;
}

/* In a track, a tensor's items follow one another. */
static int overflow_commit(struct observer *observer,
			   const struct observed *observed, const void *notes,
			   struct error *err)
{
	struct overflow_observer *const overflow =
		(struct overflow_observer *)observer;
	struct overflow *const found = overflow->found;
	const struct gguf_tensor **const last =
		&overflow->last[observed->batch->track];
	const struct note *const note = notes;

	(void)err;
	for (size_t i = 0; i < observed->batch->n_items; i++) {
		const struct plan_tensor *const tensor =
			observed->batch->items[i].tensor;
		const struct gguf_tensor *const info = tensor->tensor->info;

		if (!note[i].n_weights)
			continue;
		if (!found->tensor || tensor->index < found->index) {
			found->tensor = info;
			found->index = tensor->index;
			found->weight = note[i].weight;
			found->value = note[i].value;
		}
		found->n_tensors += info != *last;
		found->n_weights += note[i].n_weights;
		*last = info;
	}
	return 0;
}

static void overflow_close(struct observer *observer)
{
	free(observer);
}

struct observer *overflow_observer_open(const struct cpu_rows *rows,
					struct overflow *found,
					struct error *err)
{
	struct overflow_observer *const overflow = malloc(sizeof(*overflow));

	if (!overflow) {
		error_errno(err, "cannot look for what F16 cannot hold");
		return NULL;
	}
	*found = (struct overflow){ 0 };
	*overflow = (struct overflow_observer){
		.observer = {
			.any_order = true,
			.note_bytes = sizeof(struct note),
			.prepare = overflow_prepare,
			.commit = overflow_commit,
			.close = overflow_close,
		},
		.rows = rows,
		.found = found,
	};
	return &overflow->observer;
}

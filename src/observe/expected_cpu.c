#include <stdlib.h>

#include "cpu/rows.h"
#include "observe/expect.h"
#include "pass/scales.h"

struct expected_cpu {
	struct expected expected; /* first */
	const struct cpu_rows *rows;
};

_Static_assert(EXPECTED_PIECE % PLAN_PART == 0, "a piece is whole blocks");

static int convert_again(struct expected *expected,
			 const struct observed *observed, size_t i, size_t at,
			 size_t n, void *bytes, struct error *err)
{
	const struct cpu_rows *const rows =
		((struct expected_cpu *)expected)->rows;
	const struct work_item *const item = &observed->batch->items[i];
	const struct plan_tensor *const tensor = item->tensor;
	const struct format *const format = tensor->tensor->info->format;
	const size_t made = item->dst_bytes / item->n_blocks; /* per block */
	const uint64_t first = (item->dst_offset + at) /
			       tensor->format->block_bytes;
	const struct cpu_run run = {
		.blocks = observed->blocks + item->in,
		.row_blocks = work_item_row_blocks(item),
		.first = at / made,
		.n = n / made,
	};

	(void)err;
	if (tensor->scales)
		scales_convert(rows, tensor, first, (const char *)run.blocks +
			       run.first * format->block_bytes, run.n, bytes);
	else
		cpu_rows_convert(rows, tensor->type, format, &run, bytes);
	return 0;
}

static void close_cpu(struct expected *expected)
{
	free(expected);
}

struct expected *expected_cpu_open(const struct cpu_rows *rows,
				   struct error *err)
{
	struct expected_cpu *const cpu = malloc(sizeof(*cpu));

	if (!cpu) {
		error_errno(err, "cannot compare with the CPU");
		return NULL;
	}
	*cpu = (struct expected_cpu){
		.expected = {
			.name = "the CPU's values",
			.any_order = true,
			.converted_only = true,
			.read = convert_again,
			.close = close_cpu,
		},
		.rows = rows,
	};
	return &cpu->expected;
}

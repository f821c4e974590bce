/*
 * kernel_table.c - launch.h and formats.def as a shared library for check-amd,
 * so that it launches the same as the host.
 */
#include <stddef.h>

#include "kernels/launch.h"
#include "kernels/types.h"
#include "../unit/blake3_reference.h"

struct kernel_row {
	const char *kernel, *format, *type;
	unsigned weights, block_bytes, value_bytes, tile_blocks;
	unsigned header_bytes, group_rows; /* 0 and 1: blocks are a run */
};

#define ROW(TYPE, type, value_bytes, nan, file_type, name, weights,   \
	    block_bytes, header, rows)                                \
	{ "dq_" #name "_" #type, #name, #type, weights, block_bytes, \
	  value_bytes, DQ_TILE(weights, value_bytes), header, rows },
#define DQ_QUANT(NAME, name, id, weights, bytes, span) \
	DQ_OUTPUT_TYPES(ROW, name, weights, bytes, 0, 1)
#define DQ_ROWS(NAME, name, id, weights, bytes, span, header, rows) \
	DQ_OUTPUT_TYPES(ROW, name, weights, bytes, header, rows)
#define DQ_FLOAT(NAME, name, id, bytes) \
	DQ_OUTPUT_TYPES(ROW, name, 1, bytes, 0, 1)

/* The last row's kernel is NULL. */
const struct kernel_row kernel_rows[] = {
#include "kernels/formats.def"
	{ 0 }
};

const unsigned kernel_threads = DQ_THREADS;
const unsigned kernel_parameter_offsets[] = {
	offsetof(struct dq_parameters, blocks),
	offsetof(struct dq_parameters, values),
	offsetof(struct dq_parameters, n_blocks),
	offsetof(struct dq_parameters, row_blocks),
	offsetof(struct dq_parameters, reciprocal),
	offsetof(struct dq_parameters, shift),
};

unsigned kernel_groups(unsigned weights, unsigned value_bytes,
		       uint64_t n_blocks);

unsigned kernel_groups(unsigned weights, unsigned value_bytes,
		       uint64_t n_blocks)
{
	return dq_launch(weights, value_bytes, n_blocks).groups;
}

/* Sets what a kernel divides by. */
void kernel_divisor(uint32_t row_blocks, uint32_t *reciprocal, uint32_t *shift);

void kernel_divisor(uint32_t row_blocks, uint32_t *reciprocal, uint32_t *shift)
{
	struct dq_parameters p;

	dq_set_divisor(&p, row_blocks);
	*reciprocal = p.reciprocal;
	*shift = p.shift;
}

/* The BLAKE3 kernels, and their expected values. */
const unsigned kernel_hash_threads = DQ_HASH_THREADS;
const unsigned kernel_hash_offsets[] = {
	offsetof(struct dq_hash_parameters, from),
	offsetof(struct dq_hash_parameters, values),
	offsetof(struct dq_hash_parameters, n),
	offsetof(struct dq_hash_parameters, first),
	offsetof(struct dq_hash_parameters, total),
};

unsigned kernel_hash_groups(uint64_t n);
size_t kernel_hash_values(const uint8_t *bytes, size_t n, uint64_t first,
			  uint64_t total, int grouped, uint32_t (*values)[8]);

unsigned kernel_hash_groups(uint64_t n)
{
	return dq_hash_groups(n);
}

/* Returns the number of values, at most one per chunk. */
size_t kernel_hash_values(const uint8_t *bytes, size_t n, uint64_t first,
			  uint64_t total, int grouped, uint32_t (*values)[8])
{
	return reference_values(bytes, n, first, total,
				grouped ? DQ_HASH_GROUP : 1, values);
}

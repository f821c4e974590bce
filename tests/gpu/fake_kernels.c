#include "fake_kernels.h"

#include "kernels/dequant.hip"

_Thread_local struct dq_position dq_position;

#define ROW(TYPE, type, bytes, nan, file_type, format, weights)        \
	{ .name = "dq_" #format "_" #type,                             \
	  .run = dq_##format##_##type,                                 \
	  .block_bytes = sizeof(struct dq_##format),                   \
	  .block_values = (weights) * (bytes) },
#define ROWS(TYPE, type, bytes, nan, file_type, format, weights, size, \
	     header)                                                   \
	{ .name = "dq_" #format "_" #type,                             \
	  .run_rows = dq_##format##_##type,                            \
	  .block_bytes = size,                                         \
	  .header_bytes = header,                                      \
	  .block_values = (weights) * (bytes) },
#define DQ_QUANT(NAME, name, id, weights, bytes, span) \
	DQ_OUTPUT_TYPES(ROW, name, weights)
#define DQ_ROWS(NAME, name, id, weights, bytes, span, header, rows) \
	DQ_OUTPUT_TYPES(ROWS, name, weights, bytes, header)
#define DQ_FLOAT(NAME, name, id, bytes) DQ_OUTPUT_TYPES(ROW, name, 1)

/* This kernel overwrites its input, which the type declares const. */
static void run_groups(const void *chunks, void *values, uint64_t n,
		   uint64_t first, uint64_t total)
{
	dq_blake3_groups((void *)(uintptr_t)chunks, values, n, first, total);
}

static const struct fake_kernel kernels[] = {
	{ .name = "dq_blake3_chunks", .hash = dq_blake3_chunks,
	  .block_bytes = 1 },
	{ .name = "dq_blake3_groups", .hash = run_groups,
	  .block_bytes = sizeof(struct hash_value) },
#include "kernels/formats.def"
};

const struct fake_kernel *fake_kernel_find(const char *name)
{
	for (size_t i = 0; i < sizeof(kernels) / sizeof(*kernels); i++)
		if (!strcmp(kernels[i].name, name))
			return &kernels[i];
	return NULL;
}

void fake_kernel_take(const struct fake_kernel *kernel, void **parameters,
		      union fake_parameters *p)
{
#define TAKE(field, i) memcpy(&(field), parameters[i], sizeof(field))
	TAKE(p->of_blocks.blocks, 0);
	TAKE(p->of_blocks.values, 1);
	TAKE(p->of_blocks.n_blocks, 2);
	if (kernel->run_rows) {
		TAKE(p->of_blocks.row_blocks, 3);
		TAKE(p->of_blocks.reciprocal, 4);
		TAKE(p->of_blocks.shift, 5);
	}
	if (kernel->hash) {
		TAKE(p->of_hash.first, 3);
		TAKE(p->of_hash.total, 4);
	}
#undef TAKE
}

size_t fake_kernel_reads(const struct fake_kernel *kernel,
			 const union fake_parameters *p)
{
	const uint64_t n = p->of_blocks.n_blocks;

	return n * kernel->block_bytes +
	       (kernel->header_bytes ?
		n / p->of_blocks.row_blocks * kernel->header_bytes : 0);
}

size_t fake_kernel_makes(const struct fake_kernel *kernel,
			 const union fake_parameters *p)
{
	const struct dq_hash_parameters *const hash = &p->of_hash;
	uint64_t n = (hash->n + BLAKE3_CHUNK - 1) / BLAKE3_CHUNK;

	if (!kernel->hash)
		return p->of_blocks.n_blocks * kernel->block_values;
	if (kernel->hash == run_groups)
		n = dq_hash_layout(hash->n, hash->first, hash->total).n_values;
	return n * sizeof(struct hash_value);
}

static void run_thread(const struct fake_kernel *kernel,
		       const union fake_parameters *p)
{
	const struct dq_parameters *const b = &p->of_blocks;
	const struct dq_hash_parameters *const h = &p->of_hash;

	if (kernel->hash)
		kernel->hash(h->from, h->values, h->n, h->first, h->total);
	else if (kernel->run_rows)
		kernel->run_rows(b->blocks, b->values, b->n_blocks,
				 b->row_blocks, b->reciprocal, b->shift);
	else
		kernel->run(b->blocks, b->values, b->n_blocks);
}

void fake_kernel_run(const struct fake_kernel *kernel, unsigned groups,
		     unsigned threads, const union fake_parameters *p)
{
	for (unsigned group = 0; group < groups; group++)
		for (unsigned thread = 0; thread < threads; thread++) {
			dq_position.group = group;
			dq_position.thread = thread;
			run_thread(kernel, p);
		}
}

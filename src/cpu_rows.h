/* cpu_rows.h - dequantization on the CPU, in one table per instruction set. */
#ifndef CPU_ROWS_H
#define CPU_ROWS_H

#include "error.h"
#include "format.h"

/*
 * The functions that cpu_rows.c gives for one instruction set. They allocate
 * nothing and keep no state: any thread may call them. No buffer needs an
 * alignment; input and output must not overlap.
 */
struct cpu_rows {
	const char *isa; /* the name that GGUF_DEQUANT_ISA takes */

	/*
	 * n_blocks blocks → F32, ggml's values bit for bit, NaN as 7fc00000.
	 * NULL for integers.
	 */
	void (*f32[FORMAT_COUNT])(const void *blocks, size_t n_blocks,
				  float *y);

	/* F32 → F16 and BF16, to nearest even; a NaN must be 7fc00000. */
	void (*to_f16)(const float *x, size_t n, uint16_t *y);
	void (*to_bf16)(const float *x, size_t n, uint16_t *y);
};

/* The table number `i`, from the least instruction set up; NULL past the end.
 * What this CPU cannot run is listed too: see cpu_rows_runs. */
const struct cpu_rows *cpu_rows_at(size_t i);

/* Whether this CPU and its operating system can run `rows`. */
int cpu_rows_runs(const struct cpu_rows *rows);

/*
 * The table called `isa`, or the best one that runs here where isa is NULL.
 * NULL and an error where there is none of that name or this CPU lacks it.
 */
const struct cpu_rows *cpu_rows_select(const char *isa, struct error *err);

#endif

/* rows.h - dequantization on the CPU, in one table per instruction set. */
#ifndef CPU_ROWS_H
#define CPU_ROWS_H

#include <stdbool.h>

#include "base/error.h"
#include "base/output_type.h"

/* Blocks to convert: n of them, from number `first` on in the order of the
 * output. `blocks` begins at the blocks, or, if these are not one run
 * (format_has_rows), at the header of a group of rows with row_blocks each. */
struct cpu_run {
	const void *blocks;
	size_t row_blocks;
	size_t first, n;
};

/*
 * The functions that rows.c gives for one instruction set. They allocate
 * nothing and keep no state: any thread may call them. Blocks need no
 * alignment, values that of their type; the two must not overlap.
 */
struct cpu_rows {
	const char *isa; /* the name that GGUF_DEQUANT_ISA takes */

	/*
	 * n blocks → values: ggml's F32 bit for bit, or that rounded to nearest
	 * even, in the byte order of this machine. A NaN becomes
	 * 7fc00000, 7e00 or 7fc0. NULL for formats with rows (see
	 * cpu_rows_convert) and for integers, which are copied as they are; so
	 * is a tensor that has the output's type already, though its
	 * function is here too. For F16, returns what fits_f16 does; otherwise
	 * true.
	 */
	bool (*convert[OUTPUT_NATIVE][FORMAT_COUNT])(const void *blocks,
						     size_t n, void *out);

	/* Whether no weight of n blocks is infinite as F16. False also if that
	 * takes a look at each of them. NULL where convert is. */
	bool (*fits_f16[FORMAT_COUNT])(const void *blocks, size_t n);

	/* The same for formats with rows; NULL for others. Returns what
	 * fits_f16 does, and if `out` is NULL does nothing else. */
	bool (*rows_to_f32[FORMAT_COUNT])(const struct cpu_run *run,
					  float *out);

	/* n F32 values, a multiple of 16 without other NaNs than 7fc00000, to
	 * F16 or BF16. */
	void (*narrow[OUTPUT_NATIVE])(const float *x, size_t n, void *out);

	const struct blake3_lanes *blake3; /* see blake3.h */
};

/* What convert and fits_f16 do, for any format but integers. */
bool cpu_rows_convert(const struct cpu_rows *rows, enum output_type type,
		      const struct format *format, const struct cpu_run *run,
		      void *out);
bool cpu_rows_fit_f16(const struct cpu_rows *rows, const struct format *format,
		      const struct cpu_run *run);

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

/* The table that the environment variable GGUF_DEQUANT_ISA names; the best one
 * if that is unset or empty. NULL on error. */
const struct cpu_rows *cpu_rows_chosen(struct error *err);

#endif

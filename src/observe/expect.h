/* expect.h - observes whether the values are those that are expected. */
#ifndef OBSERVE_EXPECT_H
#define OBSERVE_EXPECT_H

#include "io/output.h"
#include "pass/observer.h"

/* At most so many bytes are asked of a provider at a time. */
#define EXPECTED_PIECE ((size_t)8192) /* fits a small stack */

/*
 * Where expected values come from: a file, the CPU. Threads call read side by
 * side if any_order; otherwise one thread does, in the order of the raw output.
 */
struct expected {
	const char *name; /* "N of M tensors differ from NAME" */
	bool any_order;

	/* Has nothing to compare the output of verbatim tensors with. */
	bool converted_only;

	/* The n bytes at `at`, a multiple of EXPECTED_PIECE, of the values of
	 * item number `i`. */
	int (*read)(struct expected *expected, const struct observed *observed,
		    size_t i, size_t at, size_t n, void *bytes,
		    struct error *err);
	void (*close)(struct expected *expected); /* frees it */
};

/*
 * The file at `path` ("-": standard input), which must have the size of the raw
 * output of the plan, and its layout. NULL on error.
 */
struct expected *expected_file_open(const char *path, const struct plan *plan,
				    struct error *err);

/* What the CPU makes of the same blocks, by the row functions of one
 * instruction set. NULL on error. */
struct cpu_rows;
struct expected *expected_cpu_open(const struct cpu_rows *rows,
				   struct error *err);

/* Which values count as equal to those that are expected. */
struct tolerance {
	bool given; /* otherwise those of the same bits, and no others */
	/* One of two is enough: at most `ulp` steps from float to float, or a
	 * difference of at most atol + rtol·|expected|. */
	uint64_t ulp;
	double rtol, atol;
};

/*
 * Compares all values with those that `expected` gives. The tolerance is for
 * floats; of these, within it, NaN equals NaN, and an infinity only the same.
 * Integers, and the blocks of quants, must have the same bits.
 *
 * If tensors differ, finish writes a line for each of them to `report`, unless
 * that is NULL, and gives an error that differs. The observer takes `expected`
 * and `report` over, also on error; the plan must outlast it. NULL on error.
 */
struct observer *expect_observer_open(struct expected *expected,
				      const struct tolerance *tolerance,
				      struct output *report,
				      const struct plan *plan,
				      struct error *err);

#endif

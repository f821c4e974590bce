/* expect.h - an observer that compares the values with expected ones. */
#ifndef OBSERVE_EXPECT_H
#define OBSERVE_EXPECT_H

#include "io/output.h"
#include "pass/observer.h"

/* The largest number of bytes that a provider is asked for at once. */
#define EXPECTED_PIECE ((size_t)8192) /* fits a small stack */

/*
 * A provider of expected values: a file, or the CPU. If any_order, several
 * threads may call read at once; otherwise one thread does, in the order of the
 * raw output.
 */
struct expected {
	const char *name; /* "N of M tensors differ from NAME" */
	bool any_order;

	/* Has no values for verbatim tensors. */
	bool converted_only;

	/* Provides n bytes of the values of item number `i`, from byte `at` on,
	 * a multiple of EXPECTED_PIECE. */
	int (*read)(struct expected *expected, const struct observed *observed,
		    size_t i, size_t at, size_t n, void *bytes,
		    struct error *err);
	void (*close)(struct expected *expected); /* frees it */
};

/*
 * The file at `path` ("-": standard input), which must have the size and layout
 * of the plan's raw output. NULL on error.
 */
struct expected *expected_file_open(const char *path, const struct plan *plan,
				    struct error *err);

/* The values that the CPU computes from the same blocks with the row functions
 * of one instruction set. NULL on error. */
struct cpu_rows;
struct expected *expected_cpu_open(const struct cpu_rows *rows,
				   struct error *err);

/* Which values count as equal to the expected ones. */
struct tolerance {
	bool given; /* otherwise the bits must be equal */
	/* A value passes if it is at most `ulp` floats away, or if its
	 * difference is at most atol + rtol·|expected|. */
	uint64_t ulp;
	double rtol, atol;
};

/*
 * Compares all values with those of `expected`. The tolerance applies to
 * floats; with one, NaN equals NaN, and an infinity equals only itself.
 * Integers and quantized blocks must have the same bits.
 *
 * If tensors differ, finish writes one line per differing tensor to `report`,
 * unless it is NULL, and returns an error that differs. The observer takes over
 * `expected` and `report`, even on error. The plan must outlast it. NULL on
 * error.
 */
struct observer *expect_observer_open(struct expected *expected,
				      const struct tolerance *tolerance,
				      struct output *report,
				      const struct plan *plan,
				      struct error *err);

#endif

/* overflow.h - observes which finite weights become infinite as F16. */
#ifndef OBSERVE_OVERFLOW_H
#define OBSERVE_OVERFLOW_H

#include "cpu/rows.h"
#include "pass/observer.h"

struct overflow {
	uint64_t n_weights;
	size_t n_tensors;
	/* The first one, in the order of the plan: */
	const struct gguf_tensor *tensor;
	size_t index;    /* of that tensor */
	uint64_t weight; /* its number in that tensor */
	double value;
};

/*
 * Counts them in *found, the caller's, which outlasts the observer, as does the
 * model. A weight that is Inf or NaN in the model is not counted. The observer
 * looks at the blocks, not at the values, and only at blocks that may have such
 * a weight. NULL on error.
 */
struct observer *overflow_observer_open(const struct cpu_rows *rows,
					struct overflow *found,
					struct error *err);

#endif

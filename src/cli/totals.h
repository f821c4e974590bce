/* totals.h - how many tensors, weights and bytes a plan has of each type. */
#ifndef CLI_TOTALS_H
#define CLI_TOTALS_H

#include "pass/plan.h"

struct totals {
	size_t n_tensors;
	uint64_t weights; /* UINT64_MAX: that many, or more */
	uint64_t bytes;   /* stored */
};

struct all_totals {
	struct totals of_type[FORMAT_COUNT];
	struct totals unsupported; /* of types that cannot be converted */
	struct totals all;
};

void totals_fill(struct all_totals *totals, const struct plan *plan);

#endif

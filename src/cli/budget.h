/* budget.h - divides --memory. */
#ifndef CLI_BUDGET_H
#define CLI_BUDGET_H

#include "pass/plan.h"

struct budget {
	uint64_t memory;
	size_t header;     /* for the model's tables */
	size_t checkpoint; /* for the table of its tensors */
	size_t files;      /* for its other files, which precede the pass */
	size_t manifest;   /* for its text; its lines take 3 times as much */
	unsigned cpus;     /* that this process may use */
	unsigned threads;
};

/* threads: 0 for one per CPU that this process may use. */
int budget_init(struct budget *budget, uint64_t memory, unsigned threads,
		struct error *err);

/* The memory left for the slots of a pass with that many workers, after the
 * program itself, the model, and the plan with plan_bytes beside it; can be
 * 0. */
size_t budget_for_slots(const struct budget *budget, const struct model *model,
			const struct plan *plan, size_t plan_bytes,
			unsigned n_workers);

#endif

/* part.h - divides a plan into parts of about equal bytes of output. Pure. */
#ifndef PASS_PART_H
#define PASS_PART_H

#include "pass/plan.h"

#define PART_MAX_COUNT 65535

/*
 * The whole files of one part: those whose middle is in its share of the bytes.
 * Tensors with the same number in `file_of` are in one file; NULL: each tensor
 * has its own. So every file is in exactly one part, and the parts' tensors
 * follow one another in the order of the table. `part` borrows `whole`; the
 * caller releases it first, after success.
 */
int part_init_files(struct plan *part, const struct plan *whole,
		    struct plan_part which, const size_t *file_of,
		    struct error *err);

/* Tensors of which a part has only some rows. */
struct part_rows {
	struct gguf_tensor infos[2];
	struct model_tensor tensors[2];
	unsigned n;
};

/*
 * The same for raw output, which is cut between rows, or between the blocks of
 * a tensor with one row: what the parts write, one after the other, is what the
 * whole writes. Tensors with scales are not cut. `part` borrows `rows`, too.
 */
int part_init_rows(struct plan *part, struct part_rows *rows,
		   const struct plan *whole, struct plan_part which,
		   struct error *err);

#endif

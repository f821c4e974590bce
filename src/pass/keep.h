/* keep.h - which tensors a GGUF file of F16 or BF16 keeps in F32. */
#ifndef PASS_KEEP_H
#define PASS_KEEP_H

#include <stdio.h>

#include "pass/plan.h"

/*
 * Changes the type of those tensors of a plan for a GGUF file that llama.cpp's
 * converters keep in F32 whatever type they are asked for: it runs no file in
 * which they are F16 or BF16. A type that was chosen for a tensor stays, and so
 * do all of a model without general.architecture, which is not llama.cpp's.
 */
int keep_f32(struct plan *plan, const struct model *model, struct error *err);

/* Prints how many tensors that are, and why, unless there are none. */
void keep_report(FILE *stream, const struct plan *plan);

#endif

/*
 * scales.h - the scales of NVFP4 tensors that are tensors of their own.
 *
 * X.weight has them in X.scale or X.weight.scale, as F32: one, or one for each
 * expert, which are the slices of its third dimension. ggml's values lack them;
 * llama.cpp multiplies its results by them. X.input_scale is for activations.
 */
#ifndef PASS_SCALES_H
#define PASS_SCALES_H

#include "cpu/rows.h"
#include "pass/plan.h"

/* How many tensors that the plan converts have such scales. False on error. */
bool scales_count(const struct plan *plan, const struct model *model, size_t *n,
		  struct error *err);

/*
 * Lets the plan multiply by them, and leaves out the tensors that they are in.
 * A model that is read from a stream is spooled first. The caller frees *values
 * after success, and after the plan.
 */
int scales_apply(struct plan *plan, const struct model *model, float **values,
		 struct error *err);

/* At most so many weights at a time: whole blocks. */
#define SCALES_PIECE 1024

/* n blocks of a tensor with scales, from weight number `first` on, to at most
 * SCALES_PIECE values. */
void scales_to_f32(const struct cpu_rows *rows,
		   const struct plan_tensor *tensor, uint64_t first,
		   const void *blocks, size_t n, float *values);

/* Any number of blocks to the tensor's output type. Returns what the rows do:
 * see cpu/rows.h. */
bool scales_convert(const struct cpu_rows *rows,
		    const struct plan_tensor *tensor, uint64_t first,
		    const void *blocks, size_t n, void *out);

#endif

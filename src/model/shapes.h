/* shapes.h - the original shapes of tensors that were flattened. */
#ifndef MODEL_SHAPES_H
#define MODEL_SHAPES_H

#include "model/model.h"

/*
 * Gives tensors the shape that the metadata say they had before they were
 * flattened to rows of whole blocks. ComfyUI-GGUF and its kind write an array
 * of i32, slowest dimension first: comfy.gguf.orig_shape.NAME. A shape with
 * another number of weights than its tensor is an error; one without a tensor
 * is ignored. The model owns the shapes.
 */
int shapes_init(struct model *model, struct error *err);

#endif

/* layout.h - where the data of a file's tensors lies. */
#ifndef MODEL_LAYOUT_H
#define MODEL_LAYOUT_H

#include "model/gguf.h"

/*
 * Checks that no byte belongs to two tensors and that the file holds all of
 * them; offsets count from its start. Gives tensors without a format their
 * bytes, and takes the format from those that have another program's type of
 * the same id. Allocates 16 bytes per tensor while it runs.
 */
int layout_check(struct gguf *gguf, struct source *src, struct error *err);

#endif

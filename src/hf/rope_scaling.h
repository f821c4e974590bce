/* rope_scaling.h - how a model's rotary embedding is scaled for longer texts,
 * as config.json states it. */
#ifndef HF_ROPE_SCALING_H
#define HF_ROPE_SCALING_H

#include "hf/config_row.h"

/*
 * Puts the row's key with an object that names the scaling; nothing if there is
 * no scaling. It is that of the factors in tensors, if there are any, or that
 * which the metadata name. row->n: yarn's ranges are not rounded to whole
 * dimensions.
 */
int rope_scaling_put(struct config *config, const struct config_row *row);

#endif

/* convert.h - a pass as the options ask for it: outputs, observers, device. */
#ifndef CLI_CONVERT_H
#define CLI_CONVERT_H

#include "cli/budget.h"
#include "cli/manifest.h"
#include "cli/options.h"

/*
 * Converts the tensors of the plan once, and on the way writes, hashes and
 * compares them. manifest: to compare checksums with, or NULL. An error that
 * differs if values do; then nothing was written. With --verbose, says on
 * standard error what did the work, and how fast.
 */
int convert(const struct options *options, const struct budget *budget,
	    struct manifest *manifest, const struct model *model,
	    struct plan *plan, struct error *err);

#endif

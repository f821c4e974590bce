/* convert.h - sets up a pass from the options, and runs it. */
#ifndef CLI_CONVERT_H
#define CLI_CONVERT_H

#include "cli/budget.h"
#include "cli/manifest.h"
#include "cli/options.h"
#include "hf/checkpoint.h"

/*
 * Converts the tensors of the plan once, and writes, hashes and compares them
 * on the way. manifest: checksums to compare with, or NULL. checkpoint: whose
 * tensors the plan has; NULL: it has the model's. If values differ, returns an
 * error that differs, and nothing was written. With --verbose, prints the
 * device, the threads and the throughput to standard error.
 */
int convert(const struct options *options, const struct budget *budget,
	    struct manifest *manifest, const struct model *model,
	    struct plan *plan, const struct hf_checkpoint *checkpoint,
	    struct error *err);

#endif

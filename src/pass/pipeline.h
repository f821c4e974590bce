/* pipeline.h - the engine of a pass: batches side by side, bounded memory. */
#ifndef PASS_PIPELINE_H
#define PASS_PIPELINE_H

#include "pass/pass.h"

/*
 * Takes every batch of the pass through the device, the observers' prepare and
 * commit, and the sink's write. A worker commits the oldest batch if it is
 * ready and no other worker is committing; otherwise it reads and converts
 * another one. What observers and sink get does not depend on the options. If
 * there are several errors, the first one in the plan is returned. progress may
 * be NULL.
 *
 * A stream is read in the order of its offsets. If the tensors are needed in
 * another order, the stream is spooled first.
 */
int pipeline_run(const struct pass *pass, const struct pass_options *options,
		 struct error *err);

#endif

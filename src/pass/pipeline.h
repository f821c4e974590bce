/* pipeline.h - read → device → sink, in order, in bounded memory. */
#ifndef PASS_PIPELINE_H
#define PASS_PIPELINE_H

#include "pass/device.h"
#include "pass/progress.h"
#include "sink/sink.h"

struct pipeline_options {
	unsigned n_workers; /* threads, the caller's among them */
	unsigned n_slots;   /* batches under way; at least 1 */
	size_t slot_bytes;  /* of each of a slot's two buffers; at most
			       BLAKE3_PART_BYTES where the sink wants hashes */
};

/* The fastest options with so many workers whose slots take at most `memory`
 * bytes, or as few as there can be, and none more than best_slot. */
struct pipeline_options pipeline_options_for(unsigned n_workers, size_t memory,
					     size_t best_slot);

/*
 * Runs the plan through `dev` into `sink`. Each worker does what is next: it
 * writes the oldest batch where that is ready and nobody is writing, else reads
 * and converts another. The bytes written do not depend on the options; of
 * several errors the one that comes first in the plan is returned. The caller
 * ends or aborts the sink. progress may be NULL.
 *
 * A sink that doesn't take any order gets the tensors in that of the output. A
 * stream is read in the order of its offsets. Where that is another one, a sink
 * that takes any order gets the tensors in the stream's order; for another one,
 * the stream is spooled first.
 *
 * The other threads block cleanup_signals.
 */
int pipeline_run(const struct plan *plan, struct device *dev, struct sink *sink,
		 const struct pipeline_options *options,
		 struct progress *progress, struct error *err);

#endif

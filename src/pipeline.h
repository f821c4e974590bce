/* pipeline.h - read → device → sink, in order, in bounded memory. */
#ifndef PIPELINE_H
#define PIPELINE_H

#include "device.h"
#include "progress.h"
#include "sink.h"

struct pipeline_options {
	unsigned n_workers; /* threads, each with a slot of its own */
	size_t slot_bytes;  /* of each of a slot's two buffers */
};

/*
 * Runs the plan through `dev` into `sink`: each worker takes the next item,
 * reads it, converts it, waits for its turn and writes it while it is still in
 * its cache. The caller ends or aborts the sink. The bytes written do not
 * depend on n_workers. progress may be NULL.
 */
int pipeline_run(const struct plan *plan, struct device *dev, struct sink *sink,
		 const struct pipeline_options *options,
		 struct progress *progress, struct error *err);

#endif

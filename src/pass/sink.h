/* sink.h - writes the values of a pass. */
#ifndef PASS_SINK_H
#define PASS_SINK_H

#include "pass/plan.h"

struct observer;

/*
 * There is one implementation per output kind: see sink/kinds.h. Only one
 * thread at a time calls a sink. After an error in write, only abort may
 * follow. finish and abort free the sink and close its output. After abort, or
 * an error in finish, nothing is left behind.
 */
struct sink {
	/* Tensors may come in any order, not only that of their dst_offset. */
	bool any_order;

	/* The sink's own observer, which the pass calls before write, or
	 * NULL. */
	struct observer *observer;

	/* Takes the values of one batch. Unless any_order, they continue where
	 * those of the last batch ended. */
	int (*write)(struct sink *sink, const struct work_batch *batch,
		     const void *values, struct error *err);
	int (*finish)(struct sink *sink, struct error *err);
	void (*abort)(struct sink *sink);
};

#endif

/* sink.h - where the values of a pass go. */
#ifndef PASS_SINK_H
#define PASS_SINK_H

#include "pass/plan.h"

struct observer;

/*
 * One implementation per kind of output: see sink/kinds.h. Only one thread at a
 * time calls a sink. After an error of write, only abort may follow. finish and
 * abort free the sink and close its output; after abort, or an error of finish,
 * nothing is left behind.
 */
struct sink {
	/* Tensors may come in another order than that of their dst_offset. */
	bool any_order;

	/* What the sink has to know of the values: NULL, or an observer of its
	 * own, which the pass calls before write. */
	struct observer *observer;

	/* Takes the values of one batch, which go on where those of the last
	 * one ended, unless any_order. */
	int (*write)(struct sink *sink, const struct work_batch *batch,
		     const void *values, struct error *err);
	int (*finish)(struct sink *sink, struct error *err);
	void (*abort)(struct sink *sink);
};

#endif

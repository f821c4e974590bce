/* prefetch.h - reads a model into the page cache before the pass needs it. */
#ifndef PASS_PREFETCH_H
#define PASS_PREFETCH_H

#include <pthread.h>
#include <stdatomic.h>

#include "pass/plan.h"

/* No more is read ahead than a step beyond this, which is what fast disks read
 * in 0.3 s: the kernel might drop the first bytes before they are used. */
#define PREFETCH_BYTES ((uint64_t)2 << 30)

struct prefetch {
	const struct plan *plan;
	uint64_t asked; /* bytes */
	pthread_t thread;
	bool started;
	atomic_bool stop;
};

/*
 * Starts a thread, which blocks cleanup_signals. In steps of SOURCE_AHEAD, it
 * asks the kernel to read the plan's tensors ahead, in the plan's order; not
 * those of a stream. It only saves time: if it can't be started, or the kernel
 * refuses, nothing else changes. Until prefetch_stop returns, the plan and its
 * model must stay as they are.
 */
void prefetch_start(struct prefetch *prefetch, const struct plan *plan);

/* Ends the thread after the step that is under way. */
void prefetch_stop(struct prefetch *prefetch);

#endif

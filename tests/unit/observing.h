/* observing.h - batches put through an observer, as a pass does it. */
#ifndef OBSERVING_H
#define OBSERVING_H

#include <stdlib.h>

#include "pass/observer.h"

/* What an observer sees of a batch that converts nothing. */
static inline struct observed observed_values(const struct work_batch *batch,
					      const char *values)
{
	return (struct observed){ .batch = batch, .values = values };
}

/* Prepares and commits one batch. */
static inline int observe_batch(struct observer *observer,
				const struct observed *observed,
				struct error *err)
{
	void *const notes = calloc(PLAN_BATCH_ITEMS, observer->note_bytes + 1);
	int result = 0;

	if (!notes)
		abort();
	if (observer->prepare)
		result = observer->prepare(observer, observed, notes, err);
	if (!result && observer->commit)
		result = observer->commit(observer, observed, notes, err);
	free(notes);
	return result;
}

#endif

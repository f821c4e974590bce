/* progress.h - a progress line: tensor, percent, GB/s and time left. */
#ifndef PASS_PROGRESS_H
#define PASS_PROGRESS_H

#include <stdio.h>

#include "pass/plan.h"

struct progress; /* opaque: progress.c */

/* Draws on `stream`, a terminal: first after half a second, then at most ten
 * times per second. NULL on error. */
struct progress *progress_open(FILE *stream, const struct plan *plan,
			       struct error *err);

/* Called by one thread at a time, after a batch was written. */
void progress_update(struct progress *progress, const struct work_batch *batch);

/* Removes the line and frees progress, which may be NULL. */
void progress_close(struct progress *progress);

#endif

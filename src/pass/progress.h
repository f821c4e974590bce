/* progress.h - one line on a terminal: tensor, percent, GB/s, time left. */
#ifndef PASS_PROGRESS_H
#define PASS_PROGRESS_H

#include <stdio.h>

#include "pass/plan.h"

struct progress; /* opaque: progress.c */

/* Draws on `stream`, a terminal, from the first update that comes after half a
 * second on; at most ten times a second. NULL on error. */
struct progress *progress_open(FILE *stream, const struct plan *plan,
			       struct error *err);

/* Called by one thread at a time, after a batch was written. */
void progress_update(struct progress *progress, const struct work_batch *batch);

/* Removes the line and frees progress, which may be NULL. */
void progress_close(struct progress *progress);

#endif

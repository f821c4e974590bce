/* sink.h - writes the values of a pass. */
#ifndef PASS_SINK_H
#define PASS_SINK_H

#include "pass/plan.h"

struct observer;

/*
 * There is one implementation per output kind: see sink/kinds.h. Only one
 * thread at a time calls a sink, except as file_of says. After an error in
 * write, only abort may follow. finish and abort free the sink and close its
 * output. After abort, or an error in finish, nothing is left behind; but see
 * folder_finish.
 */
struct sink {
	/* Tensors may come in any order, not only that of their dst_offset. */
	bool any_order;

	/* The number of the file that gets the tensor; NULL: there is only one
	 * file. Tensors of the same file follow one another. Several threads
	 * may then call write at once, for batches of different tracks: each
	 * file is written in one track, from its first batch to its last. */
	size_t (*file_of)(const struct sink *sink,
			  const struct plan_tensor *tensor);
	size_t file_bytes; /* memory for each file that is being written */

	/* The sink's own observer, which the pass calls before write, or
	 * NULL. */
	struct observer *observer;

	/* Takes the values of one batch. Unless any_order, they continue where
	 * those of the track's last batch ended. */
	int (*write)(struct sink *sink, const struct work_batch *batch,
		     const void *values, struct error *err);
	int (*finish)(struct sink *sink, struct error *err);
	void (*abort)(struct sink *sink);
};

#endif

/* pass.h - one walk over a plan: read → convert → observers → sink. */
#ifndef PASS_PASS_H
#define PASS_PASS_H

#include "pass/device.h"
#include "pass/observer.h"
#include "pass/progress.h"
#include "pass/sink.h"

#define PASS_MAX_OBSERVERS 8

/* Everything is borrowed, except that pass_run ends the sink. Observers are
 * called in the order in which they were added. */
struct pass {
	const struct plan *plan;
	struct device *device;
	const struct cpu_rows *rows; /* for what the device does not convert:
					tensors with scales */
	struct sink *sink;         /* NULL: the values go nowhere */
	struct progress *progress; /* NULL: none is shown */
	struct observer *observers[PASS_MAX_OBSERVERS];
	size_t n_observers;
};

void pass_add(struct pass *pass, struct observer *observer);

/* Sets the sink and adds its observer. */
void pass_set_sink(struct pass *pass, struct sink *sink);

/* The combined needs of a pass's observers and sink. */
struct pass_needs {
	bool raw_order;  /* tensors in the order of the raw output */
	bool sink_order; /* tensors in the order of their dst_offset */
	bool values;     /* the values are read */
	bool tracks;     /* several tracks are faster, and possible */
	size_t track_bytes; /* that each of them takes */
	const struct blake3_lanes *blake3;
	bool device_hashes; /* that is, not the CPU */
	const struct plan *plan; /* whose input is smaller than its output;
				    NULL: it may be as large */
	bool few_slots;    /* see struct device */
	size_t kept_bytes; /* see struct device; 0: slots have both buffers */
	size_t note_bytes; /* for the items of one batch */
	size_t view_bytes; /* for a batch that is read through views */
	size_t min_slot;   /* see plan_min_slot */
};
struct pass_needs pass_needs(const struct pass *pass);

/* The values of a slot take at most so many times the bytes of its blocks where
 * they are kept; those of 4 bits take 7 times as many, as F32. */
#define PASS_KEPT_RATIO 8

struct pass_options {
	unsigned n_workers; /* threads, the caller's among them */
	unsigned n_slots;   /* batches under way; at least 1 */
	size_t slot_bytes;  /* of each of a slot's two buffers; at most
			       BLAKE3_PART_BYTES if parts are wanted */

	/* Files that are written, or tensors that are observed, at once; 0: as
	 * 1. Each has its own track: its batches are committed in order, by one
	 * thread at a time. At most PLAN_MAX_TRACKS. */
	unsigned n_tracks;

	size_t window_bytes; /* of sources that may be kept for views */
};

/* The fastest options for that many workers whose tracks and slots, including
 * notes and what views need, fit into `memory` bytes; at least the minimum. No
 * slot is larger than best_slot, unless the plan needs that, and there are
 * enough descriptors for the tracks. A window takes up to a quarter as much
 * memory again. */
struct pass_options pass_options_for(const struct pass_needs *needs,
				     unsigned n_workers, size_t memory,
				     size_t best_slot);

/*
 * Runs the pass, finishes the observers, and then finishes the sink, or aborts
 * it after an error. So nothing is written if an observer finds a difference.
 * In that case the other observers are finished as well, and the first
 * difference is the error. The other threads block cleanup_signals.
 */
int pass_run(const struct pass *pass, const struct pass_options *options,
	     struct error *err);

#endif

/*
 * view.h - tensors made from the rows of others: in another order, transposed,
 * interleaved, or less one.
 *
 * The bytes of a view are read like those of a stored tensor, any range at a
 * time. Either they are rows as they are stored, whole blocks with a header if
 * the format has one, but not interleaved; or they are F32 values of formats
 * whose blocks are a run, as if the view were stored so; what follows does not
 * know them from a tensor of the file.
 */
#ifndef PASS_VIEW_H
#define PASS_VIEW_H

#include "cpu/rows.h"
#include "pass/plan.h"
#include "pass/view_cache.h"

/*
 * A view is n_groups times its bands, one below the other, each of so many rows
 * of `columns` weights. Row number k of a band in group g is, unless it is
 * transposed, row first + g * step_group + k * step of from[0]. If it is,
 * column c of the row is weight k of row
 * first + g * step_group + c / n_from * step of from[c % n_from].
 */
struct view_band {
	const struct plan_tensor *from[2]; /* borrowed */
	unsigned n_from;
	bool transposed;
	uint64_t rows;
	uint64_t row_weights; /* of a row of `from`: whole blocks */
	uint64_t first, step, step_group;
};

#define VIEW_MAX_BANDS 3
struct view {
	uint64_t n_groups;
	uint64_t columns;
	unsigned n_bands;
	struct view_band bands[VIEW_MAX_BANDS];
	bool values;    /* F32; otherwise the rows of one tensor */
	bool minus_one; /* of values */
};

/* What a thread needs to read views; zeroed at first, but for the cache. */
struct view_scratch {
	struct view_cache *cache; /* of several threads; NULL: none */
	struct view_window {
		const struct source *source;
		uint64_t offset;
		size_t len, size;
		char *bytes;
	} windows[2];
	float *values;
};
#define VIEW_SCRATCH_BYTES ((size_t)272 << 10) /* unless it reads a stream */
void view_scratch_release(struct view_scratch *scratch);

/* Reads n bytes of the view from `offset` on; of values, whole ones. */
int view_read(const struct view *view, const struct cpu_rows *rows,
	      struct view_scratch *scratch, uint64_t offset, void *to, size_t n,
	      struct error *err);

/* Whether the view can be read in order from a stream, with a window of so many
 * bytes. */
bool view_is_sequential(const struct view *view, size_t *window);

/* The stored bytes of what it is made from. */
uint64_t view_stored_bytes(const struct view *view);

/* Weights of the view that are read together, because each of the blocks that
 * they are in would have to be read again with the next ones; at least 1. */
uint64_t view_tile(const struct view *view);

#endif

#include "observe/crc.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <zlib.h>

struct crc_observer {
	struct observer observer; /* first */
	uint32_t *crcs;
};

/* On a cached batch, libdeflate reaches 15 GB/s and zlib 4. */
static int crc_prepare(struct observer *observer,
		       const struct observed *observed, void *notes,
		       struct error *err)
{
	const struct work_batch *const batch = observed->batch;
	uint32_t *const parts = notes;

	(void)observer;
	(void)err;
	for (size_t i = 0; i < batch->n_items; i++)
		parts[i] = libdeflate_crc32(0, observed->values +
					       batch->items[i].out,
					    batch->items[i].dst_bytes);
	return 0;
}

static int crc_commit(struct observer *observer,
		      const struct observed *observed, const void *notes,
		      struct error *err)
{
	uint32_t *const crcs = ((struct crc_observer *)observer)->crcs;
	const struct work_batch *const batch = observed->batch;
	const uint32_t *const parts = notes;

	(void)err;
	for (size_t i = 0; i < batch->n_items; i++) {
		const struct work_item *const item = &batch->items[i];
		uint32_t *const crc = &crcs[item->tensor->index];

		*crc = (uint32_t)crc32_combine(*crc, parts[i],
					       (z_off_t)item->dst_bytes);
	}
	return 0;
}

static void crc_close(struct observer *observer)
{
	free(observer);
}

struct observer *crc_observer_open(uint32_t *crcs, struct error *err)
{
	struct crc_observer *const crc = malloc(sizeof(*crc));

	if (!crc) {
		error_errno(err, "cannot compute CRCs");
		return NULL;
	}
	*crc = (struct crc_observer){
		.observer = {
			.any_order = true,
			.reads_values = true,
			.note_bytes = sizeof(uint32_t),
			.prepare = crc_prepare,
			.commit = crc_commit,
			.close = crc_close,
		},
		.crcs = crcs,
	};
	return &crc->observer;
}

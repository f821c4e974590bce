#include <stdlib.h>
#include <unistd.h>

#include "cpu/rows.h"
#include "device/devices.h"

struct device_cpu {
	struct device device; /* first, so that a pointer to it can be cast */
	const struct cpu_rows *rows;
};

static void cpu_slot_close(struct device *dev, struct device_slot *slot)
{
	(void)dev;
	free(slot->in);
	free(slot->out);
	*slot = (struct device_slot){ 0 };
}

/* Aligned to a page. */
static void *allocate(size_t bytes)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return aligned_alloc(page, (bytes + page - 1) & ~(page - 1));
}

/* Of output: with its blocks, a batch stays in the cache of the core that
 * decodes and writes it. Larger ones let many threads contend less. */
static size_t best_slot(void)
{
	return sysconf(_SC_LEVEL2_CACHE_SIZE) < 2 << 20 ? (size_t)512 << 10 :
							  (size_t)1 << 20;
}

static int cpu_slot_open(struct device *dev, struct device_slot *slot,
			 size_t slot_bytes, struct error *err)
{
	slot->in = allocate(slot->in_bytes);
	slot->out = allocate(slot_bytes);
	if (slot->in && slot->out)
		return 0;
	error_errno(err, "cannot allocate buffers of %zu and %zu bytes",
		    slot->in_bytes, slot_bytes);
	cpu_slot_close(dev, slot);
	return -1;
}

static int cpu_convert(struct device *dev, struct device_slot *slot,
		       const struct work_batch *batch, struct error *err)
{
	const struct cpu_rows *rows = ((struct device_cpu *)dev)->rows;

	(void)err;
	slot->fits_f16 = true;
	for (size_t i = 0; i < batch->n_items; i++) {
		const struct work_item *item = &batch->items[i];
		const struct plan_tensor *tensor = item->tensor;

		if (!plan_is_for_device(tensor))
			continue;
		slot->fits_f16 &= cpu_rows_convert(
			rows, tensor->type, tensor->tensor->info->format,
			&(struct cpu_run){
				.blocks = (const char *)slot->in + item->in,
				.row_blocks = work_item_row_blocks(item),
				.n = item->n_blocks,
			}, (char *)slot->out + item->out);
	}
	return 0;
}

static void cpu_close(struct device *dev)
{
	free(dev);
}

struct device *device_cpu_open(const struct cpu_rows *rows, struct error *err)
{
	struct device_cpu *const cpu = malloc(sizeof(*cpu));

	if (!cpu) {
		error_errno(err, "cannot open the CPU device");
		return NULL;
	}
	*cpu = (struct device_cpu){
		.device = {
			.description = rows->isa,
			.best_slot = best_slot(),
			.slot_open = cpu_slot_open,
			.slot_close = cpu_slot_close,
			.convert = cpu_convert,
			.close = cpu_close,
		},
		.rows = rows,
	};
	return &cpu->device;
}

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/rows.h"
#include "pass/device.h"
#include "base/escape.h"

/* What the CPU makes at a time: it stays in the cache. */
#define PIECE_BYTES 32768

/* The largest block, Q8_K's, has 292. */
#define MAX_BLOCK_BYTES 512

struct device_verify {
	struct device device; /* first, so that a pointer to it is one to us */
	struct device *gpu;
	const struct cpu_rows *rows;
};

static const char *format_bytes(char *text, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sprintf(text + 2 * i, "%02x", (unsigned char)bytes[i]);
	return text;
}

static uint32_t load_value(const char *value, size_t value_bytes)
{
	return value_bytes == 4 ? bytes_load_u32(value) : bytes_load_u16(value);
}

/* Weight `w` of the item, in `block`, isn't the same on both. */
static int report(const struct work_item *item, uint64_t w, const char *block,
		  const char *gpu, const char *cpu, size_t value_bytes,
		  struct error *err)
{
	const struct gguf_tensor *const info = item->tensor->tensor->info;
	const struct format *const format = info->format;
	const int digits = 2 * (int)value_bytes;
	char name[ESCAPE_MESSAGE_SIZE], bytes[2 * MAX_BLOCK_BYTES + 1];

	w += item->dst_offset / value_bytes;
	return error_differ(err, "tensor '%s': weight %" PRIu64 " in %s is "
			    "%0*" PRIx32 " on the GPU and %0*" PRIx32 " on the "
			    "CPU, from %s block %" PRIu64 ": %s",
			    escape_text(name, sizeof(name), info->name), w,
			    item->tensor->type,
			    digits, load_value(gpu, value_bytes),
			    digits, load_value(cpu, value_bytes),
			    format->name, w / format->block_weights,
			    format_bytes(bytes, block, format->block_bytes));
}

static int compare_item(const struct cpu_rows *rows,
			const struct work_item *item, const char *blocks,
			const char *values, enum output_type type,
			struct error *err)
{
	const struct format *const format = item->tensor->tensor->info->format;
	const size_t row_bytes = item->dst_bytes / item->n_blocks;
	const size_t value_bytes = row_bytes / format->block_weights;
	_Alignas(64) char cpu[PIECE_BYTES];
	size_t n;

	for (size_t i = 0; i < item->n_blocks; i += n) {
		const char *const gpu = values + i * row_bytes;
		size_t at = 0;

		n = PIECE_BYTES / row_bytes;
		if (n > item->n_blocks - i)
			n = item->n_blocks - i;
		rows->convert[type][format->index](
			blocks + i * format->block_bytes, n, cpu);
		if (!memcmp(gpu, cpu, n * row_bytes))
			continue;
		while (!memcmp(gpu + at, cpu + at, value_bytes))
			at += value_bytes;
		return report(item, (i * row_bytes + at) / value_bytes,
			      blocks + (i + at / row_bytes) *
				       format->block_bytes,
			      gpu + at, cpu + at, value_bytes, err);
	}
	return 0;
}

static int convert(struct device *dev, struct device_slot *slot,
		   const struct work_batch *batch, enum output_type type,
		   struct error *err)
{
	const struct device_verify *const verify = (struct device_verify *)dev;

	if (verify->gpu->convert(verify->gpu, slot, batch, type, err))
		return -1;
	for (size_t i = 0; i < batch->n_items; i++) {
		const struct work_item *const item = &batch->items[i];

		if (!item->tensor->verbatim &&
		    compare_item(verify->rows, item,
				 (const char *)slot->in + item->in,
				 (const char *)slot->out + item->out, type,
				 err))
			return -1;
	}
	return 0;
}

static int slot_open(struct device *dev, struct device_slot *slot,
		     size_t slot_bytes, struct error *err)
{
	struct device *const gpu = ((struct device_verify *)dev)->gpu;

	return gpu->slot_open(gpu, slot, slot_bytes, err);
}

static void slot_close(struct device *dev, struct device_slot *slot)
{
	struct device *const gpu = ((struct device_verify *)dev)->gpu;

	gpu->slot_close(gpu, slot);
}

static void close_device(struct device *dev)
{
	struct device *const gpu = ((struct device_verify *)dev)->gpu;

	gpu->close(gpu);
	free(dev);
}

struct device *device_verify_open(struct device *gpu,
				  const struct cpu_rows *rows,
				  struct error *err)
{
	struct device_verify *const verify = malloc(sizeof(*verify));

	if (!verify) {
		error_errno(err, "cannot open the comparison");
		gpu->close(gpu);
		return NULL;
	}
	*verify = (struct device_verify){
		.device = {
			.description = gpu->description,
			.n_workers = gpu->n_workers,
			.best_slot = gpu->best_slot,
			.slot_open = slot_open,
			.slot_close = slot_close,
			.convert = convert,
			.close = close_device,
		},
		.gpu = gpu,
		.rows = rows,
	};
	return &verify->device;
}

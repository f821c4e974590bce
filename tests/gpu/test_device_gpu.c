/*
 * Hashing by the GPU device, on the fake GPUs: the parts of a batch are the
 * same as by the CPU, whether the values are copied back or not.
 */
#include <dlfcn.h>
#include <libgen.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "hash/blake3.h"
#include "cpu/rows.h"
#include "device/devices.h"
#include "io/cleanup.h"
#include "../unit/fake_model.h"
#include "fake_images.c"

#define SLOT 65536

static const struct plan_globs everything;

/* Loaded before the program looks for a GPU, so that it finds this one. */
/* Also does as a worker: the fake sees to it that signals are blocked. */
static int load_fake(void **state)
{
	char path[4096] = "", fake[8192];
	sigset_t before;

	(void)state;
	cleanup_block_signals(&before);
	if (readlink("/proc/self/exe", path, sizeof(path) - 1) < 0)
		return -1;
	snprintf(fake, sizeof(fake), "%s/cuda/libcuda.so.1", dirname(path));
	return dlopen(fake, RTLD_NOW) ? 0 : -1;
}

/* Tensors of all kinds of lengths: less than a chunk, a chunk, less than a
 * group of chunks, a group, many groups; an odd number of values; and verbatim
 * ones. */
static void make_model(struct fake_model *fake)
{
	static const struct {
		enum format_index format;
		unsigned n_weights;
	} rows[] = {
		{ FORMAT_Q8_0, 32 },    { FORMAT_Q8_0, 256 },
		{ FORMAT_I32, 300 },    { FORMAT_Q4_K, 15 * 256 },
		{ FORMAT_Q4_K, 4096 },  { FORMAT_Q6_K, 17 * 256 },
		{ FORMAT_F64, 3 },      { FORMAT_F32, 600 },
		{ FORMAT_F64, 4097 },   { FORMAT_Q4_0, 50016 },
		{ FORMAT_Q8_0, 100000 },
	};
	const size_t n = sizeof(rows) / sizeof(*rows);
	uint64_t offset = 0;

	fake_model_init(fake, n);
	for (size_t i = 0; i < n; i++)
		offset += fake_model_add(fake, "t", rows[i].format,
					 rows[i].n_weights, offset)->bytes;
}

/* Stands in for the pipeline's reads; any bytes will do. */
static void fill(const struct device_slot *slot)
{
	static uint32_t random = 1;

	for (size_t i = 0; i < SLOT; i++) {
		random = random * 1664525 + 1013904223;
		((char *)slot->in)[i] = (char)(random >> 24);
	}
	memset(slot->out, 0x77, SLOT);
}

static void check_batch(struct device *gpu, struct device_slot *slot,
			struct work_batch *batch)
{
	const struct cpu_rows *const rows = cpu_rows_select(NULL, NULL);
	static struct blake3_part expected;
	struct blake3_part *const parts = slot->parts;
	static char values[SLOT];
	struct error err;

	memset(parts, 0, PLAN_BATCH_ITEMS * sizeof(*parts));
	fill(slot);
	assert_int_equal(gpu->convert(gpu, slot, batch, &err), 0);
	for (size_t i = 0; i < batch->n_items; i++) {
		const struct work_item *const item = &batch->items[i];
		const struct plan_tensor *const tensor = item->tensor;
		const char *const out = (const char *)slot->out + item->out;

		if (tensor->verbatim) {
			assert_int_equal(parts[i].n_chunks, 0);
			continue;
		}
		rows->convert[tensor->type]
			     [tensor->tensor->info->format->index](
			(const char *)slot->in + item->in, item->n_blocks,
			values);
		memset(&expected, 0, sizeof(expected));
		blake3_part_hash(&expected, rows->blake3, values,
				 item->dst_bytes, item->dst_offset,
				 tensor->dst_bytes);
		assert_memory_equal(&parts[i], &expected, sizeof(expected));
		if (slot->parts_only)
			memset(values, 0x77, item->dst_bytes);
		assert_memory_equal(out, values, item->dst_bytes);
	}
}

static void check(enum output_type type, size_t slot_bytes, bool parts_only)
{
	static struct blake3_part parts[PLAN_BATCH_ITEMS];
	struct fake_model fake;
	struct plan plan;
	struct plan_cursor cursor = { .plan = &plan,
				      .slot_bytes = slot_bytes };
	struct work_batch batch;
	struct device_slot slot = {
		.blake3 = cpu_rows_at(0)->blake3,
		.parts = parts,
		.parts_only = parts_only,
		.in_bytes = SLOT,
	};
	struct error err;
	struct device *const gpu = device_gpu_open(NULL, 0, &err);

	assert_non_null(gpu);
	assert_true(gpu->hashes);
	make_model(&fake);
	assert_int_equal(plan_init(&plan, &fake.model, &everything, type,
				   &err), 0);
	assert_int_equal(gpu->slot_open(gpu, &slot, SLOT, &err), 0);
	while (plan_next(&cursor, &batch))
		if (batch.in_bytes)
			check_batch(gpu, &slot, &batch);
	gpu->slot_close(gpu, &slot);
	gpu->close(gpu);
	plan_release(&plan);
	fake_model_release(&fake);
}

static void test_parts(void **state)
{
	(void)state;
	for (unsigned type = 0; type < OUTPUT_NATIVE; type++)
		for (unsigned i = 0; i < 2; i++) {
			check(type, SLOT, i);
			check(type, 5 * 1024 + 100, i);
			check(type, 20 * 1024, i);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
	};

	return cmocka_run_group_tests_name("device_gpu", tests, load_fake,
					   NULL);
}

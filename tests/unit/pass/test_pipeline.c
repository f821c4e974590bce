#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hash/blake3.h"
#include "cpu/rows.h"
#include "device/devices.h"
#include "pass/pipeline.h"
#include "../blake3_reference.h"
#include "../failing_threads.h"
#include "../fake_model.h"
#include "../scratch.h"

#define N_TENSORS 40
#define NEVER SIZE_MAX

static struct error err;

static const struct plan_globs everything;

/* ----------------------- a device that may fail --------------------------- */

/* The CPU, between checks. Tensors are told by their number in the plan. */
struct test_device {
	struct device device;
	struct device *cpu;
	struct plan *plan;
	pthread_t caller;
	size_t fails_at; /* tensor */
	atomic_uint n_batches;
	atomic_uint n_open, n_opened, open_fails_at;
	size_t memory; /* of all slots; 0: as much as they want */
	atomic_size_t used;
	atomic_bool only_caller; /* no other thread was seen */
	atomic_bool signals_right;
};

/* Makes the threads overtake one another. */
static void dawdle(void)
{
	static atomic_uint n;
	const unsigned turns = atomic_fetch_add(&n, 1) * 2654435761U >> 30;

	for (unsigned i = 0; i < turns * 3; i++)
		sched_yield();
}

static int test_slot_open(struct device *dev, struct device_slot *slot,
			  size_t slot_bytes, struct error *error)
{
	struct test_device *test = (struct test_device *)dev;

	if (test->memory &&
	    atomic_fetch_add(&test->used, slot_bytes) + slot_bytes >
	    test->memory) {
		test->used -= slot_bytes;
		error_set(error, "no memory");
		return DEVICE_NO_MEMORY;
	}
	if (test->n_opened++ >= test->open_fails_at)
		return error_set(error, "no slot");
	test->n_open++;
	return test->cpu->slot_open(test->cpu, slot, slot_bytes, error);
}

static void test_slot_close(struct device *dev, struct device_slot *slot)
{
	struct test_device *test = (struct test_device *)dev;

	test->n_open--;
	test->cpu->slot_close(test->cpu, slot);
}

/* As a GPU: hashes what it converts, and keeps it. */
static void hash_and_forget(const struct device_slot *slot, char *values,
			    const struct work_batch *batch)
{
	for (size_t i = 0; i < batch->n_items; i++) {
		const struct work_item *const item = &batch->items[i];
		char *const out = values + item->out;

		if (item->tensor->verbatim)
			continue;
		blake3_part_hash(&slot->parts[i], slot->blake3, out,
				 item->dst_bytes, item->dst_offset,
				 item->tensor->dst_bytes);
		if (slot->parts_only)
			memset(out, 0x77, item->dst_bytes);
	}
}

/* The values are where nobody else sees them. */
static int convert_and_keep(struct test_device *test, struct device_slot *slot,
			    const struct work_batch *batch,
			    struct error *error)
{
	struct device_slot own = *slot;
	int result;

	if (batch->in_bytes > slot->in_bytes ||
	    batch->out_bytes > slot->kept_bytes)
		return error_set(error, "too many bytes");
	own.out = malloc(slot->kept_bytes);
	result = test->cpu->convert(test->cpu, &own, batch, error);
	hash_and_forget(slot, own.out, batch);
	free(own.out);
	return result;
}

static int test_convert(struct device *dev, struct device_slot *slot,
			const struct work_batch *batch, struct error *error)
{
	struct test_device *test = (struct test_device *)dev;
	sigset_t blocked;

	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	if (!pthread_equal(pthread_self(), test->caller)) {
		test->only_caller = false;
		if (!sigismember(&blocked, SIGINT) ||
		    !sigismember(&blocked, SIGTERM) ||
		    sigismember(&blocked, SIGPIPE))
			test->signals_right = false;
	}
	test->n_batches++;
	dawdle();
	for (size_t i = 0; i < batch->n_items; i++)
		if (strtoul(batch->items[i].tensor->tensor->info->name.data,
			    NULL, 10) == test->fails_at)
			return error_set(error, "no conversion");
	if (slot->kept_bytes)
		return convert_and_keep(test, slot, batch, error);
	if (test->cpu->convert(test->cpu, slot, batch, error))
		return -1;
	if (slot->blake3)
		hash_and_forget(slot, slot->out, batch);
	return 0;
}

/* ----------------------- an observer that may fail ------------------------ */

struct test_observer {
	struct observer observer;
	size_t prepare_fails_at; /* tensor */
	const char *expected;
	atomic_size_t prepared;  /* bytes */
	atomic_size_t committed;
	atomic_bool misused;
	const struct plan *plan;
	struct blake3_tree trees[N_TENSORS]; /* of the plan's tensors */
};

/* The note on an item is where its values are in the output. */
static int test_prepare(struct observer *observer,
			const struct observed *observed, void *notes,
			struct error *error)
{
	struct test_observer *test = (struct test_observer *)observer;
	const struct work_batch *const batch = observed->batch;

	dawdle();
	for (size_t i = 0; i < batch->n_items; i++) {
		const struct work_item *item = &batch->items[i];
		const uint64_t at = item->tensor->dst_offset + item->dst_offset;

		if (observer->reads_values &&
		    memcmp(observed->values + item->out, test->expected + at,
			   item->dst_bytes))
			test->misused = true;
		if (!observed->parts != !observer->blake3)
			test->misused = true;
		((uint64_t *)notes)[i] = at;
		test->prepared += item->dst_bytes;
		if (strtoul(item->tensor->tensor->info->name.data, NULL, 10) ==
		    test->prepare_fails_at)
			return error_set(error, "no memory");
	}
	return 0;
}

static int test_commit(struct observer *observer,
		       const struct observed *observed, const void *notes,
		       struct error *error)
{
	struct test_observer *test = (struct test_observer *)observer;
	const struct work_batch *const batch = observed->batch;

	(void)error;
	for (size_t i = 0; i < batch->n_items; i++) {
		const struct work_item *item = &batch->items[i];

		if (((const uint64_t *)notes)[i] !=
		    item->tensor->dst_offset + item->dst_offset)
			test->misused = true;
		test->committed += item->dst_bytes;
		if (observed->parts)
			blake3_tree_add(&test->trees[item->tensor -
						     test->plan->tensors],
					&observed->parts[i]);
	}
	return 0;
}

/* ------------------------- a sink that may fail --------------------------- */

struct test_sink {
	struct sink sink;
	char *bytes;
	uint64_t size;
	atomic_size_t position;
	size_t fails_at; /* tensor */
	atomic_flag busy[PLAN_MAX_TRACKS];
	atomic_uint n_busy;
	atomic_bool overlapped;
	atomic_bool misused; /* by two threads, or out of order */
	size_t written[N_TENSORS]; /* bytes of each tensor */
	atomic_bool only_caller;
	pthread_t caller;
};

/* Each tensor comes in order, and all of them where that is asked for. */
static bool is_in_order(struct test_sink *test, const struct work_item *item,
			size_t tensor)
{
	const uint64_t to = item->tensor->dst_offset + item->dst_offset;

	if (test->written[tensor] != item->dst_offset)
		return false;
	test->written[tensor] += item->dst_bytes;
	return to + item->dst_bytes <= test->size &&
	       (to == test->position || test->sink.any_order ||
		test->sink.file_of);
}

static int test_write(struct sink *sink, const struct work_batch *batch,
		      const void *bytes, struct error *error)
{
	struct test_sink *test = (struct test_sink *)sink;
	int result = 0;

	if (atomic_flag_test_and_set(&test->busy[batch->track]) ||
	    (!sink->file_of && test->n_busy))
		test->misused = true;
	if (test->n_busy++)
		test->overlapped = true;
	if (!pthread_equal(pthread_self(), test->caller))
		test->only_caller = false;
	dawdle();
	for (size_t i = 0; i < batch->n_items; i++) {
		const struct work_item *item = &batch->items[i];
		const size_t tensor = strtoul(
			item->tensor->tensor->info->name.data, NULL, 10);

		if (tensor == test->fails_at)
			result = error_set(error, "no room");
		if (!is_in_order(test, item, tensor))
			test->misused = true;
		else
			memcpy(test->bytes + item->tensor->dst_offset +
				       item->dst_offset,
			       (const char *)bytes + item->out,
			       item->dst_bytes);
		test->position += item->dst_bytes;
	}
	test->n_busy--;
	atomic_flag_clear(&test->busy[batch->track]);
	return result;
}

/* Files of three tensors. */
static size_t test_file_of(const struct sink *sink,
			   const struct plan_tensor *tensor)
{
	(void)sink;
	return tensor->index / 3;
}

/* -------------------------------- the bench ------------------------------- */

/* A model in the file "model", its plan, and what its output must be. */
struct bench {
	char *folder; /* of scratch.h */
	struct fake_model fake;
	char *file;
	size_t file_size;
	struct plan plan;
	char *expected;
	struct test_device device;
	struct test_observer observer;
	struct test_sink sink;
	bool no_sink;
	unsigned n_tracks;
};

static char tensor_names[N_TENSORS][4];

/* Tensors of all kinds, from nothing to some hundred blocks, with holes in
 * between; `reverse` stores the last first. */
static void make_model(struct bench *bench, bool reverse)
{
	static const enum format_index formats[] = {
		FORMAT_Q8_0, FORMAT_F32, FORMAT_Q4_K, FORMAT_F16, FORMAT_I8,
		FORMAT_F64, FORMAT_BF16, FORMAT_Q6_K,
	};
	uint64_t offset = 100;
	uint32_t random = 1;

	fake_model_init(&bench->fake, N_TENSORS);
	for (unsigned i = 0; i < N_TENSORS; i++) {
		const struct format *format = format_at(formats[i % 8]);
		const uint64_t n = format->block_weights * (i * i % 301) *
				   (format->block_weights > 1 ? 1 : 13);

		snprintf(tensor_names[i], 4, "%u", i);
		fake_model_add(&bench->fake, tensor_names[i], format->index, n,
			       0);
	}
	for (unsigned i = 0; i < N_TENSORS; i++) {
		struct gguf_tensor *info =
			&bench->fake.infos[reverse ? N_TENSORS - 1 - i : i];

		info->offset = offset;
		offset += info->bytes + i % 5 * 32;
	}
	bench->file_size = offset;
	bench->file = malloc(offset);
	for (size_t i = 0; i < offset; i++) {
		random = random * 1664525 + 1013904223;
		bench->file[i] = (char)(random >> 24);
	}
}

/* As simple as can be: each tensor at once, and then all of them. */
static void expect_output(struct bench *bench)
{
	const struct plan *plan = &bench->plan;
	const struct cpu_rows *rows = cpu_rows_at(0);

	bench->expected = malloc(plan->dst_bytes);
	for (size_t i = 0; i < plan->n_tensors; i++) {
		const struct plan_tensor *tensor = &plan->tensors[i];
		const struct gguf_tensor *info = tensor->tensor->info;
		char *const out = malloc(tensor->dst_bytes + 1);
		const char *const in = bench->file + info->offset;

		if (tensor->verbatim)
			memcpy(out, in, info->bytes);
		else
			rows->convert[tensor->type][info->format->index](
				in, info->n_blocks, out);
		memcpy(bench->expected + tensor->dst_offset, out,
		       tensor->dst_bytes);
		free(out);
	}
}

static void bench_open(struct bench *bench, enum output_type type, bool reverse)
{
	FILE *stream = fopen("model", "w");

	make_model(bench, reverse);
	assert_int_equal(fwrite(bench->file, 1, bench->file_size, stream),
			 bench->file_size);
	fclose(stream);
	assert_int_equal(source_open(&bench->fake.shard.source, "model", &err),
			 0);
	assert_int_equal(plan_init(&bench->plan, &bench->fake.model,
				   &everything, type, &err), 0);
	expect_output(bench);
	bench->device = (struct test_device){
		.device = {
			.slot_open = test_slot_open,
			.slot_close = test_slot_close,
			.convert = test_convert,
		},
		.cpu = device_cpu_open(cpu_rows_at(0), &err),
		.plan = &bench->plan,
		.caller = pthread_self(),
		.fails_at = NEVER,
		.open_fails_at = UINT32_MAX,
	};
	bench->observer = (struct test_observer){
		.observer = {
			.any_order = true,
			.reads_values = true,
			.note_bytes = sizeof(uint64_t),
			.prepare = test_prepare,
			.commit = test_commit,
		},
		.prepare_fails_at = NEVER,
		.expected = bench->expected,
		.plan = &bench->plan,
	};
	bench->no_sink = false;
	bench->n_tracks = 0;
	bench->sink = (struct test_sink){
		.sink = { .write = test_write },
		.bytes = malloc(bench->plan.dst_bytes),
		.size = bench->plan.dst_bytes,
		.fails_at = NEVER,
		.caller = pthread_self(),
	};
}

static void bench_close(struct bench *bench)
{
	plan_release(&bench->plan);
	bench->device.cpu->close(bench->device.cpu);
	fake_model_release(&bench->fake);
	free(bench->expected);
	free(bench->file);
	free(bench->sink.bytes);
}

static int bench_run(struct bench *bench, unsigned n_workers, unsigned n_slots,
		     size_t slot_bytes)
{
	const struct pass_options options = {
		.n_workers = n_workers,
		.n_slots = n_slots,
		.slot_bytes = slot_bytes,
		.n_tracks = bench->n_tracks,
	};
	struct pass pass = { .plan = &bench->plan,
			     .device = &bench->device.device };
	int result;

	bench->device.only_caller = true;
	bench->device.signals_right = true;
	bench->device.n_opened = 0;
	bench->device.n_batches = 0;
	bench->device.used = 0;
	bench->sink.only_caller = true;
	bench->sink.position = 0;
	memset(bench->sink.written, 0, sizeof(bench->sink.written));
	bench->observer.prepared = 0;
	bench->observer.committed = 0;
	memset(bench->sink.bytes, 0x55, bench->plan.dst_bytes);
	for (size_t i = 0; i < bench->plan.n_tensors; i++)
		blake3_tree_init(&bench->observer.trees[i],
				 bench->plan.tensors[i].dst_bytes);
	pass_add(&pass, &bench->observer.observer);
	if (!bench->no_sink)
		pass_set_sink(&pass, &bench->sink.sink);
	result = pipeline_run(&pass, &options, &err);
	assert_false(bench->sink.misused);
	assert_false(bench->observer.misused);
	assert_int_equal(bench->device.n_open, 0);
	assert_true(bench->device.n_opened <= n_slots);
	assert_true(bench->device.signals_right);
	return result;
}

static void assert_output(const struct bench *bench)
{
	assert_int_equal(bench->sink.position, bench->plan.dst_bytes);
	assert_int_equal(bench->observer.prepared, bench->plan.dst_bytes);
	assert_int_equal(bench->observer.committed, bench->plan.dst_bytes);
	assert_memory_equal(bench->sink.bytes, bench->expected,
			    bench->plan.dst_bytes);
}

static void assert_hashes(struct bench *bench)
{
	for (size_t i = 0; i < bench->plan.n_tensors; i++) {
		const struct plan_tensor *const tensor =
			&bench->plan.tensors[i];
		uint8_t digest[BLAKE3_DIGEST_BYTES];
		uint32_t expected[8];

		blake3_tree_finish(&bench->observer.trees[i], digest);
		reference_node((const uint8_t *)bench->expected +
			       tensor->dst_offset, tensor->dst_bytes, 0, 8,
			       expected);
		assert_memory_equal(digest, expected, sizeof(digest));
	}
}

/* --------------------------------- tests ---------------------------------- */

static const struct {
	unsigned n_workers, n_slots;
	size_t slot_bytes;
} sizes[] = {
	{ 1, 1, PLAN_MIN_SLOT }, { 1, 1, 65536 }, { 1, 3, 10000 },
	{ 2, 1, 10000 },	 { 2, 2, 10000 }, { 2, 8, PLAN_MIN_SLOT },
	{ 3, 7, 65536 },	 { 16, 2, 5000 }, { 16, 36, PLAN_MIN_SLOT },
};

#define N_SIZES (sizeof(sizes) / sizeof(*sizes))

static void test_same_bytes_for_all_sizes(void **state)
{
	(void)state;
	for (unsigned type = 0; type <= OUTPUT_NATIVE; type++) {
		struct bench bench;

		bench_open(&bench, type, false);
		for (size_t i = 0; i < N_SIZES; i++) {
			assert_int_equal(bench_run(&bench, sizes[i].n_workers,
						   sizes[i].n_slots,
						   sizes[i].slot_bytes), 0);
			assert_output(&bench);
		}
		bench_close(&bench);
	}
}

static void test_same_bytes_for_all_tracks(void **state)
{
	static const unsigned n_tracks[] = { 2, 3, PLAN_MAX_TRACKS };
	bool overlapped = false;
	struct bench bench;

	(void)state;
	bench_open(&bench, OUTPUT_F32, false);
	for (size_t i = 0; i < 4 * 3 * N_SIZES; i++) {
		const size_t k = i % N_SIZES;

		bench.n_tracks = n_tracks[i / N_SIZES % 3];
		bench.sink.sink.file_of =
			i / N_SIZES / 3 & 1 ? NULL : test_file_of;
		bench.sink.sink.any_order = !bench.sink.sink.file_of;
		bench.observer.observer.any_tracks = i / N_SIZES / 3 & 2;
		bench.observer.observer.wants_tracks = true;
		assert_int_equal(bench_run(&bench, sizes[k].n_workers,
					   sizes[k].n_slots,
					   sizes[k].slot_bytes), 0);
		assert_output(&bench);
		overlapped |= bench.sink.overlapped;
	}
	assert_true(overlapped);
	bench_close(&bench);
}

/* Whoever hashes, and whether the values come back, do not, or cannot. */
static void test_same_hashes_for_all_sizes(void **state)
{
	(void)state;
	for (unsigned type = 0; type <= OUTPUT_NATIVE; type++) {
		struct bench bench;

		bench_open(&bench, type, false);
		bench.observer.observer.blake3 =
			cpu_rows_select(NULL, &err)->blake3;
		for (size_t i = 0; i < 4 * N_SIZES; i++) {
			const size_t k = i % N_SIZES;

			bench.device.device.hashes = i >= N_SIZES;
			bench.device.device.kept_bytes =
				i >= 3 * N_SIZES ? 10 * PLAN_MIN_SLOT : 0;
			bench.no_sink = i >= 2 * N_SIZES;
			bench.observer.observer.reads_values = !bench.no_sink;
			assert_int_equal(bench_run(&bench, sizes[k].n_workers,
						   sizes[k].n_slots,
						   sizes[k].slot_bytes), 0);
			assert_hashes(&bench);
			if (!bench.no_sink)
				assert_output(&bench);
		}
		bench_close(&bench);
	}
}

/* Small tensors share a track, so many that its batches are nearly as full as
 * those of a single track. */
static void test_kept_batches_are_full(void **state)
{
	struct bench bench;
	unsigned few;

	(void)state;
	bench_open(&bench, OUTPUT_F32, false);
	bench.observer.observer.blake3 = cpu_rows_select(NULL, &err)->blake3;
	bench.observer.observer.reads_values = false;
	bench.device.device.hashes = true;
	bench.device.device.kept_bytes = 64 * PLAN_MIN_SLOT;
	bench.no_sink = true;
	assert_int_equal(bench_run(&bench, 1, 1, 8 * PLAN_MIN_SLOT), 0);
	few = bench.device.n_batches;
	bench.n_tracks = 2;
	assert_int_equal(bench_run(&bench, 1, 1, 8 * PLAN_MIN_SLOT), 0);
	assert_hashes(&bench);
	assert_in_range(bench.device.n_batches, few, few * 5 / 4);
	bench_close(&bench);
}

static void test_one_worker_is_the_caller(void **state)
{
	const unsigned before = n_started;
	struct bench bench;

	(void)state;
	bench_open(&bench, OUTPUT_F32, false);
	assert_int_equal(bench_run(&bench, 1, 1, PLAN_MIN_SLOT), 0);
	assert_true(bench.device.only_caller);
	assert_true(bench.sink.only_caller);
	assert_int_equal(n_started, before);
	bench_close(&bench);
}

static void test_nothing_to_do(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench, OUTPUT_F32, false);
	bench.plan.n_tensors = 0;
	bench.plan.dst_bytes = 0;
	assert_int_equal(bench_run(&bench, 4, 12, PLAN_MIN_SLOT), 0);
	assert_output(&bench);
	assert_int_equal(bench.device.n_opened, 0);
	bench_close(&bench);
}

/* The error of the tensor that comes first, whoever fails first in time, and
 * nothing written that comes after it. */
static void test_first_error_wins(void **state)
{
	static const struct {
		size_t read, convert, prepare, write; /* tensors */
		size_t first;
		const char *message;
	} rows[] = {
		{ NEVER, 2, NEVER, NEVER, 2, "no conversion" },
		{ NEVER, NEVER, NEVER, 1, 1, "no room" },
		{ 11, NEVER, NEVER, NEVER, 11, "'model' ends at offset" },
		{ NEVER, NEVER, 11, NEVER, 11, "no memory" },
		{ 7, 18, 26, 39, 7, "'model' ends at offset" },
		{ 26, 7, 39, 18, 7, "no conversion" },
		{ 39, 26, 7, 18, 7, "no memory" },
		{ 18, 26, 39, 7, 7, "no room" },
		{ NEVER, NEVER, NEVER, 39, 39, "no room" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct bench bench;

		bench_open(&bench, OUTPUT_F32, false);
		bench.device.fails_at = rows[i].convert;
		bench.observer.prepare_fails_at = rows[i].prepare;
		bench.sink.fails_at = rows[i].write;
		if (rows[i].read != NEVER)
			bench.fake.infos[rows[i].read].offset =
				bench.file_size;
		for (unsigned j = 0; j < N_SIZES * 4; j++) {
			const unsigned k = j % N_SIZES;
			uint64_t most = bench.plan.tensors[rows[i].first]
						.dst_offset;

			assert_int_equal(bench_run(&bench, sizes[k].n_workers,
						   sizes[k].n_slots,
						   sizes[k].slot_bytes), -1);
			assert_non_null(strstr(err.message, rows[i].message));
			if (rows[i].first == rows[i].write)
				most += sizes[k].slot_bytes;
			assert_in_range(bench.sink.position, 0, most);
			assert_memory_equal(bench.sink.bytes, bench.expected,
					    bench.sink.position);
		}
		bench_close(&bench);
	}
}

/* Also if a later file fails earlier in time. */
static void test_first_error_of_all_tracks_wins(void **state)
{
	static const struct {
		size_t convert, prepare, write; /* tensors */
		const char *message;
	} rows[] = {
		{ 5, 18, 39, "no conversion" }, { 39, 7, 18, "no memory" },
		{ 39, 18, 7, "no room" },	{ NEVER, NEVER, 39, "no room" },
		{ 31, 30, 29, "no room" },	{ 29, 33, 36, "no conversion" },
	};
	struct bench bench;

	(void)state;
	bench_open(&bench, OUTPUT_F32, false);
	bench.sink.sink.file_of = test_file_of;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows) * N_SIZES; i++) {
		const size_t row = i / N_SIZES, k = i % N_SIZES;

		bench.n_tracks = i & 1 ? 4 : PLAN_MAX_TRACKS;
		bench.device.fails_at = rows[row].convert;
		bench.observer.prepare_fails_at = rows[row].prepare;
		bench.sink.fails_at = rows[row].write;
		assert_int_equal(bench_run(&bench, sizes[k].n_workers,
					   sizes[k].n_slots,
					   sizes[k].slot_bytes), -1);
		assert_string_equal(err.message, rows[row].message);
	}
	bench_close(&bench);
}

static void test_slots_that_cannot_be_had(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench, OUTPUT_F32, false);
	for (unsigned i = 0; i < 80; i++) {
		bench.n_tracks = i / 40 * 3;
		bench.sink.sink.file_of = bench.n_tracks ? test_file_of : NULL;
		bench.device.open_fails_at = i % 4;
		if (bench_run(&bench, 3, 4, PLAN_MIN_SLOT)) {
			assert_string_equal(err.message, "no slot");
		} else {
			/* A fast worker needs no more than one. */
			assert_in_range(bench.device.n_opened, 1, i % 4);
			assert_output(&bench);
		}
	}
	bench_close(&bench);
}

static void test_fewer_and_smaller_slots(void **state)
{
	static const struct {
		size_t memory;
		unsigned least, most; /* slots, of 4 * PLAN_MIN_SLOT or less */
	} rows[] = {
		{ 17 * PLAN_MIN_SLOT, 1, 4 }, { 8 * PLAN_MIN_SLOT, 1, 2 },
		{ 4 * PLAN_MIN_SLOT, 1, 1 },  { 3 * PLAN_MIN_SLOT, 1, 1 },
		{ PLAN_MIN_SLOT, 1, 1 },      { PLAN_MIN_SLOT - 1, 0, 0 },
	};
	struct bench bench;

	(void)state;
	bench_open(&bench, OUTPUT_F32, false);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows) * 10; i++) {
		const size_t row = i / 10;
		int result;

		bench.device.memory = rows[row].memory;
		result = bench_run(&bench, 6, 16, 4 * PLAN_MIN_SLOT);
		assert_in_range(bench.device.n_opened, rows[row].least,
				rows[row].most);
		if (rows[row].most) {
			assert_int_equal(result, 0);
			assert_output(&bench);
		} else {
			assert_int_equal(result, -1);
			assert_string_equal(err.message, "no memory");
		}
	}
	bench_close(&bench);
}

static void test_threads_that_do_not_start(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench, OUTPUT_F32, false);
	for (unsigned i = 0; i < 3; i++) {
		n_started = 0;
		start_fails_at = i;
		assert_int_equal(bench_run(&bench, 4, 12, PLAN_MIN_SLOT), -1);
		assert_int_equal(n_started, i + 1);
		assert_non_null(strstr(err.message, "of 4: Resource temporarily"
						    " unavailable"));
	}
	start_fails_at = UINT32_MAX;
	bench_close(&bench);
}

static void *feed(void *arg)
{
	struct bench *bench = arg;
	FILE *stream = fopen("stream", "w");

	fwrite(bench->file, 1, bench->file_size, stream);
	fclose(stream);
	return NULL;
}

/* Runs with the model coming through a FIFO; gives whether it was spooled. */
static bool run_stream(struct bench *bench, size_t i)
{
	struct source *source = &bench->fake.shard.source;
	pthread_t feeder;

	source_close(source);
	assert_int_equal(mkfifo("stream", 0666), 0);
	assert_int_equal(pthread_create(&feeder, NULL, feed, bench), 0);
	assert_int_equal(source_open(source, "stream", &err), 0);
	assert_false(source->seekable);
	if (bench_run(bench, sizes[i].n_workers, sizes[i].n_slots,
		      sizes[i].slot_bytes))
		fail_msg("%s", err.message);
	assert_output(bench);
	if (!source->seekable) {
		static char rest[1 << 16];

		while (read(source->fd, rest, sizeof(rest)) > 0)
			;
	}
	pthread_join(feeder, NULL);
	assert_int_equal(unlink("stream"), 0);
	return source->seekable;
}

static void test_streams(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_SIZES; i++) {
		struct bench bench;

		bench_open(&bench, OUTPUT_F32, false);
		assert_false(run_stream(&bench, i));
		bench_close(&bench);

		bench_open(&bench, OUTPUT_BF16, true);
		bench.sink.sink.any_order = true;
		assert_false(run_stream(&bench, i));
		bench_close(&bench);

		bench_open(&bench, OUTPUT_F16, true);
		assert_true(run_stream(&bench, i));
		bench_close(&bench);
	}
}

static void test_files_are_read_in_any_order(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench, OUTPUT_F32, true);
	assert_int_equal(bench_run(&bench, 2, 8, 10000), 0);
	assert_output(&bench);
	bench_close(&bench);
}

/* A pipe that is compared comes in one order, and one that is written in
 * another: neither can wait for the other. */
static void test_two_orders(void **state)
{
	struct bench bench;
	struct plan_tensor *tensors;

	(void)state;
	bench_open(&bench, OUTPUT_F32, false);
	tensors = bench.plan.tensors;
	bench.observer.observer.any_order = false;
	assert_int_equal(bench_run(&bench, 2, 8, 10000), 0);
	tensors[1].dst_offset += tensors[2].dst_bytes;
	tensors[2].dst_offset -= tensors[1].dst_bytes;
	assert_int_equal(bench_run(&bench, 2, 8, 10000), -1);
	assert_string_equal(err.message, "the output and the expected values "
			    "have the tensors in different orders, so they "
			    "cannot both be pipes");
	bench_close(&bench);
}

static void test_stream_that_ends_early(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_SIZES; i++) {
		struct bench bench;
		struct source *source = &bench.fake.shard.source;
		pthread_t feeder;

		bench_open(&bench, OUTPUT_F32, false);
		bench.file_size /= 2;
		source_close(source);
		assert_int_equal(mkfifo("stream", 0666), 0);
		assert_int_equal(pthread_create(&feeder, NULL, feed, &bench),
				 0);
		assert_int_equal(source_open(source, "stream", &err), 0);
		assert_int_equal(bench_run(&bench, sizes[i].n_workers,
					   sizes[i].n_slots,
					   sizes[i].slot_bytes), -1);
		assert_non_null(strstr(err.message, "'stream' ends at offset"));
		assert_memory_equal(bench.sink.bytes, bench.expected,
				    bench.sink.position);
		pthread_join(feeder, NULL);
		assert_int_equal(unlink("stream"), 0);
		bench_close(&bench);
	}
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, scratch_enter, scratch_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_same_bytes_for_all_sizes),
		TEST(test_same_bytes_for_all_tracks),
		TEST(test_same_hashes_for_all_sizes),
		TEST(test_kept_batches_are_full),
		TEST(test_one_worker_is_the_caller),
		TEST(test_nothing_to_do),
		TEST(test_first_error_wins),
		TEST(test_first_error_of_all_tracks_wins),
		TEST(test_slots_that_cannot_be_had),
		TEST(test_fewer_and_smaller_slots),
		TEST(test_threads_that_do_not_start),
		TEST(test_streams),
		TEST(test_files_are_read_in_any_order),
		TEST(test_two_orders),
		TEST(test_stream_that_ends_early),
	};

	return cmocka_run_group_tests_name("pipeline", tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "pass/pass.h"
#include "pass/view.h"

static struct error err;

/* ------------------------------- the options ------------------------------ */

static void test_options(void **state)
{
	const size_t mib = 1 << 20;
	const struct pass_needs needs = { 0 };
	struct pass_options options =
		pass_options_for(&needs, 1, 128 * mib, mib / 2);

	(void)state;
	assert_int_equal(options.n_workers, 1);
	assert_int_equal(options.n_slots, 1);
	for (unsigned n = 2; n <= 1024; n *= 2) {
		options = pass_options_for(&needs, n, 128 * mib, mib / 2);
		assert_int_equal(options.n_workers, n);
		assert_true(options.n_slots > n);
		assert_int_equal(options.slot_bytes % PLAN_MIN_SLOT, 0);
		assert_in_range(2 * options.slot_bytes * options.n_slots,
				4 * mib, 128 * mib);
	}
}

/* Notes count as well; if there is too little for all, slots are fewer. */
static void test_slots_stay_within_their_memory(void **state)
{
	const size_t kib = 1024;

	(void)state;
	for (size_t notes = 0; notes <= 128 * kib; notes += 16 * kib)
		for (unsigned n = 1; n <= 64; n *= 2)
			for (size_t memory = 0; memory < 4096 * kib;
			     memory += 100 * kib) {
				const struct pass_needs needs = {
					.note_bytes = notes };
				const struct pass_options options =
					pass_options_for(&needs, n, memory,
							 512 * kib);
				const size_t slot =
					2 * options.slot_bytes + notes;

				assert_true(options.n_slots >= 1);
				if (options.n_slots > 1)
					assert_in_range(slot * options.n_slots,
							1, memory);
				else
					assert_true(slot <= memory ||
						    options.slot_bytes ==
						    PLAN_MIN_SLOT);
			}
}

/* Of the host's, for blocks, notes, and hashes that a device computes. */
static void test_kept_slots_stay_within_their_memory(void **state)
{
	const size_t kib = 1024;
	const struct pass_needs needs = { .kept_bytes = 32 * kib * kib,
					  .device_hashes = true,
					  .note_bytes = 66 * kib };

	(void)state;
	for (unsigned n = 2; n <= 64; n *= 2)
		for (size_t memory = 512 * kib; memory <= 512 * kib * kib;
		     memory *= 2) {
			const struct pass_options options =
				pass_options_for(&needs, n, memory, kib);
			const size_t hashed =
				options.slot_bytes * PASS_KEPT_RATIO;

			assert_in_range(options.n_slots *
					(options.slot_bytes + needs.note_bytes +
					 hashed / 32), 1, memory);
		}
}

/* As many as there are workers, if memory and descriptors suffice. */
static void test_tracks(void **state)
{
	const size_t mib = 1 << 20;
	struct pass_needs needs = { .tracks = true };
	struct rlimit before, few;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(
		pass_options_for(&needs, 8, 128 * mib, mib).n_tracks, 8);
	assert_int_equal(
		pass_options_for(&needs, 999, 128 * mib, mib).n_tracks,
		PLAN_MAX_TRACKS);
	needs.track_bytes = mib;
	assert_int_equal(
		pass_options_for(&needs, 8, 16 * mib, mib).n_tracks, 4);
	assert_int_equal(pass_options_for(&needs, 8, 0, mib).n_tracks, 1);
	for (rlim_t n = 1; n <= 64; n++) {
		few = before;
		few.rlim_cur = n;
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
		assert_in_range(pass_options_for(&needs, 99, 128 * mib, mib)
					.n_tracks, 1, n < 19 ? 1 : n / 3);
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	needs.tracks = false;
	assert_int_equal(
		pass_options_for(&needs, 8, 128 * mib, mib).n_tracks, 1);
}

/* --------------------------------- needs ---------------------------------- */

static int take_nothing(struct sink *sink, const struct work_batch *batch,
			const void *values, struct error *error)
{
	(void)sink;
	(void)batch;
	(void)values;
	(void)error;
	return 0;
}

static size_t one_file(const struct sink *sink,
		       const struct plan_tensor *tensor)
{
	(void)sink;
	(void)tensor;
	return 0;
}

/* A plan of one tensor. */
struct planned {
	struct gguf_tensor info;
	struct model_tensor stored;
	struct plan_tensor tensor;
	struct plan plan;
};

static void plan_one(struct planned *p)
{
	*p = (struct planned){
		.info = { .format = format_at(FORMAT_F32) },
		.stored = { .info = &p->info },
		.tensor = { .tensor = &p->stored,
			    .format = format_at(FORMAT_F32),
			    .verbatim = true },
		.plan = { .tensors = &p->tensor, .n_tensors = 1 },
	};
}

static void test_needs(void **state)
{
	struct observer hash = { .any_order = true,
				 .blake3 = (const void *)&err };
	struct observer crc = { .any_order = true, .reads_values = true,
				.note_bytes = 4 };
	struct observer stream = { .reads_values = true };
	struct sink sink = { .write = take_nothing, .observer = &crc };
	struct planned p;
	struct pass pass = { .plan = &p.plan };
	struct pass_needs needs;

	(void)state;
	plan_one(&p);
	pass_add(&pass, &hash);
	needs = pass_needs(&pass);
	assert_false(needs.values || needs.raw_order || needs.sink_order);
	assert_ptr_equal(needs.blake3, &err);
	assert_int_equal(needs.note_bytes,
			 PLAN_BATCH_ITEMS * sizeof(struct blake3_part));

	pass_set_sink(&pass, &sink);
	needs = pass_needs(&pass);
	assert_true(needs.values && needs.sink_order && !needs.raw_order);
	assert_false(needs.tracks);
	assert_int_equal(needs.note_bytes, PLAN_BATCH_ITEMS *
			 (4 + sizeof(struct blake3_part)));

	pass = (struct pass){ .plan = &p.plan };
	pass_add(&pass, &stream);
	needs = pass_needs(&pass);
	assert_true(needs.values && needs.raw_order && !needs.sink_order);
	assert_null(needs.blake3);
	assert_int_equal(needs.min_slot, PLAN_MIN_SLOT);
}

/* Files side by side, unless something needs all tensors in order. */
static void test_needs_of_tracks(void **state)
{
	struct observer stream = { .reads_values = true };
	struct sink sink = { .write = take_nothing, .file_of = one_file };
	struct planned p;
	struct pass pass = { .plan = &p.plan };

	(void)state;
	plan_one(&p);
	pass_add(&pass, &stream);
	pass_set_sink(&pass, &sink);
	assert_false(pass_needs(&pass).tracks);
	stream.any_order = true;
	assert_true(pass_needs(&pass).tracks);
	sink.file_of = NULL;
	assert_false(pass_needs(&pass).tracks);
	stream.wants_tracks = true;
	assert_false(pass_needs(&pass).tracks);
	sink.any_order = true;
	assert_true(pass_needs(&pass).tracks);
}

static void test_needs_of_views(void **state)
{
	const struct view view = { .n_groups = 1 };
	struct planned p;
	const struct pass pass = { .plan = &p.plan };

	(void)state;
	plan_one(&p);
	assert_int_equal(pass_needs(&pass).view_bytes, 0);
	p.tensor.view = &view;
	assert_int_equal(pass_needs(&pass).view_bytes, VIEW_SCRATCH_BYTES);
}

/* Values are kept on the device if all are only hashed there, and there is
 * space for whole rows. */
static void test_needs_of_kept_values(void **state)
{
	const size_t n = 1024;
	struct device device = { .hashes = true,
				 .kept_bytes = n * sizeof(float) };
	struct observer hash = { .any_order = true,
				 .blake3 = (const void *)&err };
	struct planned p;
	struct pass pass = { .plan = &p.plan, .device = &device };

	(void)state;
	plan_one(&p);
	assert_int_equal(pass_needs(&pass).kept_bytes, 0);
	pass_add(&pass, &hash);
	assert_int_equal(pass_needs(&pass).kept_bytes, device.kept_bytes);
	p.info = (struct gguf_tensor){ .format = format_at(FORMAT_IQ4_KS),
				       .n_dims = 1, .dims = { n },
				       .n_weights = n, .n_blocks = n / 256 };
	p.tensor.verbatim = false;
	assert_int_equal(pass_needs(&pass).kept_bytes, device.kept_bytes);
	device.kept_bytes--;
	assert_int_equal(pass_needs(&pass).kept_bytes, 0);
	device.kept_bytes++;
	hash.reads_values = true;
	assert_int_equal(pass_needs(&pass).kept_bytes, 0);
	hash.reads_values = false;
	p.tensor.scales = (const float[]){ 1 };
	assert_int_equal(pass_needs(&pass).kept_bytes, 0);
}

/* ------------------------------- how it ends ------------------------------ */

enum outcome { FINE, DIFFERENT, FAILED };

struct test_observer {
	struct observer observer;
	enum outcome outcome;
	unsigned n_finished;
};

struct test_sink {
	struct sink sink;
	bool finished, aborted;
};

static int test_finish(struct observer *observer, struct error *error)
{
	struct test_observer *const test = (struct test_observer *)observer;

	test->n_finished++;
	if (test->outcome == FAILED)
		return error_set(error, "failed");
	return test->outcome == FINE ? 0 :
	       error_differ(error, "differs in %p", (void *)test);
}

static int finish_sink(struct sink *sink, struct error *error)
{
	(void)error;
	((struct test_sink *)sink)->finished = true;
	return 0;
}

static void abort_sink(struct sink *sink)
{
	((struct test_sink *)sink)->aborted = true;
}

/* A difference lets the other observers finish; trouble does not; and either
 * aborts the sink. */
static void test_how_it_ends(void **state)
{
	const struct plan plan = { 0 };
	struct device device = { 0 };
	const struct pass_options options = { .n_workers = 1, .n_slots = 1,
					      .slot_bytes = PLAN_MIN_SLOT };

	(void)state;
	for (unsigned i = 0; i < 9; i++) {
		const enum outcome first = i % 3, second = i / 3;
		struct test_observer observers[2] = {
			{ { .any_order = true, .finish = test_finish }, first,
			  0 },
			{ { .any_order = true, .finish = test_finish }, second,
			  0 },
		};
		struct test_sink sink = {
			.sink = { .write = take_nothing, .finish = finish_sink,
				  .abort = abort_sink },
		};
		struct pass pass = { .plan = &plan, .device = &device };
		char message[64];

		pass_add(&pass, &observers[0].observer);
		pass_add(&pass, &observers[1].observer);
		pass_set_sink(&pass, &sink.sink);
		assert_int_equal(pass_run(&pass, &options, &err), i ? -1 : 0);
		assert_int_equal(sink.finished, !i);
		assert_int_equal(sink.aborted, i != 0);
		assert_int_equal(observers[0].n_finished, 1);
		assert_int_equal(observers[1].n_finished, first != FAILED);
		if (!i)
			continue;
		snprintf(message, sizeof(message), "differs in %p",
			 (void *)&observers[first == DIFFERENT ? 0 : 1]);
		assert_string_equal(err.message, first == FAILED ||
				    second == FAILED ? "failed" : message);
		assert_int_equal(err.differs, first != FAILED &&
				 second != FAILED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_slots_stay_within_their_memory),
		cmocka_unit_test(test_kept_slots_stay_within_their_memory),
		cmocka_unit_test(test_tracks),
		cmocka_unit_test(test_needs),
		cmocka_unit_test(test_needs_of_tracks),
		cmocka_unit_test(test_needs_of_views),
		cmocka_unit_test(test_needs_of_kept_values),
		cmocka_unit_test(test_how_it_ends),
	};

	return cmocka_run_group_tests_name("pass", tests, NULL, NULL);
}

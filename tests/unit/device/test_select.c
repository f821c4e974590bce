#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "device/select.h"
#include "../failing_threads.h"
#include "../fake_model.h"

enum tensors { NONE, VERBATIM, SCALED, Q4_K };

struct decision {
	enum tensors tensors;
	unsigned gigabytes; /* of F32 */
	unsigned threads;
	bool hashes, compares, is_baseline;
	int output;
	bool pays;
};

static bool decide(const struct decision *row)
{
	static const float scales[] = { 1 };
	const uint64_t n = row->gigabytes * (uint64_t)1000000000 / 4;
	struct plan_tensor tensor = {
		.dst_bytes = 4 * n,
		.verbatim = row->tensors == VERBATIM,
		.scales = row->tensors == SCALED ? scales : NULL,
	};
	const struct plan plan = { .tensors = &tensor,
				   .n_tensors = row->tensors != NONE };
	struct device_work work = { .plan = &plan,
				    .threads = row->threads,
				    .hashes = row->hashes,
				    .compares = row->compares };
	struct fake_model fake;
	bool pays;

	work.output = row->output;
	fake_model_init(&fake, 1);
	fake_model_add(&fake, "t", FORMAT_Q4_K, n / 256 * 256, 0);
	tensor.tensor = fake.model.tensors;
	pays = device_gpu_pays(&work, row->is_baseline);
	fake_model_release(&fake);
	return pays;
}

/* If the GPU's start is worth it, and the output is not what takes the time. */
static void test_whether_a_gpu_pays(void **state)
{
	enum { NOWHERE = DEVICE_WRITES_NOTHING, FILE_ = DEVICE_WRITES_FILE,
	       FILES = DEVICE_WRITES_FILES };
	static const struct decision rows[] = {
		/* tensors, GB, threads, hashes, compares, baseline */
		{ NONE, 0, 1, true, false, true, NOWHERE, false },
		{ VERBATIM, 999, 1, true, false, true, NOWHERE, false },
		{ SCALED, 999, 1, true, false, true, NOWHERE, false },
		{ Q4_K, 1, 1, true, false, false, NOWHERE, false },
		{ Q4_K, 4, 1, true, false, false, NOWHERE, true },
		{ Q4_K, 4, 16, true, false, false, NOWHERE, false },
		{ Q4_K, 99, 16, true, false, false, NOWHERE, true },
		{ Q4_K, 99, 1000, true, false, false, NOWHERE, false },
		/* Compared values cross the link. */
		{ Q4_K, 99, 12, true, true, false, NOWHERE, false },
		{ Q4_K, 99, 12, true, false, false, NOWHERE, true },
		{ Q4_K, 99, 1, false, true, false, NOWHERE, true },
		{ Q4_K, 999, 1, false, false, false, FILE_, false },
		{ Q4_K, 999, 1, true, false, false, FILE_, false },
		{ Q4_K, 999, 1, true, false, true, FILE_, true },
		{ Q4_K, 999, 1, false, false, false, FILES, false },
		{ Q4_K, 999, 16, true, false, false, FILES, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (decide(&rows[i]) != rows[i].pays)
			fail_msg("row %zu", i);
}

/* No driver of this machine is loaded. */
void *dlopen(const char *name, int flags)
{
	(void)name;
	(void)flags;
	return NULL;
}

char *dlerror(void)
{
	static char message[] = "no driver";

	return message;
}

/* Returns how many threads were started to select a device for a tensor of that
 * many values. There is no GPU. */
static unsigned threads_for(enum device_kind kind, uint64_t n_values)
{
	const struct device_choice choice = { .kind = kind };
	const unsigned before = n_started;
	struct plan_tensor tensor = { .dst_bytes = 4 * n_values };
	const struct plan plan = { .tensors = &tensor, .n_tensors = 1 };
	const struct device_work work = { .plan = &plan, .threads = 1 };
	struct fake_model fake;
	struct device *dev;
	struct error err;

	fake_model_init(&fake, 1);
	fake_model_add(&fake, "t", FORMAT_Q4_K, n_values, 0);
	tensor.tensor = fake.model.tensors;
	dev = device_select(&choice, &work, &err);
	assert_int_equal(!dev, kind == DEVICE_GPU);
	if (dev)
		dev->close(dev);
	fake_model_release(&fake);
	return n_started - before;
}

/* The model is read ahead only if a GPU is to be opened. */
static void test_prefetch(void **state)
{
	const uint64_t few = 256, many = (uint64_t)1 << 40;

	(void)state;
	assert_int_equal(threads_for(DEVICE_CPU, many), 0);
	assert_int_equal(threads_for(DEVICE_AUTO, few), 0);
	assert_true(threads_for(DEVICE_AUTO, many) > 0);
	assert_true(threads_for(DEVICE_GPU, few) > 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whether_a_gpu_pays),
		cmocka_unit_test(test_prefetch),
	};

	return cmocka_run_group_tests_name("select", tests, NULL, NULL);
}

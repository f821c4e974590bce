#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "device/select.h"
#include "../failing_threads.h"
#include "../fake_model.h"

/* Returns how many threads were started to select a device for a tensor of that
 * many values. There need not be a GPU, so that an error is as good. */
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
		cmocka_unit_test(test_prefetch),
	};

	return cmocka_run_group_tests_name("select", tests, NULL, NULL);
}

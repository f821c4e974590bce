#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cpu/rows.h"
#include "device/devices.h"
#include "../fake_model.h"

#define SLOT 5000 /* less than two pages */

static const struct plan_globs everything;

/* By default AddressSanitizer treats a refused allocation as an error. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static struct device *open_device(void)
{
	struct error err;
	struct device *dev = device_cpu_open(cpu_rows_at(0), &err);

	assert_non_null(dev);
	return dev;
}

static void test_slot(void **state)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	struct device *dev = open_device();
	struct device_slot slot = { .in_bytes = SLOT };
	struct error err;

	(void)state;
	assert_int_equal(dev->slot_open(dev, &slot, SLOT, &err), 0);
	assert_int_equal((uintptr_t)slot.in % page, 0);
	assert_int_equal((uintptr_t)slot.out % page, 0);
	memset(slot.in, 1, SLOT);
	memset(slot.out, 2, SLOT);
	assert_int_equal(((char *)slot.in)[SLOT - 1], 1);
	dev->slot_close(dev, &slot);
	assert_null(slot.out);

	assert_int_equal(dev->slot_open(dev, &slot, SIZE_MAX / 2, &err), -1);
	assert_non_null(strstr(err.message, "Cannot allocate memory"));
	assert_null(slot.in);
	assert_null(slot.out);
	dev->close(dev);
}

/* Q8_0, 16 bytes that are copied, F16: the first and the last are converted,
 * and the bytes between them stay. */
static void test_batch(void **state)
{
	static const uint16_t ones[] = { 0x3c00, 0xbc00 }; /* 1, -1 */
	struct device *dev = open_device();
	struct fake_model fake;
	struct plan plan;
	struct plan_cursor cursor = { .plan = &plan,
				      .slot_bytes = SLOT };
	struct work_batch batch;
	struct device_slot slot = { .in_bytes = SLOT };
	struct error err;
	float values[34];

	(void)state;
	fake_model_init(&fake, 3);
	fake_model_add(&fake, "a", FORMAT_Q8_0, 32, 0);
	fake_model_add(&fake, "b", FORMAT_I32, 4, 64);
	fake_model_add(&fake, "c", FORMAT_F16, 2, 96);
	assert_int_equal(plan_init(&plan, &fake.model, &everything, OUTPUT_F32,
				   &err), 0);
	assert_true(plan_next(&cursor, &batch));
	assert_int_equal(batch.n_items, 3);

	assert_int_equal(dev->slot_open(dev, &slot, SLOT, &err), 0);
	memset(slot.in, 3, 34);
	memcpy(slot.in, &ones[0], 2);
	memcpy((char *)slot.in + batch.items[2].in, ones, 4);
	memset(slot.out, 'x', 36 * 4);
	assert_int_equal(dev->convert(dev, &slot, &batch, &err), 0);
	memcpy(values, slot.out, 32 * 4);
	for (unsigned i = 0; i < 32; i++)
		assert_true(values[i] == 3);
	assert_memory_equal((char *)slot.out + 32 * 4,
			    "xxxxxxxxxxxxxxxx", 16);
	memcpy(values, (char *)slot.out + 36 * 4, 8);
	assert_true(values[0] == 1 && values[1] == -1);

	dev->slot_close(dev, &slot);
	plan_release(&plan);
	fake_model_release(&fake);
	dev->close(dev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slot),
		cmocka_unit_test(test_batch),
	};

	return cmocka_run_group_tests_name("device_cpu", tests, NULL, NULL);
}

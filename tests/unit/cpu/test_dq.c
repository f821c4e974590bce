#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernels/dq.h"
#include "../../reference.h"

static void check_narrowing(uint32_t u)
{
	const float f = dq_canonical(reference_float(u));

	if (dq_to_f16(f) != reference_f16(f))
		fail_msg("%08x to f16: %04x, not %04x", u, dq_to_f16(f),
			 reference_f16(f));
	if (dq_to_bf16(f) != reference_bf16(f))
		fail_msg("%08x to bf16: %04x, not %04x", u, dq_to_bf16(f),
			 reference_bf16(f));
}

static void test_every_f16_widens(void **state)
{
	(void)state;
	for (uint32_t h = 0; h < 65536; h++) {
		const uint8_t bytes[2] = { (uint8_t)h, (uint8_t)(h >> 8) };
		const float f = dq_load_f16(bytes);
		const double expected = reference_from_f16((uint16_t)h);

		if (isnan(expected))
			assert_true(isnan(f));
		else
			assert_int_equal(reference_bits(f),
					 reference_bits((float)expected));
		assert_int_equal(dq_f16_magnitude(bytes) < DQ_F16_INF,
				 !!isfinite(expected));
		assert_int_equal(dq_f16_magnitude(bytes) < DQ_F16_EIGHT,
				 fabs(expected) < 8);
	}
}

static void test_f32_narrows(void **state)
{
	(void)state;
	for (uint64_t u = 0; u <= UINT32_MAX; u += 4093)
		check_narrowing((uint32_t)u);
}

/* The F32s next to every binary16, and next to the midpoint to the next one. */
static void test_f32_narrows_around_every_f16(void **state)
{
	(void)state;
	for (uint32_t h = 0; h < 65536; h++) {
		const uint32_t next = h + ((h & 0x7fff) < 0x7c00);
		const double a = reference_from_f16((uint16_t)h);
		const double b = (next & 0x7fff) == 0x7c00
					 ? copysign(65536, a)
					 : reference_from_f16((uint16_t)next);
		const uint32_t exact = reference_bits((float)a);
		const uint32_t half = reference_bits((float)((a + b) / 2));

		for (uint32_t i = 0; i < 3; i++) {
			check_narrowing(exact - 1 + i);
			check_narrowing(half - 1 + i);
		}
	}
}

static void test_f32_narrows_around_every_bf16(void **state)
{
	static const uint32_t low[] = { 0, 1, 0x7fff, 0x8000, 0x8001, 0xffff };

	(void)state;
	for (uint32_t h = 0; h < 65536; h++)
		for (unsigned i = 0; i < sizeof(low) / sizeof(*low); i++)
			check_narrowing(h << 16 | low[i]);
}

static void test_one_nan(void **state)
{
	static const uint32_t nans[] = { 0x7f800001, 0x7fc00000, 0x7fffffff,
					 0xff800001, 0xffc00000, 0xffffffff };
	static const uint32_t others[] = { 0x7f800000, 0xff800000, 0x80000000,
					   0, 1, 0x3f800000 };

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		const float nan = dq_canonical(reference_float(nans[i]));
		const float other = dq_canonical(reference_float(others[i]));

		assert_int_equal(reference_bits(nan), 0x7fc00000);
		assert_int_equal(reference_bits(other), others[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_f16_widens),
		cmocka_unit_test(test_f32_narrows),
		cmocka_unit_test(test_f32_narrows_around_every_f16),
		cmocka_unit_test(test_f32_narrows_around_every_bf16),
		cmocka_unit_test(test_one_nan),
	};

	return cmocka_run_group_tests_name("dq", tests, NULL, NULL);
}

/*
 * Compares the row functions of the IQ formats, some of them written by hand,
 * with the decode function called as on a GPU: 4 or 8 weights at a time. Blocks
 * are random, with every binary16 as their scale.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "kernels/formats.h"
#include "cpu/rows.h"

#define N_SCALES 65536
#define N_BLOCKS 64 /* at a time */

struct iq {
	enum format_index index;
	void (*decode)(const void *block, unsigned weights, unsigned n,
		       float *y);
	void (*set_d)(void *block, uint8_t low, uint8_t high);
};

static void set_d_of_iq1_m(void *block, uint8_t low, uint8_t high)
{
	const unsigned d = low | high << 8;
	struct dq_iq1_m *b = block;

	for (unsigned i = 0; i < 4; i++)
		b->scales[i][1] = (uint8_t)((b->scales[i][1] & 15) |
					    (d >> 4 * i & 15) << 4);
}

static void set_first_bytes(void *block, uint8_t low, uint8_t high)
{
	uint8_t *b = block;

	b[0] = low;
	b[1] = high;
}

#define DECODE(name)                                                        \
	static void name##_by_n(const void *block, unsigned weights,        \
				unsigned n, float *y)                       \
	{                                                                   \
		for (unsigned i = 0; i < weights; i += n)                   \
			name##_decode(block, i, n, y + i);                  \
	}
DECODE(iq1_m)
DECODE(iq1_s)
DECODE(iq2_s)
DECODE(iq2_xs)
DECODE(iq2_xxs)
DECODE(iq3_s)
DECODE(iq3_xxs)
DECODE(iq4_nl)
DECODE(iq4_xs)

static const struct iq formats[] = {
	{ FORMAT_IQ1_M, iq1_m_by_n, set_d_of_iq1_m },
	{ FORMAT_IQ1_S, iq1_s_by_n, set_first_bytes },
	{ FORMAT_IQ2_S, iq2_s_by_n, set_first_bytes },
	{ FORMAT_IQ2_XS, iq2_xs_by_n, set_first_bytes },
	{ FORMAT_IQ2_XXS, iq2_xxs_by_n, set_first_bytes },
	{ FORMAT_IQ3_S, iq3_s_by_n, set_first_bytes },
	{ FORMAT_IQ3_XXS, iq3_xxs_by_n, set_first_bytes },
	{ FORMAT_IQ4_NL, iq4_nl_by_n, set_first_bytes },
	{ FORMAT_IQ4_XS, iq4_xs_by_n, set_first_bytes },
};

#define N_FORMATS (sizeof(formats) / sizeof(formats[0]))

/* splitmix64 */
static uint8_t random_byte(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return (uint8_t)(x >> 56);
}

static void check_rows(const struct format *format, const uint8_t *blocks,
		       const float *expected, unsigned first_d)
{
	static float y[N_BLOCKS * 256];
	const size_t n = N_BLOCKS * format->block_weights;

	for (size_t k = 0; cpu_rows_at(k); k++) {
		const struct cpu_rows *rows = cpu_rows_at(k);

		if (!cpu_rows_runs(rows))
			continue;
		rows->convert[OUTPUT_F32][format->index](blocks, N_BLOCKS, y);
		for (size_t i = 0; i < n; i++)
			if (dq_bits(y[i]) != dq_bits(expected[i]))
				fail_msg("%s, %s: d %#zx, weight %zu: %a, not "
					 "%a", format->name, rows->isa,
					 first_d + i / format->block_weights,
					 i % format->block_weights,
					 (double)y[i], (double)expected[i]);
	}
}

static void test_format(void **state)
{
	static uint8_t blocks[N_BLOCKS * 136];
	static float expected[N_BLOCKS * 256];
	const struct iq *iq = *state;
	const struct format *format = format_at(iq->index);
	const unsigned weights = format->block_weights;
	uint64_t seed = format->id;

	for (unsigned scale = 0; scale < N_SCALES; scale += N_BLOCKS) {
		const unsigned n = scale / N_BLOCKS % 2 ? 4 : 8;

		for (size_t i = 0; i < N_BLOCKS * format->block_bytes; i++)
			blocks[i] = random_byte(&seed);
		for (unsigned i = 0; i < N_BLOCKS; i++) {
			uint8_t *block = blocks + i * format->block_bytes;

			iq->set_d(block, (uint8_t)(scale + i),
				  (uint8_t)((scale + i) >> 8));
			iq->decode(block, weights, n, expected + i * weights);
		}
		for (unsigned i = 0; i < N_BLOCKS * weights; i++)
			expected[i] = dq_canonical(expected[i]);
		check_rows(format, blocks, expected, scale);
	}
}

int main(void)
{
	struct CMUnitTest tests[N_FORMATS];

	for (size_t i = 0; i < N_FORMATS; i++)
		tests[i] = (struct CMUnitTest){
			.name = format_at(formats[i].index)->name,
			.test_func = test_format,
			.initial_state = (void *)(uintptr_t)&formats[i],
		};
	for (size_t i = 0; cpu_rows_at(i); i++)
		if (!cpu_rows_runs(cpu_rows_at(i)))
			fprintf(stderr, "SKIPPED: %s, which this CPU lacks\n",
				cpu_rows_at(i)->isa);
	return _cmocka_run_group_tests("cpu_rows_iq", tests, N_FORMATS, NULL,
				       NULL);
}

/*
 * cpu_rows.c - the CPU driver: compiled once per instruction set, with
 * CPU_ROWS_ISA its name. It moves blocks; the formats decode.
 */
#include "cpu_rows.h"

#include "../kernels/formats.h"

#ifdef __F16C__
#include <immintrin.h>
#endif

#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)
#define STRING_(a) #a
#define STRING(a) STRING_(a)

#define UNLIKELY(x) __builtin_expect(!!(x), 0)

static void canonical_nans(float *y, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		y[i] = dq_canonical(y[i]);
}

/* A NaN can only come from a scale that is not finite, so that the common case
 * pays one test a block. */
#define DQ_QUANT(NAME, name, id, weights, bytes, span)                        \
	static void name##_row(const void *blocks, size_t n_blocks, float *y) \
	{                                                                     \
		const struct dq_##name *b = blocks;                           \
									      \
		for (; n_blocks--; b++, y += (weights)) {                     \
			for (unsigned i = 0; i < (weights); i += (span))      \
				name##_decode(b, i, span, y + i);             \
			if (UNLIKELY(!name##_is_finite(b)))                   \
				canonical_nans(y, weights);                   \
		}                                                             \
	}
#define DQ_FLOAT(NAME, name, id, bytes)                                       \
	static void name##_row(const void *blocks, size_t n, float *y)        \
	{                                                                     \
		const struct dq_##name *w = blocks;                           \
									      \
		for (size_t i = 0; i < n; i++)                                \
			y[i] = name##_decode(w + i);                          \
	}
#include "../kernels/formats.def"

static void to_f16(const float *x, size_t n, uint16_t *y)
{
	for (size_t i = 0; i < n; i++)
		y[i] = dq_to_f16(x[i]);
}

static void to_bf16(const float *x, size_t n, uint16_t *y)
{
	for (size_t i = 0; i < n; i++)
		y[i] = dq_to_bf16(x[i]);
}

const struct cpu_rows CAT(cpu_rows_, CPU_ROWS_ISA) = {
	.isa = STRING(CPU_ROWS_ISA),
	.f32 = {
#define DQ_QUANT(NAME, name, id, weights, bytes, span) [FORMAT_##NAME] = name##_row,
#define DQ_FLOAT(NAME, name, id, bytes) [FORMAT_##NAME] = name##_row,
#include "../kernels/formats.def"
	},
	.to_f16 = to_f16,
	.to_bf16 = to_bf16,
};

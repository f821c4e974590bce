/*
 * rows.c - the CPU driver: compiled once per instruction set, with
 * CPU_ROWS_ISA its name. It moves blocks; the formats decode.
 */
#include "cpu/rows.h"

#include "kernels/formats.h"

#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)
#define STRING_(a) #a
#define STRING(a) STRING_(a)

#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* What is narrowed at a time: it stays in the L1 cache. */
#define FLOATS_AT_A_TIME 256

static void canonical_nans(float *y, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		y[i] = dq_canonical(y[i]);
}

/* One block by the format's decode, span by span; unrolled, so that the
 * compiler does the index arithmetic. */
#define DQ_QUANT(NAME, name, id, weights, bytes, span)                        \
	static inline void name##_block(const struct dq_##name *b, float *y)  \
	{                                                                     \
		_Pragma("GCC unroll 16")                                      \
		for (unsigned i = 0; i < (weights); i += (span))              \
			name##_decode(b, i, span, y + i);                     \
	}
#include "kernels/formats.def"

#ifdef DQ_AVX2
/* NVFP4's runs of 8 weights are too short for a vector. */
static inline void nvfp4_block_at_once(const struct dq_nvfp4 *b, float *y)
{
	struct dq_bytes low, high;
	int8_t x[64];

	dq_fields(&low, 32, b->qs, 0, 15);
	dq_fields(&high, 32, b->qs, 4, 15);
	dq_lookup_bytes(&low, 32, &fp4_values, x);
	dq_lookup_bytes(&high, 32, &fp4_values, x + 32);
	for (unsigned i = 0; i < 4; i++, y += 16) {
		const float scale = dq_ue4m3_half(b->d[i]);

		dq_scale_int8(x + 8 * i, 8, scale, y);
		dq_scale_int8(x + 32 + 8 * i, 8, scale, y + 8);
	}
}
#define nvfp4_block nvfp4_block_at_once /* in what follows */
#endif

/* Some blocks by hand, in the place of those above. */
#include "cpu/rows_iq.h"

/* A NaN can only come from a scale that is not finite, so that the common case
 * pays one test a block. */
#define DQ_QUANT(NAME, name, id, weights, bytes, span)                        \
	static inline void name##_block_to_f32(const struct dq_##name *b,     \
					       float *y)                      \
	{                                                                     \
		name##_block(b, y);                                           \
		if (UNLIKELY(!name##_is_finite(b)))                           \
			canonical_nans(y, weights);                           \
	}                                                                     \
	static void name##_to_f32(const void *blocks, size_t n, void *out)    \
	{                                                                     \
		const struct dq_##name *b = blocks;                           \
		float *y = out;                                               \
									      \
		for (; n--; b++, y += (weights))                              \
			name##_block_to_f32(b, y);                            \
	}
#define DQ_FLOAT(NAME, name, id, bytes)                                       \
	static void name##_to_f32(const void *blocks, size_t n, void *out)    \
	{                                                                     \
		const struct dq_##name *w = blocks;                           \
		float *y = out;                                               \
									      \
		for (size_t i = 0; i < n; i++)                                \
			y[i] = name##_decode(w + i);                          \
	}
#include "kernels/formats.def"

#ifdef DQ_F16C
/* Compilers do not see dq_load_f16 as a vector. */
static void f16_to_f32_by_eight(const void *halves, size_t n, void *out)
{
	const struct dq_f16 *w = halves;
	float *y = out;

	for (; n >= 8; n -= 8, w += 8, y += 8) {
		const __m128i h = _mm_loadu_si128((const __m128i *)w);
		const __m256i x = _mm256_castps_si256(_mm256_cvtph_ps(h));
		/* As integers: clang-14 compares floats one by one here. */
		const __m256i nan = _mm256_cmpgt_epi32(
			_mm256_and_si256(x, _mm256_set1_epi32(0x7fffffff)),
			_mm256_set1_epi32(0x7f800000));

		_mm256_storeu_si256((__m256i *)y, _mm256_blendv_epi8(
			x, _mm256_set1_epi32(0x7fc00000), nan));
	}
	f16_to_f32(w, n, y);
}
#define f16_to_f32 f16_to_f32_by_eight /* in what follows */
#endif

/* n, a multiple of 16, F32 → F16 or BF16. */
static inline void narrow_to_f16(const float *x, size_t n, uint16_t *y)
{
#ifdef DQ_F16C
	for (size_t i = 0; i < n; i += 8)
		_mm_storeu_si128((__m128i *)(y + i),
				 _mm256_cvtps_ph(_mm256_loadu_ps(x + i),
						 _MM_FROUND_TO_NEAREST_INT));
#else
	for (size_t i = 0; i < n; i++)
		y[i] = dq_to_f16(x[i]);
#endif
}

#ifdef DQ_AVX2
/* dq_to_bf16 of eight, in lanes of 32 bits. */
static inline __m256i to_bf16_by_eight(const float *x)
{
	const __m256i u = _mm256_loadu_si256((const __m256i *)x);
	const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(u, 16),
					     _mm256_set1_epi32(1));
	const __m256i half = _mm256_set1_epi32(0x7fff);

	return _mm256_srli_epi32(
		_mm256_add_epi32(u, _mm256_add_epi32(odd, half)), 16);
}
#endif

static inline void narrow_to_bf16(const float *x, size_t n, uint16_t *y)
{
#ifdef DQ_AVX2
	for (size_t i = 0; i < n; i += 16) {
		const __m256i packed = _mm256_packus_epi32(
			to_bf16_by_eight(x + i), to_bf16_by_eight(x + i + 8));

		/* Each half was packed by itself. */
		_mm256_storeu_si256((__m256i *)(y + i),
				    _mm256_permute4x64_epi64(packed, 0xd8));
	}
#else
	for (size_t i = 0; i < n; i++)
		y[i] = dq_to_bf16(x[i]);
#endif
}

#define DQ_QUANT_NARROW(name, weights, type)                                  \
	static void name##_to_##type(const void *blocks, size_t n, void *out) \
	{                                                                     \
		const struct dq_##name *b = blocks;                           \
		uint16_t *y = out;                                            \
									      \
		for (; n--; b++, y += (weights)) {                            \
			float x[weights];                                     \
									      \
			name##_block_to_f32(b, x);                            \
			narrow_to_##type(x, weights, y);                      \
		}                                                             \
	}
#define DQ_QUANT(NAME, name, id, weights, bytes, span) \
	DQ_QUANT_NARROW(name, weights, f16)            \
	DQ_QUANT_NARROW(name, weights, bf16)
#define DQ_FLOAT_NARROW(name, type)                                           \
	static void name##_to_##type(const void *values, size_t n, void *out) \
	{                                                                     \
		const struct dq_##name *w = values;                           \
		uint16_t *y = out;                                            \
		float x[FLOATS_AT_A_TIME];                                    \
									      \
		for (; n >= FLOATS_AT_A_TIME; n -= FLOATS_AT_A_TIME) {        \
			name##_to_f32(w, FLOATS_AT_A_TIME, x);                \
			narrow_to_##type(x, FLOATS_AT_A_TIME, y);             \
			w += FLOATS_AT_A_TIME;                                \
			y += FLOATS_AT_A_TIME;                                \
		}                                                             \
		for (size_t i = 0; i < n; i++)                                \
			y[i] = dq_to_##type(name##_decode(w + i));            \
	}
#define DQ_FLOAT(NAME, name, id, bytes) \
	DQ_FLOAT_NARROW(name, f16)      \
	DQ_FLOAT_NARROW(name, bf16)
#include "kernels/formats.def"

extern const struct blake3_lanes CAT(blake3_lanes_, CPU_ROWS_ISA);

const struct cpu_rows CAT(cpu_rows_, CPU_ROWS_ISA) = {
	.isa = STRING(CPU_ROWS_ISA),
	.blake3 = &CAT(blake3_lanes_, CPU_ROWS_ISA),
#define ROW(NAME, name)                                             \
	.convert[OUTPUT_F32][FORMAT_##NAME] = name##_to_f32,        \
	.convert[OUTPUT_F16][FORMAT_##NAME] = name##_to_f16,        \
	.convert[OUTPUT_BF16][FORMAT_##NAME] = name##_to_bf16,
#define DQ_QUANT(NAME, name, id, weights, bytes, span) ROW(NAME, name)
#define DQ_FLOAT(NAME, name, id, bytes) ROW(NAME, name)
#include "kernels/formats.def"
};

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
/* The same for rows. Nothing if y is NULL. */
#define DQ_ROWS(NAME, name, id, weights, bytes, span, header, rows)           \
	static inline void name##_row_block(const struct dq_##name *b,        \
					    struct dq_row at, unsigned scale, \
					    float *y)                         \
	{                                                                     \
		if (!y)                                                       \
			return;                                               \
		_Pragma("GCC unroll 16")                                      \
		for (unsigned i = 0; i < (weights); i += (span))              \
			name##_decode(b, at, i, span, y + i);                 \
		if (UNLIKELY(scale >= DQ_F16_INF))                            \
			canonical_nans(y, weights);                           \
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
	static bool name##_to_f32(const void *blocks, size_t n, void *out)    \
	{                                                                     \
		const struct dq_##name *b = blocks;                           \
		float *y = out;                                               \
									      \
		for (; n--; b++, y += (weights))                              \
			name##_block_to_f32(b, y);                            \
		return true;                                                  \
	}
/* Part of a row, block by block, and then the next row. */
#define DQ_ROWS(NAME, name, id, weights, bytes, span, header, rows)           \
	static bool name##_rows(const struct cpu_run *run, float *y)          \
	{                                                                     \
		size_t column = run->first % run->row_blocks;                 \
		size_t row = run->first / run->row_blocks;                    \
		unsigned largest = 0;                                         \
									      \
		for (size_t n = run->n; n; column = 0, row++) {               \
			const struct dq_row_place place = dq_find_row(        \
				run->blocks, row / DQ_GROUP_ROWS(rows),       \
				row % DQ_GROUP_ROWS(rows), run->row_blocks,   \
				bytes, header, rows);                         \
			const struct dq_##name *b =                           \
				(const void *)place.blocks;                   \
									      \
			b += column;                                          \
			for (; n && column < run->row_blocks; n--, column++) { \
				const unsigned scale =                        \
					name##_scale(b, place.at);            \
									      \
				largest = scale > largest ? scale : largest;  \
				name##_row_block(b++, place.at, scale, y);    \
				if (y)                                        \
					y += (weights);                       \
			}                                                     \
		}                                                             \
		return largest < DQ_F16_EIGHT;                                \
	}
#define DQ_FLOAT(NAME, name, id, bytes)                                       \
	static bool name##_to_f32(const void *blocks, size_t n, void *out)    \
	{                                                                     \
		const struct dq_##name *w = blocks;                           \
		float *y = out;                                               \
									      \
		for (size_t i = 0; i < n; i++)                                \
			y[i] = name##_decode(w + i);                          \
		return true;                                                  \
	}
#include "kernels/formats.def"

#ifdef DQ_F16C
/* Compilers do not see dq_load_f16 as a vector. */
static bool f16_to_f32_by_eight(const void *halves, size_t n, void *out)
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
			x, _mm256_set1_epi32(DQ_NAN_F32), nan));
	}
	return f16_to_f32(w, n, y);
}
#define f16_to_f32 f16_to_f32_by_eight /* in what follows */
#endif

/* The bit of an F32 that is clear if its magnitude is below 2. */
#define TWO_OR_MORE 0x40000000

/* n, a multiple of 16, F32 → F16 or BF16. Returns whether any may be so large
 * that a closer look is due. */
static inline bool narrow_to_f16(const float *x, size_t n, uint16_t *y)
{
#ifdef DQ_F16C
	__m256 any = _mm256_setzero_ps();

	for (size_t i = 0; i < n; i += 8) {
		const __m256 eight = _mm256_loadu_ps(x + i);

		any = _mm256_or_ps(any, eight);
		_mm_storeu_si128((__m128i *)(y + i),
				 _mm256_cvtps_ph(eight,
						 _MM_FROUND_TO_NEAREST_INT));
	}
	return !_mm256_testz_si256(_mm256_castps_si256(any),
				   _mm256_set1_epi32(TWO_OR_MORE));
#else
	uint32_t any = 0;

	for (size_t i = 0; i < n; i++) {
		any |= dq_bits(x[i]);
		y[i] = dq_to_f16(x[i]);
	}
	return any & TWO_OR_MORE;
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

static inline bool narrow_to_bf16(const float *x, size_t n, uint16_t *y)
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
	return false; /* its exponents are those of F32 */
}

static void narrow_f16(const float *x, size_t n, void *y)
{
	(void)narrow_to_f16(x, n, y);
}

static void narrow_bf16(const float *x, size_t n, void *y)
{
	(void)narrow_to_bf16(x, n, y);
}

#define DQ_QUANT(NAME, name, id, weights, bytes, span)               \
	static bool name##_fits_f16(const void *blocks, size_t n)    \
	{                                                            \
		const struct dq_##name *b = blocks;                  \
		unsigned largest = 0;                                \
								     \
		for (; n--; b++) {                                   \
			const unsigned scale = name##_scale(b);      \
								     \
			largest = scale > largest ? scale : largest; \
		}                                                    \
		return largest < DQ_F16_EIGHT;                       \
	}
#define DQ_FLOAT(NAME, name, id, bytes)
#include "kernels/formats.def"

/* As integers, of which only the upper bits matter: whether all are below the
 * least that F16 rounds to infinity, which is 65520, half way from its largest
 * number to the next one. As BF16 that is 65536, and an F64 is rounded to F32
 * before: what is in doubt does not fit. */
#define FITS_F16(name, word, shift, limit)                           \
	static bool name##_fits_f16(const void *values, size_t n)    \
	{                                                            \
		const char *const w = values;                        \
		int32_t beyond = 0;                                  \
								     \
		for (size_t i = 0; i < n; i++) {                     \
			word x;                                      \
								     \
			memcpy(&x, w + i * sizeof(x), sizeof(x));    \
			beyond |= (int32_t)(x >> (shift) & INT32_MAX & \
					    (word)-1 >> 1) >= (limit); \
		}                                                    \
		return !beyond;                                      \
	}
FITS_F16(f32, uint32_t, 0, 0x477ff000)
FITS_F16(bf16, uint16_t, 0, 0x4780)
FITS_F16(f64, uint64_t, 32, 0x40effdff)

static bool f16_fits_f16(const void *values, size_t n)
{
	(void)values;
	(void)n;
	return true;
}

/* overflows: whether the type does, as F16; BF16 has the exponents of F32. */
#define DQ_QUANT_NARROW(name, weights, type, overflows)                       \
	static bool name##_to_##type(const void *blocks, size_t n, void *out) \
	{                                                                     \
		const struct dq_##name *b = blocks;                           \
		uint16_t *y = out;                                            \
		bool fits = true;                                             \
									      \
		for (; n--; b++, y += (weights)) {                            \
			float x[weights];                                     \
									      \
			name##_block_to_f32(b, x);                            \
			(void)narrow_to_##type(x, weights, y);                \
			fits &= !(overflows) || name##_fits_f16(b, 1);        \
		}                                                             \
		return fits;                                                  \
	}
#define DQ_QUANT(NAME, name, id, weights, bytes, span) \
	DQ_QUANT_NARROW(name, weights, f16, true)      \
	DQ_QUANT_NARROW(name, weights, bf16, false)
#define DQ_FLOAT_NARROW(name, type, overflows)                                \
	__attribute__((unused)) /* where one below takes its place */         \
	static bool name##_to_##type(const void *values, size_t n, void *out) \
	{                                                                     \
		const struct dq_##name *w = values;                           \
		uint16_t *y = out;                                            \
		float x[FLOATS_AT_A_TIME];                                    \
		bool fits = true;                                             \
									      \
		for (; n >= FLOATS_AT_A_TIME; n -= FLOATS_AT_A_TIME) {        \
			name##_to_f32(w, FLOATS_AT_A_TIME, x);                \
			if (narrow_to_##type(x, FLOATS_AT_A_TIME, y))         \
				fits &= name##_fits_f16(w, FLOATS_AT_A_TIME); \
			w += FLOATS_AT_A_TIME;                                \
			y += FLOATS_AT_A_TIME;                                \
		}                                                             \
		for (size_t i = 0; i < n; i++)                                \
			y[i] = dq_to_##type(name##_decode(w + i));            \
		return fits & (!(overflows) || name##_fits_f16(w, n));        \
	}
#define DQ_FLOAT(NAME, name, id, bytes) \
	DQ_FLOAT_NARROW(name, f16, true) \
	DQ_FLOAT_NARROW(name, bf16, false)
#include "kernels/formats.def"

/* F16 → F16 and BF16 → BF16: as words, of which only NaNs change. */
#define TO_ITSELF(NAME, name, infinity)                                       \
	static bool name##_to_itself(const void *values, size_t n, void *out) \
	{                                                                     \
		const uint8_t *w = values;                                    \
		uint16_t *y = out;                                            \
									      \
		for (size_t i = 0; i < n; i++) {                              \
			uint16_t x;                                           \
									      \
			memcpy(&x, w + 2 * i, sizeof(x));                     \
			y[i] = (x & 0x7fff) > (infinity) ? DQ_NAN_##NAME : x; \
		}                                                             \
		return true;                                                  \
	}
TO_ITSELF(F16, f16, 0x7c00)
TO_ITSELF(BF16, bf16, 0x7f80)
#define f16_to_f16 f16_to_itself /* in what follows */
#define bf16_to_bf16 bf16_to_itself

#ifdef DQ_F16C
DQ_FN __m256i load_f32_by_eight(const struct dq_f32 *w)
{
	return _mm256_loadu_si256((const __m256i *)w);
}

DQ_FN __m256i load_bf16_by_eight(const struct dq_bf16 *w)
{
	return _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(
					 (const __m128i *)w)), 16);
}

/* In one go, as long as all are below 2 and so no NaN is among them. */
#define TO_F16_BY_EIGHT(name)                                                 \
	static bool name##_to_f16_by_eight(const void *values, size_t n,      \
					   void *out)                         \
	{                                                                     \
		const struct dq_##name *w = values;                           \
		uint16_t *y = out;                                            \
		bool fits = true;                                             \
									      \
		for (; n >= FLOATS_AT_A_TIME; n -= FLOATS_AT_A_TIME) {        \
			__m256i any = _mm256_setzero_si256();                 \
									      \
			for (size_t i = 0; i < FLOATS_AT_A_TIME; i += 8) {    \
				const __m256i x =                             \
					load_##name##_by_eight(w + i);        \
									      \
				any = _mm256_or_si256(any, x);                \
				_mm_storeu_si128(                             \
					(__m128i *)(y + i), _mm256_cvtps_ph(  \
						_mm256_castsi256_ps(x),       \
						_MM_FROUND_TO_NEAREST_INT));  \
			}                                                     \
			if (!_mm256_testz_si256(any,                          \
					_mm256_set1_epi32(TWO_OR_MORE)))      \
				fits &= name##_to_f16(w, FLOATS_AT_A_TIME, y); \
			w += FLOATS_AT_A_TIME;                                \
			y += FLOATS_AT_A_TIME;                                \
		}                                                             \
		return fits & name##_to_f16(w, n, y);                         \
	}
TO_F16_BY_EIGHT(f32)
TO_F16_BY_EIGHT(bf16)
#define f32_to_f16 f32_to_f16_by_eight /* in what follows */
#define bf16_to_f16 bf16_to_f16_by_eight
#endif

extern const struct blake3_lanes CAT(blake3_lanes_, CPU_ROWS_ISA);

const struct cpu_rows CAT(cpu_rows_, CPU_ROWS_ISA) = {
	.isa = STRING(CPU_ROWS_ISA),
	.blake3 = &CAT(blake3_lanes_, CPU_ROWS_ISA),
	.narrow[OUTPUT_F16] = narrow_f16,
	.narrow[OUTPUT_BF16] = narrow_bf16,
#define CONVERT(TYPE, type, bytes, nan, file_type, NAME, name) \
	.convert[OUTPUT_##TYPE][FORMAT_##NAME] = name##_to_##type,
#define ROW(NAME, name)                      \
	DQ_OUTPUT_TYPES(CONVERT, NAME, name) \
	.fits_f16[FORMAT_##NAME] = name##_fits_f16,
#define DQ_QUANT(NAME, name, id, weights, bytes, span) ROW(NAME, name)
#define DQ_FLOAT(NAME, name, id, bytes) ROW(NAME, name)
#define DQ_ROWS(NAME, name, id, weights, bytes, span, header, rows) \
	.rows_to_f32[FORMAT_##NAME] = name##_rows,
#include "kernels/formats.def"
};

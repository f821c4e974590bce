/*
 * dq.h - what a block format may use, whichever compiler reads it.
 *
 * The only file that knows the compiler: gcc and clang build the formats for
 * the CPU, hipcc and nvcc build the same text for the GPU. A format header is
 * therefore written in the common subset of C11 and C++14.
 */
#ifndef DQ_H
#define DQ_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __FAST_MATH__
#error "dequantized values are exact: do not build with -ffast-math"
#endif
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "blocks and values are little-endian: so must be the machine"
#endif

#if defined(__HIPCC__) || defined(__CUDACC__)
#define DQ_FN static __device__ __forceinline__
#define DQ_TABLE static __device__ const
#else
#define DQ_FN static inline __attribute__((always_inline, unused))
#define DQ_TABLE static const __attribute__((unused))
#ifdef __SSE2__
#include <immintrin.h>
#define DQ_SSE2
#endif
#ifdef __AVX2__
#define DQ_AVX2
#endif
#ifdef __F16C__
#define DQ_F16C
#endif
#endif

#define DQ_RESTRICT __restrict__

#ifdef __cplusplus
#define DQ_ASSERT(condition, what) static_assert(condition, what)
#define DQ_ALIGNOF(type) alignof(type)
#else
#define DQ_ASSERT(condition, what) _Static_assert(condition, what)
#define DQ_ALIGNOF(type) _Alignof(type)
#endif

/* A block struct holds byte arrays only, so that its alignment is 1. */
#define DQ_ASSERT_BLOCK(block, bytes)                 \
	DQ_ASSERT(sizeof(struct block) == (bytes) && \
		  DQ_ALIGNOF(struct block) == 1, #block)

/* Little-endian loads from any address. */
DQ_FN uint16_t dq_load_u16(const uint8_t *p)
{
	uint16_t u;
	memcpy(&u, p, sizeof(u));
	return u;
}

DQ_FN uint32_t dq_load_u32(const uint8_t *p)
{
	uint32_t u;
	memcpy(&u, p, sizeof(u));
	return u;
}

DQ_FN uint64_t dq_load_u64(const uint8_t *p)
{
	uint64_t u;
	memcpy(&u, p, sizeof(u));
	return u;
}

/* The F32 whose bits are u. */
DQ_FN float dq_float(uint32_t u)
{
	float f;
	memcpy(&f, &u, sizeof(f));
	return f;
}

DQ_FN uint32_t dq_bits(float f)
{
	uint32_t u;
	memcpy(&u, &f, sizeof(u));
	return u;
}

/*
 * IEEE binary16 → F32, exact. A subnormal is what its bits add to the least
 * normal number, so that no operand is a subnormal F32, slow on some CPUs. Inf
 * and NaN stay so.
 */
DQ_FN float dq_load_f16(const uint8_t *p)
{
	const uint32_t h = dq_load_u16(p);
#ifdef DQ_F16C
	return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128((int)h)));
#else
	const uint32_t magnitude = (h & 0x7fff) << 13;
	const uint32_t normal = magnitude + 0x38000000; /* 2^(127 − 15) */
	const float least = dq_float(0x38800000); /* 2^-14 */
	const float subnormal = dq_float(magnitude + 0x38800000) - least;
	const uint32_t f = magnitude < 0x00800000 ? dq_bits(subnormal) : normal;

	return dq_float((magnitude < 0x0f800000 ? f : magnitude | 0x7f800000) |
			(h & 0x8000) << 16);
#endif
}

/* Whether a binary16 is neither Inf nor NaN. */
DQ_FN int dq_f16_is_finite(const uint8_t *p)
{
	return (p[1] & 0x7c) != 0x7c;
}

/* The one NaN that is ever stored; any other F32 as it is. */
DQ_FN float dq_canonical(float f)
{
	return f != f ? dq_float(0x7fc00000) : f;
}

/* F32 → binary16 and bfloat16, to nearest even; a NaN must be canonical. */
DQ_FN uint16_t dq_to_f16(float f)
{
	const uint32_t sign = dq_bits(f) >> 16 & 0x8000;
	const uint32_t u = dq_bits(f) & 0x7fffffff;
	const uint32_t normal = (u - 0x38000000 + 0xfff + (u >> 13 & 1)) >> 13;
	/* Added to 0.5, an F32 is rounded to units of 2^-24. */
	const uint32_t subnormal = dq_bits(dq_float(u) + 0.5f) - 0x3f000000;
	const uint32_t finite = u < 0x38800000 ? subnormal : normal; /* 2^-14 */
	const uint32_t inf_or_nan = u > 0x7f800000 ? 0x7e00 : 0x7c00;
	const uint32_t h = u < 0x47800000 ? finite : inf_or_nan; /* 2^16 */

	return (uint16_t)(sign | h);
}

DQ_FN uint16_t dq_to_bf16(float f)
{
	const uint32_t u = dq_bits(f);

	return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

/* The most weights that a decode is asked for at a time. */
#define DQ_MAX_SPAN 32

/*
 * Most formats unpack small integers to bytes, where a vector holds most of
 * them, and end with y = d · q + m or d · q. By hand, since gcc would leave
 * half of each register empty.
 */
#ifdef DQ_AVX2
DQ_FN __m256 dq_scale_8(const int8_t *q, float d)
{
	const __m128i bytes = _mm_loadl_epi64((const __m128i *)q);
	const __m256 x = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));

	return _mm256_mul_ps(_mm256_set1_ps(d), x);
}
#endif

DQ_FN void dq_scale_add(const int8_t *q, unsigned n, float d, float m,
			float *DQ_RESTRICT y)
{
	unsigned i = 0;

#ifdef DQ_AVX2
	for (; i + 8 <= n; i += 8)
		_mm256_storeu_ps(y + i, _mm256_add_ps(dq_scale_8(q + i, d),
						      _mm256_set1_ps(m)));
#endif
	for (; i < n; i++)
		y[i] = d * (float)q[i] + m;
}

DQ_FN void dq_scale(const int8_t *q, unsigned n, float d, float *DQ_RESTRICT y)
{
	unsigned i = 0;

#ifdef DQ_AVX2
	for (; i + 8 <= n; i += 8)
		_mm256_storeu_ps(y + i, dq_scale_8(q + i, d));
#endif
	for (; i < n; i++)
		y[i] = d * (float)q[i];
}

/* q[i] += value where bit i of `bits` is set */
DQ_FN void dq_add_bits(uint32_t bits, int8_t value, unsigned n, int8_t *q)
{
	unsigned i = 0;

#ifdef DQ_SSE2
	for (; i + 16 <= n; i += 16) {
		const __m128i bit = _mm_set1_epi64x(
			(int64_t)0x8040201008040201);
		__m128i *const to = (__m128i *)(q + i);
		__m128i x = _mm_cvtsi32_si128((int)(bits >> i));

		/* Each of the two bytes eight times, and a bit of each. */
		x = _mm_unpacklo_epi8(x, x);
		x = _mm_shufflelo_epi16(x, 0x50);
		x = _mm_shuffle_epi32(x, 0x50);
		x = _mm_cmpeq_epi8(_mm_and_si128(x, bit), bit);
		x = _mm_and_si128(x, _mm_set1_epi8(value));
		_mm_storeu_si128(to, _mm_add_epi8(_mm_loadu_si128(to), x));
	}
#endif
	for (; i < n; i++)
		q[i] = (int8_t)(q[i] + (bits >> i & 1 ? value : 0));
}

#endif

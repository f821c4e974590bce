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

#if defined(__HIPCC__) || defined(__CUDACC__)
#define DQ_FN static __device__ __forceinline__
#define DQ_TABLE static __device__ const
#else
#define DQ_FN static inline __attribute__((always_inline, unused))
#define DQ_TABLE static const __attribute__((unused))
#endif

#define DQ_RESTRICT __restrict__

/* A block struct holds byte arrays only, so that its alignment is 1. */
#ifdef __cplusplus
#define DQ_ASSERT_BLOCK(block, bytes) \
	static_assert(sizeof(struct block) == (bytes) && \
		      alignof(struct block) == 1, #block)
#else
#define DQ_ASSERT_BLOCK(block, bytes) \
	_Static_assert(sizeof(struct block) == (bytes) && \
		       _Alignof(struct block) == 1, #block)
#endif

/* Little-endian loads from any address. */
DQ_FN uint16_t dq_load_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

DQ_FN uint32_t dq_load_u32(const uint8_t *p)
{
	return dq_load_u16(p) | (uint32_t)dq_load_u16(p + 2) << 16;
}

DQ_FN uint64_t dq_load_u64(const uint8_t *p)
{
	return dq_load_u32(p) | (uint64_t)dq_load_u32(p + 4) << 32;
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
 * IEEE binary16 → F32, exact; subnormals too, as 2^112 times the F32 with the
 * same 10 mantissa bits. Inf and NaN stay so.
 */
DQ_FN float dq_load_f16(const uint8_t *p)
{
	const uint32_t h = dq_load_u16(p);
	const uint32_t magnitude = (h & 0x7fff) << 13;
	uint32_t f = dq_bits(dq_float(magnitude) * 0x1p112f);

	f |= magnitude >= 0x0f800000 ? 0x7f800000 : 0;
	return dq_float(f | (h & 0x8000) << 16);
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
	const uint32_t odd = u >> 13 & 1;

	if (u > 0x7f800000)
		return 0x7e00;
	if (u >= 0x47800000) /* 65536 */
		return (uint16_t)(sign | 0x7c00);
	if (u < 0x38800000) /* 2^-14: the F32 adder rounds to units of 2^-24 */
		return (uint16_t)(sign | (dq_bits(dq_float(u) + 0.5f) & 0xffff));
	return (uint16_t)(sign | (u - 0x38000000 + 0xfff + odd) >> 13);
}

DQ_FN uint16_t dq_to_bf16(float f)
{
	const uint32_t u = dq_bits(f);

	return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

#endif

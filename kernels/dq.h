/*
 * dq.h - the building blocks of a block format, for every compiler.
 *
 * This is the only file that knows the compiler. gcc and clang build the
 * formats for the CPU; hipcc and nvcc build the same text for the GPU. Format
 * headers are therefore written in the common subset of C11 and C++14.
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
#error "blocks and values are little-endian, so the machine must be, too"
#endif

/*
 * DQ_WORDS: compute with four bytes per word (see dq_bytes.h), for a GPU; a
 * test of the kernels defines it itself. DQ_KERNEL declares a kernel, whose
 * thread runs at DQ_THREAD in its group and at DQ_GROUP in the grid.
 */
#if defined(__CUDACC__)
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#define DQ_WORDS
#define DQ_FN static __device__ __forceinline__
#define DQ_TABLE static __device__ const
#define DQ_KERNEL(threads) extern "C" __global__ __launch_bounds__(threads)
#define DQ_THREAD threadIdx.x
#define DQ_GROUP blockIdx.x
#elif defined(__HIP__)
/* Clang's builtins suffice: no ROCm header or library is needed. */
#define DQ_WORDS
#define DQ_FN static inline __attribute__((device, always_inline))
#define DQ_TABLE static const __attribute__((device, unused))
#define DQ_KERNEL(threads)                 \
	extern "C" __attribute__((global)) \
	__attribute__((amdgpu_flat_work_group_size(threads, threads)))
#define DQ_THREAD __builtin_amdgcn_workitem_id_x()
#define DQ_GROUP __builtin_amdgcn_workgroup_id_x()
#define memcpy __builtin_memcpy
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
/* On the host, the caller sets the position of a kernel. */
#define DQ_KERNEL(threads) static
#define DQ_THREAD dq_position.thread
#define DQ_GROUP dq_position.group
extern _Thread_local struct dq_position {
	unsigned thread, group;
} dq_position;
#endif

#define DQ_RESTRICT __restrict__

/* p, which must be a multiple of 16. */
#define DQ_ALIGNED(p) __builtin_assume_aligned(p, 16)

#ifdef __cplusplus
#define DQ_ASSERT(condition, what) static_assert(condition, what)
#define DQ_ALIGNOF(type) alignof(type)
#else
#define DQ_ASSERT(condition, what) _Static_assert(condition, what)
#define DQ_ALIGNOF(type) _Alignof(type)
#endif

/* A block struct holds only byte arrays, so its alignment is 1. */
#define DQ_ASSERT_BLOCK(block, bytes)                 \
	DQ_ASSERT(sizeof(struct block) == (bytes) && \
		  DQ_ALIGNOF(struct block) == 1, #block)

/* The largest number of weights per call of a decode function. */
#define DQ_MAX_SPAN 32

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

DQ_FN float dq_load_f32(const uint8_t *p)
{
	return dq_float(dq_load_u32(p));
}

/* A load from a multiple of 4; on a CPU, from any address. */
DQ_FN uint32_t dq_load_word(const uint8_t *p)
{
#if defined(__CUDACC__)
	return *(const uint32_t *)p;
#else
	return dq_load_u32(p);
#endif
}

/*
 * Loads n words from any address. The memory must be readable in whole aligned
 * words: under CUDA these are what is loaded, since an unaligned word would be
 * loaded byte by byte.
 */
DQ_FN void dq_load_words(const uint8_t *p, unsigned n, uint32_t *w)
{
#if defined(__CUDACC__)
	const unsigned past = (unsigned)(uintptr_t)p & 3;
	const uint32_t *const from = (const uint32_t *)(p - past);
	uint32_t high = 0;

	if (past) /* otherwise none of its bytes is needed */
		high = from[n];
	for (unsigned i = n; i-- > 0;) {
		const uint32_t low = from[i];

		w[i] = __funnelshift_r(low, high, past * 8);
		high = low;
	}
#else
	for (unsigned i = 0; i < n; i++)
		w[i] = dq_load_u32(p + 4 * i);
#endif
}

DQ_FN uint32_t dq_load_loose(const uint8_t *p)
{
	uint32_t w;

	dq_load_words(p, 1, &w);
	return w;
}

/* Bits 0, 8, 16 and 24 of w as bits 0 to 3. */
DQ_FN unsigned dq_bit0_of_bytes(uint32_t w)
{
	return (w & 0x01010101) * 0x10204080u >> 28;
}

/*
 * IEEE binary16 → F32, exact; Inf and NaN are kept. A subnormal is computed as
 * what its bits add to the least normal number, so that no operand is a
 * subnormal F32, which some CPUs handle slowly.
 */
DQ_FN float dq_from_f16(uint16_t h)
{
#if defined(__CUDACC__)
	return __half2float(__ushort_as_half(h));
#elif defined(__HIP__)
	_Float16 f16;

	memcpy(&f16, &h, sizeof(f16));
	return (float)f16;
#elif defined(DQ_F16C)
	return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(h)));
#else
	const uint32_t magnitude = (h & 0x7fffu) << 13;
	const uint32_t normal = magnitude + 0x38000000; /* 2^(127 − 15) */
	const float least = dq_float(0x38800000); /* 2^-14 */
	const float subnormal = dq_float(magnitude + 0x38800000) - least;
	const uint32_t f = magnitude < 0x00800000 ? dq_bits(subnormal) : normal;

	return dq_float((magnitude < 0x0f800000 ? f : magnitude | 0x7f800000) |
			(h & 0x8000u) << 16);
#endif
}

/* The binary16 whose sign is bit 5 of q, with the 5 bits below it at
 * `shift`. */
DQ_FN float dq_tiny(uint32_t q, unsigned shift)
{
	return dq_from_f16((uint16_t)((q & 31) << shift | (q & 32) << 10));
}

DQ_FN float dq_load_f16(const uint8_t *p)
{
	return dq_from_f16(dq_load_u16(p));
}

/* Bits of a binary16: 8, the largest number, and Inf, beyond which is NaN. */
#define DQ_F16_EIGHT 0x4800u
#define DQ_F16_MAX 0x7bffu
#define DQ_F16_INF 0x7c00u

/* The bits of |x|, which compare as the numbers do. */
DQ_FN unsigned dq_f16_magnitude(const uint8_t *p)
{
	return dq_load_u16(p) & 0x7fffu;
}

DQ_FN unsigned dq_f16_larger(const uint8_t *p, const uint8_t *q)
{
	const unsigned a = dq_f16_magnitude(p), b = dq_f16_magnitude(q);

	return a > b ? a : b;
}

/* Every NaN → the only one that is ever stored; other values are unchanged. */
DQ_FN float dq_canonical(float f)
{
	return f != f ? dq_float(0x7fc00000) : f;
}

/* F32 → binary16 and bfloat16, rounded to nearest even. A NaN must be
 * canonical. */
DQ_FN uint16_t dq_to_f16(float f)
{
	const uint32_t sign = dq_bits(f) >> 16 & 0x8000;
	const uint32_t u = dq_bits(f) & 0x7fffffff;
	const uint32_t normal = (u - 0x38000000 + 0xfff + (u >> 13 & 1)) >> 13;
	/* Adding 0.5 rounds an F32 to a multiple of 2^-24. */
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

/* Byte j of w minus `zero`, which is below 256. */
DQ_FN float dq_byte(uint32_t w, unsigned j, unsigned zero)
{
#if defined(__CUDACC__)
	/* Converting an integer takes longer than making 2^23 + byte. */
	return __uint_as_float(__byte_perm(w, 0x4b000000, 0x7540 | j)) -
	       (8388608.0f + (float)zero);
#else
	return (float)(w >> 8 * j & 255) - (float)zero;
#endif
}

/* Spreads the four 6-bit fields of w to one byte each. */
DQ_FN uint32_t dq_four_sixes(uint32_t w)
{
	const uint32_t twelves = (w & 0xfff) | (w & 0xfff000) << 4;

	return (twelves & 0x003f003f) | (twelves & 0x0fc00fc0) << 2;
}

/*
 * Looks up four bytes in a table of 16, `low` then `high`, least significant
 * byte first. Each byte of w is an index, 0..15.
 */
DQ_FN uint32_t dq_lookup(uint64_t low, uint64_t high, uint32_t w)
{
#if defined(__CUDACC__)
	/* __byte_perm takes indices as nibbles of which it uses three bits; the
	 * fourth selects the half of the table. */
	const uint32_t pairs = (w | w >> 4) & 0x00ff00ff;
	const uint32_t nibbles = __byte_perm(pairs, 0, 0x4420);
	const uint32_t seven = nibbles & 0x7777;
	const uint32_t below = __byte_perm((uint32_t)low, low >> 32, seven);
	const uint32_t above = __byte_perm((uint32_t)high, high >> 32, seven);

	return __byte_perm(below, above, (nibbles & 0x8888) >> 1 | 0x3210);
#elif defined(__HIP__)
	const uint32_t seven = w & 0x07070707;
	const uint32_t below =
		__builtin_amdgcn_perm(low >> 32, (uint32_t)low, seven);
	const uint32_t above =
		__builtin_amdgcn_perm(high >> 32, (uint32_t)high, seven);
	const uint32_t is_above = (w >> 3 & 0x01010101) * 255;

	return (above & is_above) | (below & ~is_above);
#else
	uint32_t found = 0;

	for (unsigned j = 0; j < 32; j += 8) {
		const unsigned number = w >> j & 15;
		const uint64_t half = number < 8 ? low : high;

		found |= (uint32_t)(half >> number % 8 * 8 & 255) << j;
	}
	return found;
#endif
}

/* The unit that a kernel's thread stores at once. */
struct __attribute__((aligned(16))) dq_chunk {
	uint32_t w[4];
};

/* Bypasses the caches, since the GPU does not read the value again. */
DQ_FN void dq_store(struct dq_chunk *p, struct dq_chunk c)
{
#if defined(__CUDACC__)
	__stcs((uint4 *)p, make_uint4(c.w[0], c.w[1], c.w[2], c.w[3]));
#elif defined(__HIP__)
	typedef uint32_t vector __attribute__((ext_vector_type(4)));
	const vector v = { c.w[0], c.w[1], c.w[2], c.w[3] };

	__builtin_nontemporal_store(v, (vector *)p);
#else
	*p = c;
#endif
}

/*
 * Packs two values as binary16 or bfloat16, the first in the lower half. Same
 * results as dq_to_f16 and dq_to_bf16, except for a NaN, in fewer instructions.
 */
DQ_FN uint32_t dq_pack_f16(float a, float b)
{
#if defined(__CUDACC__)
	const __half2 h = __floats2half2_rn(a, b);
	uint32_t u;

	memcpy(&u, &h, sizeof(u));
	return u;
#elif defined(__HIP__)
	/* If Clang fuses a product and its conversion into one instruction, a
	 * zero loses its sign. */
	const uint32_t signs = dq_bits(a) >> 16 | (dq_bits(b) & 0xffff0000);
	const _Float16 h[2] = { (_Float16)a, (_Float16)b };
	uint32_t u;

	memcpy(&u, h, sizeof(u));
	return u | (signs & 0x80008000);
#else
	return dq_to_f16(a) | (uint32_t)dq_to_f16(b) << 16;
#endif
}

DQ_FN uint32_t dq_pack_bf16(float a, float b)
{
#if defined(__CUDACC__)
	const __nv_bfloat162 h = __floats2bfloat162_rn(a, b);
	uint32_t u;

	memcpy(&u, &h, sizeof(u));
	return u;
#else
	return dq_to_bf16(a) | (uint32_t)dq_to_bf16(b) << 16;
#endif
}

#endif

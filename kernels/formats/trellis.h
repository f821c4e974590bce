/*
 * The trellis of the KT formats, with which a state, a number of 17 bits,
 * stands for a group of 4 or 8 weights. From each number follows the next one,
 * and a weight is the sum of its four bytes, 6 bits of each, minus 126:
 *
 *   x[0] = state · K mod 2^32,   x[j + 1] = x[j] · K mod 2^32
 *   trellis(state, j) = sum of the bytes of (x[j] & 0x3f3f3f3f), − 126
 */
#ifndef DQ_TRELLIS_H
#define DQ_TRELLIS_H

#include "../dq_bytes.h"
#include "../dq_rows.h"

#define DQ_TRELLIS_K 0xcbac1fedu
#define DQ_TRELLIS_K4 0xe50c7d11u /* its fourth power */

/* The sum is below 256, so that no byte of the product carries. */
DQ_FN float dq_trellis_value(uint32_t x)
{
	return (float)(int)((x & 0x3f3f3f3f) * 0x01010101 >> 24) - 126.0f;
}

#ifdef DQ_AVX2
/* Eight values; powers[j] is K^(j + 1). */
DQ_FN __m256 dq_trellis_8(__m256i states, __m256i powers)
{
	const __m256i bytes = _mm256_and_si256(
		_mm256_mullo_epi32(states, powers),
		_mm256_set1_epi32(0x3f3f3f3f));
	const __m256i pairs = _mm256_maddubs_epi16(bytes, _mm256_set1_epi8(1));
	const __m256i sums = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));

	return _mm256_cvtepi32_ps(_mm256_sub_epi32(sums,
						   _mm256_set1_epi32(126)));
}

DQ_TABLE uint32_t dq_trellis_powers[8] = {
	0xcbac1fed, 0xc8734169, 0xbd2b4535, 0xe50c7d11,
	0x1220d7bd, 0x94839cf9, 0x58267985, 0x60b19b21,
};
#endif

/*
 * t[i] = trellis(state, j) for n weights from weight number `first` on, of
 * which each `group`, 4 or 8, have a state; j is a weight's number in its
 * group.
 */
DQ_FN void dq_trellis(const uint32_t *states, unsigned group, unsigned first,
		      unsigned n, float *DQ_RESTRICT t)
{
	const unsigned step = n < group ? n : group;
	unsigned i = 0;

#ifdef DQ_AVX2
	const __m256i powers =
		_mm256_loadu_si256((const __m256i *)dq_trellis_powers);

	for (; i + 8 <= n; i += 8) {
		if (group == 8)
			_mm256_storeu_ps(t + i, dq_trellis_8(
				_mm256_set1_epi32((int)states[i / 8]), powers));
		else
			_mm256_storeu_ps(t + i, dq_trellis_8(
				_mm256_set_m128i(
					_mm_set1_epi32((int)states[i / 4 + 1]),
					_mm_set1_epi32((int)states[i / 4])),
				_mm256_permute2x128_si256(powers, powers, 0)));
	}
#endif
	for (; i < n; i += step) {
		uint32_t x = states[i / group] *
			     (first % group ? DQ_TRELLIS_K4 : 1);

		for (unsigned j = 0; j < step; j++) {
			x *= DQ_TRELLIS_K;
			t[i + j] = dq_trellis_value(x);
		}
	}
}

#endif

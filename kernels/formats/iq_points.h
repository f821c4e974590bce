/* Shared by the IQ2 and IQ3 formats: points of a grid, and their signs. */
#ifndef DQ_IQ_POINTS_H
#define DQ_IQ_POINTS_H

#include "../dq.h"
#include "iq_tables.h"

/*
 * The signs of 8 weights from the 7 that are stored. The number of minus signs
 * is even, so the eighth sign is the parity of the others.
 */
DQ_FN unsigned iq_even_signs(unsigned seven)
{
	const unsigned folded = (seven ^ seven >> 4) & 15;

	return seven | (0x6996u >> folded & 1) << 7;
}

#ifdef DQ_AVX2
DQ_FN void iq_store_8(float scale, const uint32_t *grid, unsigned signs,
		      float *y)
{
	const __m256i to_top = _mm256_setr_epi32(31, 30, 29, 28, 27, 26, 25,
						 24);
	const __m256 minus = _mm256_and_ps(
		_mm256_castsi256_ps(_mm256_sllv_epi32(
			_mm256_set1_epi32((int)signs), to_top)),
		_mm256_set1_ps(-0.0f));
	const __m256i magnitudes = _mm256_cvtepu8_epi32(
		_mm_loadl_epi64((const __m128i *)grid));

	_mm256_storeu_ps(y, _mm256_xor_ps(_mm256_mul_ps(
		_mm256_set1_ps(scale), _mm256_cvtepi32_ps(magnitudes)),
		minus));
}
#endif

/*
 * y[j] = (±scale) · value j of grid, with a minus if bit j of signs is set; n
 * is 4 or 8. The sign is XORed, since a branch would be mispredicted every
 * other time.
 */
DQ_FN void iq_decode_point(float scale, const uint32_t *grid, unsigned signs,
			   unsigned n, float *DQ_RESTRICT y)
{
#ifdef DQ_AVX2
	if (n == 8) {
		iq_store_8(scale, grid, signs, y);
		return;
	}
#endif
	for (unsigned j = 0; j < n; j++) {
		const uint32_t minus = signs << (31 - j) & 0x80000000;

		y[j] = dq_float(dq_bits(scale) ^ minus) *
		       dq_byte(grid[j / 4], j % 4, 0);
	}
}

#endif

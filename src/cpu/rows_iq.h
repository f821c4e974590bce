/*
 * rows_iq.h - hand-written AVX2 code for blocks of the IQ formats. Compilers do
 * not see that a point of a grid is a vector, or that a nibble can be the index
 * of a permutation. AVX-512 uses the same code, since stores are the limit.
 *
 * Each function gives the same values as the decode function of its format, and
 * the tests compare the two. The format's header describes the block. The
 * indices, signs and scales of a block are unpacked into arrays, eight at a
 * time; then the points are stored one by one.
 */
#ifndef CPU_ROWS_IQ_H
#define CPU_ROWS_IQ_H

#include "kernels/formats.h"

#ifdef __AVX2__
#include <immintrin.h>

DQ_FN __m128i load_8_bytes(const void *p)
{
	return _mm_loadl_epi64(p);
}

DQ_FN __m128i load_16_bytes(const void *p)
{
	return _mm_loadu_si128(p);
}

DQ_FN __m256i load_32_bytes(const void *p)
{
	return _mm256_loadu_si256(p);
}

DQ_FN void store_32_bytes(void *p, __m256i x)
{
	_mm256_storeu_si256(p, x);
}

/* The positions of eight bit fields in a word: `step` bits apart … */
DQ_FN __m256i every(int step)
{
	return _mm256_setr_epi32(0, step, 2 * step, 3 * step, 4 * step,
				 5 * step, 6 * step, 7 * step);
}

/* … or 3 bits apart, four in each half of the word. */
DQ_FN __m256i threes(void)
{
	return _mm256_setr_epi32(0, 3, 6, 9, 16, 19, 22, 25);
}

DQ_FN __m256i fields(uint32_t word, __m256i begin, int mask)
{
	const __m256i moved = _mm256_srlv_epi32(_mm256_set1_epi32((int)word),
						begin);

	return _mm256_and_si256(moved, _mm256_set1_epi32(mask));
}

/* Stores eight indices, from their low bytes and their upper bits. */
DQ_FN void store_index(uint32_t index[8], const uint8_t low[8], __m256i high)
{
	store_32_bytes(index, _mm256_or_si256(
		_mm256_cvtepu8_epi32(load_8_bytes(low)),
		_mm256_slli_epi32(high, 8)));
}

/* (d · (s + 0.5)) · factor */
DQ_FN void store_half_scales(__m256i s, float d, float factor,
			     float scales[8])
{
	const __m256 half = _mm256_add_ps(_mm256_cvtepi32_ps(s),
					  _mm256_set1_ps(0.5f));

	_mm256_storeu_ps(scales, _mm256_mul_ps(
		_mm256_mul_ps(_mm256_set1_ps(d), half),
		_mm256_set1_ps(factor)));
}

/* d · (2s + 1) */
DQ_FN void store_odd_scales(__m256i s, float d, float scales[8])
{
	const __m256i odd = _mm256_add_epi32(_mm256_add_epi32(s, s),
					     _mm256_set1_epi32(1));

	_mm256_storeu_ps(scales, _mm256_mul_ps(_mm256_set1_ps(d),
					       _mm256_cvtepi32_ps(odd)));
}

/*
 * IQ2 and IQ3
 */

/* A block, unpacked. */
struct iq_points {
	uint32_t index[64]; /* one for each point, of 8 (IQ2) or 4 (IQ3) */
	uint8_t signs[32];  /* bit j: minus for weight j of 8 */
	float scales[16];   /* one for each 16 weights or 32 */
};

/* Eight magnitudes as bytes: one point of 8, or two of 4. */
DQ_FN __m128i load_magnitudes(const uint32_t *grid, unsigned point_weights,
			      const uint32_t *index)
{
	if (point_weights == 8)
		return load_8_bytes(grid + 2 * (size_t)index[0]);
	return _mm_insert_epi32(_mm_cvtsi32_si128((int)grid[index[0]]),
				(int)grid[index[1]], 1);
}

/* y[j] = ±scale · magnitude j, with a minus if bit first + j of signs is set.
 * signs are the same in every lane. */
DQ_FN void store_signed(__m128i magnitudes, float scale, __m256i signs,
			int first, float *y)
{
	const __m256i to_top = _mm256_sub_epi32(_mm256_set1_epi32(31 - first),
						every(1));
	const __m256 minus = _mm256_and_ps(
		_mm256_castsi256_ps(_mm256_sllv_epi32(signs, to_top)),
		_mm256_set1_ps(-0.0f));
	const __m256 w = _mm256_mul_ps(
		_mm256_set1_ps(scale),
		_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(magnitudes)));

	_mm256_storeu_ps(y, _mm256_xor_ps(w, minus));
}

DQ_FN void store_points(const struct iq_points *p, const uint32_t *grid,
			unsigned point_weights, unsigned scale_weights,
			float *y)
{
	for (unsigned i = 0; i < 256; i += 32) {
		const __m256i signs = _mm256_set1_epi32(
			(int)dq_load_u32(p->signs + i / 8));

		for (unsigned j = 0; j < 32; j += 8)
			store_signed(load_magnitudes(
				grid, point_weights,
				p->index + (i + j) / point_weights),
				p->scales[(i + j) / scale_weights], signs,
				(int)j, y + i + j);
	}
}

/* Adds the eighth bit to bytes of 7 bits each, like iq_even_signs. */
DQ_FN __m256i even_signs(__m256i sevens)
{
	const __m256i odd = _mm256_broadcastsi128_si256(_mm_setr_epi8(
		0, -128, -128, 0, -128, 0, 0, -128,
		-128, 0, 0, -128, 0, -128, -128, 0));
	const __m256i folded = _mm256_and_si256(
		_mm256_xor_si256(sevens, _mm256_srli_epi16(sevens, 4)),
		_mm256_set1_epi8(15));

	return _mm256_or_si256(sevens, _mm256_shuffle_epi8(odd, folded));
}

/* IQ2_XXS and IQ3_XXS pack four times 7 signs and a scale in a word. */
DQ_FN void unpack_words(struct iq_points *p, __m256i words, float d,
			float factor)
{
	const __m256i fourteens = _mm256_or_si256(
		_mm256_and_si256(words, _mm256_set1_epi32(0x00003fff)),
		_mm256_and_si256(_mm256_slli_epi32(words, 2),
				 _mm256_set1_epi32(0x3fff0000)));
	const __m256i sevens = _mm256_or_si256(
		_mm256_and_si256(fourteens, _mm256_set1_epi32(0x007f007f)),
		_mm256_and_si256(_mm256_slli_epi32(fourteens, 1),
				 _mm256_set1_epi32(0x7f007f00)));

	store_32_bytes(p->signs, even_signs(sevens));
	store_half_scales(_mm256_srli_epi32(words, 28), d, factor, p->scales);
}

/* The scales of IQ2_XS and IQ2_S, a nibble each. */
DQ_FN void unpack_iq2_scales(struct iq_points *p, const uint8_t scales[8],
			     float d)
{
	for (unsigned i = 0; i < 2; i++)
		store_half_scales(fields(dq_load_u32(scales + 4 * i), every(4),
					 15),
				  d, 0.25f, p->scales + 8 * i);
}

DQ_FN void iq2_xxs_block_avx2(const struct dq_iq2_xxs *b, float *y)
{
	const __m256 q0 = _mm256_castsi256_ps(load_32_bytes(b->qs[0]));
	const __m256 q1 = _mm256_castsi256_ps(load_32_bytes(b->qs[4]));
	/* Brings the even words and the odd words from 0145 2367 into order. */
	const __m256i index = _mm256_permute4x64_epi64(
		_mm256_castps_si256(_mm256_shuffle_ps(q0, q1, 0x88)), 0xd8);
	const __m256i packed = _mm256_permute4x64_epi64(
		_mm256_castps_si256(_mm256_shuffle_ps(q0, q1, 0xdd)), 0xd8);
	struct iq_points p;
	uint8_t bytes[32];

	store_32_bytes(bytes, index);
	for (unsigned i = 0; i < 32; i += 8)
		store_index(p.index + i, bytes + i, _mm256_setzero_si256());
	unpack_words(&p, packed, dq_load_f16(b->d), 0.25f);
	store_points(&p, iq2_xxs_grid, 8, 32, y);
}

DQ_FN void iq2_xs_block_avx2(const struct dq_iq2_xs *b, float *y)
{
	/* Each 128 bits are packed separately: from 02 13 into order. */
	const __m256i sevens = _mm256_permute4x64_epi64(_mm256_packus_epi16(
		_mm256_srli_epi16(load_32_bytes(b->qs[0]), 9),
		_mm256_srli_epi16(load_32_bytes(b->qs[16]), 9)), 0xd8);
	struct iq_points p;

	for (unsigned i = 0; i < 32; i += 8)
		store_32_bytes(p.index + i, _mm256_and_si256(
			_mm256_cvtepu16_epi32(load_16_bytes(b->qs[i])),
			_mm256_set1_epi32(511)));
	store_32_bytes(p.signs, even_signs(sevens));
	unpack_iq2_scales(&p, b->scales, dq_load_f16(b->d));
	store_points(&p, iq2_xs_grid, 8, 16, y);
}

DQ_FN void iq2_s_block_avx2(const struct dq_iq2_s *b, float *y)
{
	struct iq_points p;

	for (unsigned i = 0; i < 32; i += 8)
		store_index(p.index + i, b->qs + i,
			    fields(dq_load_u16(b->qh + i / 4), every(2), 3));
	memcpy(p.signs, b->signs, sizeof(p.signs));
	unpack_iq2_scales(&p, b->scales, dq_load_f16(b->d));
	store_points(&p, iq2_s_grid, 8, 16, y);
}

DQ_FN void iq3_xxs_block_avx2(const struct dq_iq3_xxs *b, float *y)
{
	struct iq_points p;

	for (unsigned i = 0; i < 64; i += 8)
		store_index(p.index + i, b->qs + i, _mm256_setzero_si256());
	unpack_words(&p, load_32_bytes(b->packed), dq_load_f16(b->d), 0.5f);
	store_points(&p, iq3_xxs_grid, 4, 32, y);
}

DQ_FN void iq3_s_block_avx2(const struct dq_iq3_s *b, float *y)
{
	struct iq_points p;

	for (unsigned i = 0; i < 64; i += 8)
		store_index(p.index + i, b->qs + i,
			    fields(b->qh[i / 8], every(1), 1));
	memcpy(p.signs, b->signs, sizeof(p.signs));
	store_odd_scales(fields(dq_load_u32(b->scales), every(4), 15),
			 dq_load_f16(b->d), p.scales);
	store_points(&p, iq3_s_grid, 4, 32, y);
}

/*
 * IQ1
 */

/* grid + delta for codes 0, 1, 2, with delta 0.125 and −0.125. */
static const float iq1_values[2][4] = {
	{ -0.875f, 0.125f, 1.125f, 0 }, { -1.125f, -0.125f, 0.875f, 0 },
};

/* A weight is one of three values, which its code selects by a permutation. */
DQ_FN void store_iq1_point(unsigned index, unsigned minus, float scale,
			   float *y)
{
	const __m256 values = _mm256_broadcast_ps(
		(const __m128 *)iq1_values[minus]);
	const __m256i codes = _mm256_srlv_epi32(
		_mm256_set1_epi16((short)iq1_grid[index]), every(2));

	_mm256_storeu_ps(y, _mm256_permutevar_ps(
		_mm256_mul_ps(_mm256_set1_ps(scale), values), codes));
}

DQ_FN void iq1_s_block_avx2(const struct dq_iq1_s *b, float *y)
{
	const __m256i qh = _mm256_cvtepu16_epi32(load_16_bytes(b->qh));
	float scales[8];
	uint32_t index[32];

	store_odd_scales(_mm256_and_si256(_mm256_srli_epi32(qh, 12),
					  _mm256_set1_epi32(7)),
			 dq_load_f16(b->d), scales);
	for (unsigned i = 0; i < 32; i += 8)
		store_index(index + i, b->qs + i,
			    fields(dq_load_u32(b->qh[i / 4]), threes(), 7));
	for (unsigned i = 0; i < 32; i++)
		store_iq1_point(index[i], b->qh[i / 4][1] >> 7, scales[i / 4],
				y + 8 * i);
}

DQ_FN void iq1_m_block_avx2(const struct dq_iq1_m *b, float *y)
{
	float scales[16];
	uint32_t index[32], minus[32];
	const float d = dq_from_f16(iq1_m_load_d(b));

	for (unsigned i = 0; i < 2; i++)
		store_odd_scales(fields(dq_load_u32(b->scales[2 * i]),
					threes(), 7),
				 d, scales + 8 * i);
	for (unsigned i = 0; i < 32; i += 8) {
		const uint32_t qh = dq_load_u32(b->qh + i / 2);

		store_index(index + i, b->qs + i, fields(qh, every(4), 7));
		store_32_bytes(minus + i, fields(qh >> 3, every(4), 1));
	}
	for (unsigned i = 0; i < 32; i++)
		store_iq1_point(index[i], minus[i], scales[i / 2], y + 8 * i);
}

/*
 * IQ4
 */

/* 32 weights. A permutation uses the low three bits of an index; the fourth bit
 * selects one of two permutations. */
DQ_FN void store_iq4(const uint8_t qs[16], float scale, float *y)
{
	const __m256 s = _mm256_set1_ps(scale);
	const __m256 lower = _mm256_mul_ps(
			s, _mm256_loadu_ps(iq4_values.values));
	const __m256 upper = _mm256_mul_ps(
			s, _mm256_loadu_ps(iq4_values.values + 8));

	for (int i = 0; i < 4; i++) {
		const __m256i q = _mm256_srli_epi32(
			_mm256_cvtepu8_epi32(load_8_bytes(qs + i % 2 * 8)),
			i / 2 * 4);

		_mm256_storeu_ps(y + 8 * i, _mm256_blendv_ps(
			_mm256_permutevar8x32_ps(lower, q),
			_mm256_permutevar8x32_ps(upper, q),
			_mm256_castsi256_ps(_mm256_slli_epi32(q, 28))));
	}
}

DQ_FN void iq4_nl_block_avx2(const struct dq_iq4_nl *b, float *y)
{
	store_iq4(b->qs, dq_load_f16(b->d), y);
}

DQ_FN void iq4_xs_block_avx2(const struct dq_iq4_xs *b, float *y)
{
	const __m256i low = fields(dq_load_u32(b->scales_l), every(4), 15);
	const __m256i high = fields(dq_load_u16(b->scales_h), every(2), 3);
	const __m256i s = _mm256_sub_epi32(
		_mm256_or_si256(low, _mm256_slli_epi32(high, 4)),
		_mm256_set1_epi32(32));
	float scales[8];

	_mm256_storeu_ps(scales, _mm256_mul_ps(
		_mm256_set1_ps(dq_load_f16(b->d)), _mm256_cvtepi32_ps(s)));
	for (unsigned i = 0; i < 8; i++)
		store_iq4(b->qs[i], scales[i], y + 32 * i);
}

/* Used by rows.c instead of a loop over the decode function. */
#define iq2_xxs_block iq2_xxs_block_avx2
#define iq2_xs_block iq2_xs_block_avx2
#define iq2_s_block iq2_s_block_avx2
#define iq3_xxs_block iq3_xxs_block_avx2
#define iq3_s_block iq3_s_block_avx2
#define iq1_s_block iq1_s_block_avx2
#define iq1_m_block iq1_m_block_avx2
#define iq4_nl_block iq4_nl_block_avx2
#define iq4_xs_block iq4_xs_block_avx2
#endif

#endif

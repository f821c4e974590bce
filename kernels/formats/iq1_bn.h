/*
 * IQ1_BN: 64 weights in 13 bytes, and a scale d per row.
 *
 *   row header   | d: f16 |
 *   block        | ql: 4 × 3 | extra: 1 |   w = d · (digit − 1)
 *
 * A byte holds five ternary digits as the fraction byte / 256, as in TQ1_0. Of
 * each 16 weights, 15 are the digits of three bytes of ql, the last digit
 * first: digit k of a byte is 3 · frac(byte · 3^(4 − k) / 256) rounded down.
 * The 16th is a digit of extra, which has one for each 16 weights.
 *
 * Exact: a product with −1, 0 or 1.
 */
#ifndef DQ_IQ1_BN_H
#define DQ_IQ1_BN_H

#include "../dq_bytes.h"
#include "../dq_rows.h"

struct dq_iq1_bn {
	uint8_t ql[4][3];
	uint8_t extra;
};

DQ_ROW_SCALE(iq1_bn)

/* 3^(4 − k) */
DQ_FN unsigned iq1_bn_power(unsigned k)
{
	return k ? 0x0103091bu >> 8 * (k - 1) & 255 : 81;
}

#ifdef DQ_AVX2
/* The digits of 16 weights at once. Byte 3 of their word becomes extra. */
DQ_FN void iq1_bn_digits(const struct dq_iq1_bn *b, unsigned group,
			 struct dq_bytes *q)
{
	const uint32_t w = (dq_load_u32(b->ql[group]) & 0xffffff) |
			   (uint32_t)b->extra << 24;
	const __m128i bytes = _mm_shuffle_epi8(
		_mm_cvtsi32_si128((int)w),
		_mm_setr_epi8(0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3));
	const __m256i powers = _mm256_setr_epi16(
		81, 27, 9, 3, 1, 81, 27, 9, 3, 1, 81, 27, 9, 3, 1,
		(short)iq1_bn_power(group));
	const __m256i fractions = _mm256_and_si256(
		_mm256_mullo_epi16(_mm256_cvtepu8_epi16(bytes), powers),
		_mm256_set1_epi16(255));
	const __m256i digits = _mm256_srli_epi16(
		_mm256_mullo_epi16(fractions, _mm256_set1_epi16(3)), 8);

	_mm_storeu_si128((__m128i *)q->at,
			 _mm_packus_epi16(_mm256_castsi256_si128(digits),
					  _mm256_extracti128_si256(digits, 1)));
}
#endif

DQ_FN void iq1_bn_decode(const struct dq_iq1_bn *b, struct dq_row at,
			 unsigned first, unsigned n, float *DQ_RESTRICT y)
{
	const unsigned group = first / 16;
	struct dq_bytes q;

#ifdef DQ_AVX2
	if (n == 16) {
		iq1_bn_digits(b, group, &q);
		dq_scale(&q, n, at.d, 1, y);
		return;
	}
#endif
	for (unsigned i = 0; i < n; i += 4) {
		uint32_t w = 0;

		for (unsigned k = 0; k < 4; k++) {
			const unsigned j = (first + i + k) % 16;
			const unsigned byte = j < 15 ? b->ql[group][j / 5] :
						       b->extra;
			const unsigned power =
				iq1_bn_power(j < 15 ? j % 5 : group);

			w |= ((byte * power & 255) * 3 >> 8) << 8 * k;
		}
		dq_set_word(&q, i, w);
	}
	dq_scale(&q, n, at.d, 1, y);
}

#endif

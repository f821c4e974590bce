/*
 * dq_bytes_array.h - dq_bytes.h with an array of bytes, for CPUs. Vectors are
 * written by hand if compilers leave half of each register empty, or do not
 * vectorise at all.
 */
#ifndef DQ_BYTES_ARRAY_H
#define DQ_BYTES_ARRAY_H

#include "dq.h"

#define DQ_MAX_SPAN 32

struct dq_bytes {
	int8_t at[DQ_MAX_SPAN];
};

DQ_FN void dq_fields(struct dq_bytes *q, unsigned n, const uint8_t *p,
		     unsigned shift, unsigned mask)
{
	for (unsigned i = 0; i < n; i++)
		q->at[i] = (int8_t)(p[i] >> shift & mask);
}

#define dq_loose_fields dq_fields
#define dq_word_fields dq_fields

DQ_FN void dq_set_word(struct dq_bytes *q, unsigned i, uint32_t w)
{
	memcpy(q->at + i, &w, sizeof(w));
}

DQ_FN void dq_add(struct dq_bytes *q, unsigned n, const struct dq_bytes *x,
		  unsigned k)
{
	for (unsigned i = 0; i < n; i++)
		q->at[i] = (int8_t)((unsigned)q->at[i] +
				    (unsigned)x->at[i] * k);
}

DQ_FN void dq_add_bits(struct dq_bytes *q, unsigned n, uint32_t bits,
		       unsigned k)
{
	unsigned i = 0;

#ifdef DQ_SSE2
	for (; i + 16 <= n; i += 16) {
		const __m128i bit = _mm_set1_epi64x(
			(int64_t)0x8040201008040201);
		__m128i *const to = (__m128i *)(q->at + i);
		__m128i x = _mm_cvtsi32_si128((int)(bits >> i));

		/* Repeat each of the two bytes eight times; select one bit in
		 * each copy. */
		x = _mm_unpacklo_epi8(x, x);
		x = _mm_shufflelo_epi16(x, 0x50);
		x = _mm_shuffle_epi32(x, 0x50);
		x = _mm_cmpeq_epi8(_mm_and_si128(x, bit), bit);
		x = _mm_and_si128(x, _mm_set1_epi8((char)k));
		_mm_storeu_si128(to, _mm_add_epi8(_mm_loadu_si128(to), x));
	}
#endif
	for (; i < n; i++)
		q->at[i] = (int8_t)((unsigned)q->at[i] +
				    (bits >> i & 1 ? k : 0));
}

#define DQ_RUN(n) (n)

DQ_FN void dq_digits(struct dq_bytes *q, unsigned at, unsigned n,
		     const uint8_t *p, unsigned k)
{
	for (unsigned i = 0; i < n; i++) {
		const uint8_t fraction = (uint8_t)(p[i] * k);

		q->at[at + i] = (int8_t)(fraction * 3 >> 8);
	}
}

DQ_FN void dq_sixes(struct dq_bytes *q, unsigned n, const uint8_t *p)
{
#ifdef DQ_AVX2
	if (n == 32) { /* 24 bytes; 3 of them go into each 32-bit lane */
		const __m256i spread = _mm256_setr_epi8(
			1, 2, 3, -1, 4, 5, 6, -1, 7, 8, 9, -1, 10, 11, 12, -1,
			4, 5, 6, -1, 7, 8, 9, -1, 10, 11, 12, -1, 13, 14, 15,
			-1);
		const __m256i x = _mm256_shuffle_epi8(
			_mm256_loadu2_m128i((const __m128i *)(p + 8),
					    (const __m128i *)(p - 1)), spread);
		const __m256i twelves = _mm256_or_si256(
			_mm256_and_si256(x, _mm256_set1_epi32(0xfff)),
			_mm256_slli_epi32(_mm256_and_si256(
				x, _mm256_set1_epi32(0xfff000)), 4));

		_mm256_storeu_si256((__m256i *)q->at, _mm256_or_si256(
			_mm256_and_si256(twelves,
					 _mm256_set1_epi16(0x3f)),
			_mm256_slli_epi16(_mm256_and_si256(
				twelves, _mm256_set1_epi16(0xfc0)), 2)));
		return;
	}
#endif
	for (unsigned i = 0; i < n; i += 4) {
		const uint32_t w = dq_four_sixes(dq_load_u32(p - 1) >> 8);

		memcpy(q->at + i, &w, sizeof(w));
		p += 3;
	}
}

#ifdef DQ_AVX2
DQ_FN __m256 dq_scale_8(const int8_t *q, float d)
{
	const __m128i bytes = _mm_loadl_epi64((const __m128i *)q);
	const __m256 x = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));

	return _mm256_mul_ps(_mm256_set1_ps(d), x);
}
#endif

DQ_FN void dq_scale_int8(const int8_t *p, unsigned n, float d,
			 float *DQ_RESTRICT y)
{
	unsigned i = 0;

#ifdef DQ_AVX2
	for (; i + 8 <= n; i += 8)
		_mm256_storeu_ps(y + i, dq_scale_8(p + i, d));
#endif
	for (; i < n; i++)
		y[i] = d * (float)p[i];
}

#define dq_scale_int8_words dq_scale_int8

DQ_FN void dq_scale(const struct dq_bytes *q, unsigned n, float d,
		    unsigned zero, float *DQ_RESTRICT y)
{
	int8_t x[DQ_MAX_SPAN];

	for (unsigned i = 0; i < n; i++)
		x[i] = (int8_t)(q->at[i] - (int)zero);
	dq_scale_int8(x, n, d, y);
}

DQ_FN void dq_scale_add(const struct dq_bytes *q, unsigned n, float d, float m,
			float *DQ_RESTRICT y)
{
	unsigned i = 0;

#ifdef DQ_AVX2
	for (; i + 8 <= n; i += 8) {
		const __m256i x = _mm256_cvtepu8_epi32(
			_mm_loadl_epi64((const __m128i *)(q->at + i)));

		_mm256_storeu_ps(y + i, _mm256_add_ps(
			_mm256_mul_ps(_mm256_set1_ps(d), _mm256_cvtepi32_ps(x)),
			_mm256_set1_ps(m)));
	}
#endif
	for (; i < n; i++)
		y[i] = d * (float)(uint8_t)q->at[i] + m;
}

struct dq_sixteen {
	int8_t bytes[16];
	float values[16];
};
#define DQ_SIXTEEN(table, ...) \
	DQ_TABLE struct dq_sixteen table = { { __VA_ARGS__ }, { __VA_ARGS__ } }

#ifdef DQ_AVX2
/* Looks up n bytes, a multiple of 16. */
DQ_FN void dq_lookup_bytes(const struct dq_bytes *q, unsigned n,
			   const struct dq_sixteen *table, int8_t *found)
{
	const __m128i t = _mm_loadu_si128((const __m128i *)table->bytes);

	for (unsigned i = 0; i < n; i += 16) {
		const __m128i *const from = (const __m128i *)(q->at + i);

		_mm_storeu_si128((__m128i *)(found + i),
				 _mm_shuffle_epi8(t, _mm_loadu_si128(from)));
	}
}
#endif

#define dq_table_value(table, i) ((int)(table).bytes[i])
#define dq_table(q, n, table) dq_table_of(q, n, &(table))

DQ_FN void dq_table_of(struct dq_bytes *q, unsigned n,
		       const struct dq_sixteen *table)
{
	int8_t found[DQ_MAX_SPAN];

#ifdef DQ_AVX2
	if (n % 16 == 0)
		dq_lookup_bytes(q, n, table, found);
	else
#endif
	for (unsigned i = 0; i < n; i++)
		found[i] = table->bytes[q->at[i]];
	for (unsigned i = 0; i < n; i++)
		q->at[i] = (int8_t)(found[i] ^ 0x80);
}

#define DQ_THIRTY_TWO(table, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, \
		      ...)                                                   \
	DQ_SIXTEEN(table##_lower, a, b, c, d, e, f, g, h, i, j, k, l, m, n,  \
		   o, p);                                                    \
	DQ_SIXTEEN(table##_upper, __VA_ARGS__)

#define dq_table_32(q, n, table) \
	dq_table_of_32(q, n, &(table##_lower), &(table##_upper))

DQ_FN void dq_table_of_32(struct dq_bytes *q, unsigned n,
			  const struct dq_sixteen *lower,
			  const struct dq_sixteen *upper)
{
	struct dq_bytes low, above;

	for (unsigned i = 0; i < n; i++) {
		low.at[i] = q->at[i] & 15;
		above.at[i] = q->at[i] & 16 ? -1 : 0;
	}
	*q = low;
	dq_table_of(&low, n, lower);
	dq_table_of(q, n, upper);
	for (unsigned i = 0; i < n; i++)
		q->at[i] = (int8_t)((q->at[i] & above.at[i]) |
				    (low.at[i] & ~above.at[i]));
}

#define dq_scale_table(q, n, table, d, y) \
	dq_scale_lookup(q, n, &(table), d, y)

DQ_FN void dq_scale_lookup(const struct dq_bytes *q, unsigned n,
			   const struct dq_sixteen *table, float d,
			   float *DQ_RESTRICT y)
{
#ifdef DQ_AVX2
	if (n % 16 == 0) {
		int8_t found[DQ_MAX_SPAN];

		dq_lookup_bytes(q, n, table, found);
		dq_scale_int8(found, n, d, y);
		return;
	}
#endif
	for (unsigned i = 0; i < n; i++)
		y[i] = d * table->values[q->at[i]];
}

DQ_FN void dq_scale_floats(const struct dq_bytes *q, unsigned n,
			   const uint32_t *bits, float d, float *DQ_RESTRICT y)
{
	for (unsigned i = 0; i < n; i++)
		y[i] = d * dq_float(bits[q->at[i]]);
}

DQ_FN void dq_scale_half(const struct dq_bytes *q, unsigned n, unsigned shift,
			 float k, float d, float *DQ_RESTRICT y)
{
	unsigned i = 0;

#if defined(DQ_AVX2) && defined(DQ_F16C)
	for (; i + 8 <= n; i += 8) {
		const __m128i x = _mm_cvtepu8_epi16(
			_mm_loadl_epi64((const __m128i *)(q->at + i)));
		const __m128i half = _mm_or_si128(
			_mm_slli_epi16(_mm_and_si128(x, _mm_set1_epi16(31)),
				       (int)shift),
			_mm_slli_epi16(_mm_srli_epi16(x, 5), 15));
		const __m256 f = _mm256_mul_ps(_mm256_cvtph_ps(half),
					       _mm256_set1_ps(k));

		_mm256_storeu_ps(y + i, _mm256_mul_ps(_mm256_set1_ps(d), f));
	}
#endif
	for (; i < n; i++)
		y[i] = d * (k * dq_tiny((uint8_t)q->at[i], shift));
}

DQ_FN void dq_scale_pairs(uint32_t pairs, unsigned n, float d, float offset,
			  float *DQ_RESTRICT y)
{
	for (unsigned i = 0; i < n; i++)
		y[i] = d * ((float)(int)(pairs >> 2 * i & 3) + offset);
}

#endif

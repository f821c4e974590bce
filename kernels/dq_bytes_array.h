/*
 * dq_bytes_array.h - dq_bytes.h with an array of bytes, for CPUs. By hand where
 * compilers would leave half of each register empty, or not see a vector.
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

		/* Each of the two bytes eight times, and a bit of each. */
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
	for (; i + 8 <= n; i += 8)
		_mm256_storeu_ps(y + i, _mm256_add_ps(dq_scale_8(q->at + i, d),
						      _mm256_set1_ps(m)));
#endif
	for (; i < n; i++)
		y[i] = d * (float)q->at[i] + m;
}

struct dq_sixteen {
	int8_t bytes[16];
	float values[16];
};
#define DQ_SIXTEEN(table, ...) \
	DQ_TABLE struct dq_sixteen table = { { __VA_ARGS__ }, { __VA_ARGS__ } }

#ifdef DQ_AVX2
/* n bytes of the table, n a multiple of 16 */
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

DQ_FN void dq_scale_pairs(uint32_t pairs, unsigned n, float d, float offset,
			  float *DQ_RESTRICT y)
{
	for (unsigned i = 0; i < n; i++)
		y[i] = d * ((float)(int)(pairs >> 2 * i & 3) + offset);
}

#endif

/* dq_bytes_words.h - dq_bytes.h with four bytes per word, for GPUs. */
#ifndef DQ_BYTES_WORDS_H
#define DQ_BYTES_WORDS_H

#include "dq.h"

struct dq_bytes {
	uint32_t w[2];
};

DQ_FN void dq_fields(struct dq_bytes *q, unsigned n, const uint8_t *p,
		     unsigned shift, unsigned mask)
{
	for (unsigned i = 0; i < n / 4; i++)
		q->w[i] = dq_load_u32(p + 4 * i) >> shift & mask * 0x01010101;
}

DQ_FN void dq_loose_fields(struct dq_bytes *q, unsigned n, const uint8_t *p,
			   unsigned shift, unsigned mask)
{
	dq_load_words(p, n / 4, q->w);
	for (unsigned i = 0; i < n / 4; i++)
		q->w[i] = q->w[i] >> shift & mask * 0x01010101;
}

DQ_FN void dq_word_fields(struct dq_bytes *q, unsigned n, const uint8_t *p,
			  unsigned shift, unsigned mask)
{
	for (unsigned i = 0; i < n / 4; i++)
		q->w[i] = dq_load_word(p + 4 * i) >> shift & mask * 0x01010101;
}

DQ_FN void dq_set_word(struct dq_bytes *q, unsigned i, uint32_t w)
{
	q->w[i / 4] = w;
}

DQ_FN void dq_add(struct dq_bytes *q, unsigned n, const struct dq_bytes *x,
		  unsigned k)
{
	for (unsigned i = 0; i < n / 4; i++)
		q->w[i] += x->w[i] * k;
}

DQ_FN void dq_add_bits(struct dq_bytes *q, unsigned n, uint32_t bits,
		       unsigned k)
{
	for (unsigned i = 0; i < n / 4; i++, bits >>= 4)
		/* The product also puts bit j at bit 8 j. */
		q->w[i] += ((bits & 15) * 0x00204081 & 0x01010101) * k;
}

#define DQ_RUN(n) 4u

DQ_FN void dq_digits(struct dq_bytes *q, unsigned at, unsigned n,
		     const uint8_t *p, unsigned k)
{
	uint32_t w, even, odd;

	(void)n; /* 4 */
	dq_load_words(p, 1, &w);
	even = (w & 0x00ff00ff) * k & 0x00ff00ff;
	odd = (w >> 8 & 0x00ff00ff) * k & 0x00ff00ff;
	q->w[at / 4] = (even * 3 >> 8 & 0x00030003) | (odd * 3 & 0x03000300);
}

DQ_FN void dq_sixes(struct dq_bytes *q, unsigned n, const uint8_t *p)
{
	for (unsigned i = 0; i < n / 4; i++) {
		uint32_t w;

		dq_load_words(p + 3 * i - 1, 1, &w);
		q->w[i] = dq_four_sixes(w >> 8);
	}
}

DQ_FN void dq_scale(const struct dq_bytes *q, unsigned n, float d,
		    unsigned zero, float *DQ_RESTRICT y)
{
	for (unsigned i = 0; i < n; i++)
		y[i] = d * dq_byte(q->w[i / 4], i % 4, zero);
}

DQ_FN void dq_scale_add(const struct dq_bytes *q, unsigned n, float d, float m,
			float *DQ_RESTRICT y)
{
	for (unsigned i = 0; i < n; i++)
		y[i] = d * dq_byte(q->w[i / 4], i % 4, 0) + m;
}

/* Stored with a bias of 128, as unsigned bytes. */
#define DQ_EIGHT(a, b, c, d, e, f, g, h)                             \
	((uint64_t)((h) + 128) << 56 | (uint64_t)((g) + 128) << 48 | \
	 (uint64_t)((f) + 128) << 40 | (uint64_t)((e) + 128) << 32 | \
	 (uint64_t)((d) + 128) << 24 | (uint64_t)((c) + 128) << 16 | \
	 (uint64_t)((b) + 128) << 8 | (uint64_t)((a) + 128))
#define DQ_SIXTEEN(table, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)     \
	static const uint64_t table##_low = DQ_EIGHT(a, b, c, d, e, f, g, h); \
	static const uint64_t table##_high = DQ_EIGHT(i, j, k, l, m, n, o, p)

#define dq_table_value(table, i) \
	((int)(((i) < 8 ? table##_low : table##_high) >> (i) % 8 * 8 & 255) - \
	 128)
#define dq_table(q, n, table) dq_table_of(q, n, table##_low, table##_high)

DQ_FN void dq_table_of(struct dq_bytes *q, unsigned n, uint64_t low,
		       uint64_t high)
{
	for (unsigned i = 0; i < n / 4; i++)
		q->w[i] = dq_lookup(low, high, q->w[i]);
}

#define DQ_THIRTY_TWO(table, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, \
		      ...)                                                   \
	DQ_SIXTEEN(table##_lower, a, b, c, d, e, f, g, h, i, j, k, l, m, n,  \
		   o, p);                                                    \
	DQ_SIXTEEN(table##_upper, __VA_ARGS__)

#define dq_table_32(q, n, table)                                           \
	dq_table_of_32(q, n, table##_lower_low, table##_lower_high,        \
		       table##_upper_low, table##_upper_high)

DQ_FN void dq_table_of_32(struct dq_bytes *q, unsigned n, uint64_t lower_low,
			  uint64_t lower_high, uint64_t upper_low,
			  uint64_t upper_high)
{
	for (unsigned i = 0; i < n / 4; i++) {
		const uint32_t w = q->w[i] & 0x0f0f0f0f;
		const uint32_t lower = dq_lookup(lower_low, lower_high, w);
		const uint32_t upper = dq_lookup(upper_low, upper_high, w);
		const uint32_t above = (q->w[i] >> 4 & 0x01010101) * 255;

		q->w[i] = (upper & above) | (lower & ~above);
	}
}

#define dq_scale_table(q, n, table, d, y) \
	dq_scale_lookup(q, n, table##_low, table##_high, d, y)

DQ_FN void dq_scale_lookup(const struct dq_bytes *q, unsigned n, uint64_t low,
			   uint64_t high, float d, float *DQ_RESTRICT y)
{
	struct dq_bytes found;

	for (unsigned i = 0; i < n / 4; i++)
		found.w[i] = dq_lookup(low, high, q->w[i]);
	dq_scale(&found, n, d, 128, y);
}

DQ_FN void dq_scale_floats(const struct dq_bytes *q, unsigned n,
			   const uint32_t *bits, float d, float *DQ_RESTRICT y)
{
	for (unsigned i = 0; i < n; i++)
		y[i] = d * dq_float(bits[q->w[i / 4] >> i % 4 * 8 & 255]);
}

DQ_FN void dq_scale_half(const struct dq_bytes *q, unsigned n, unsigned shift,
			 float k, float d, float *DQ_RESTRICT y)
{
	for (unsigned i = 0; i < n; i++)
		y[i] = d * (k * dq_tiny(q->w[i / 4] >> i % 4 * 8, shift));
}

DQ_FN void dq_scale_int8(const int8_t *p, unsigned n, float d,
			 float *DQ_RESTRICT y)
{
	struct dq_bytes q;

	for (unsigned i = 0; i < n / 4; i++) /* adds 128 */
		q.w[i] = dq_load_u32((const uint8_t *)p + 4 * i) ^ 0x80808080;
	dq_scale(&q, n, d, 128, y);
}

DQ_FN void dq_scale_int8_words(const int8_t *p, unsigned n, float d,
			       float *DQ_RESTRICT y)
{
	struct dq_bytes q;

	for (unsigned i = 0; i < n / 4; i++) /* adds 128 */
		q.w[i] = dq_load_word((const uint8_t *)p + 4 * i) ^ 0x80808080;
	dq_scale(&q, n, d, 128, y);
}

DQ_FN void dq_scale_pairs(uint32_t pairs, unsigned n, float d, float offset,
			  float *DQ_RESTRICT y)
{
	for (unsigned i = 0; i < n; i += 4, pairs >>= 8) {
		const uint32_t nibbles = (pairs & 15) |
					 (pairs << 12 & 0x000f0000);
		const uint32_t w = (nibbles | nibbles << 6) & 0x03030303;

		for (unsigned j = 0; j < 4; j++)
			y[i + j] = d * (dq_byte(w, j, 0) + offset);
	}
}

#endif

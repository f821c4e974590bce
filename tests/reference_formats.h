/*
 * reference_formats.h - decodes each format one weight at a time, in double,
 * where every product and sum is exact. The value is rounded once, when it is
 * converted to float.
 *
 * Written from the layouts, by byte offset; it shares no code with kernels/.
 */
#ifndef REFERENCE_FORMATS_H
#define REFERENCE_FORMATS_H

#include "reference.h"

static inline double reference_f16_at(const uint8_t *p)
{
	return reference_from_f16((uint16_t)(p[0] | p[1] << 8));
}

/* Nibble i of 16 bytes: first all low ones, then all high ones. */
static inline int reference_nibble(const uint8_t *qs, unsigned i)
{
	return i < 16 ? qs[i] & 15 : qs[i - 16] >> 4;
}

static inline int reference_bit(const uint8_t *bits, unsigned i)
{
	return bits[i / 8] >> i % 8 & 1;
}

/* The two bits of weight i of 256; 32 bytes hold four quarters of 128
 * weights. */
static inline int reference_quarter(const uint8_t *qs, unsigned i)
{
	return qs[i / 128 * 32 + i % 32] >> i % 128 / 32 * 2 & 3;
}

static inline double reference_q4_0(const uint8_t *b, unsigned i)
{
	return reference_f16_at(b) * (reference_nibble(b + 2, i) - 8);
}

static inline double reference_q4_1(const uint8_t *b, unsigned i)
{
	return reference_f16_at(b) * reference_nibble(b + 4, i) +
	       reference_f16_at(b + 2);
}

static inline double reference_q5_0(const uint8_t *b, unsigned i)
{
	const int q = reference_nibble(b + 6, i) + 16 * reference_bit(b + 2, i);

	return reference_f16_at(b) * (q - 16);
}

static inline double reference_q5_1(const uint8_t *b, unsigned i)
{
	const int q = reference_nibble(b + 8, i) + 16 * reference_bit(b + 4, i);

	return reference_f16_at(b) * q + reference_f16_at(b + 2);
}

static inline double reference_q8_0(const uint8_t *b, unsigned i)
{
	return reference_f16_at(b) * (int8_t)b[2 + i];
}

static inline double reference_q8_1(const uint8_t *b, unsigned i)
{
	return reference_f16_at(b) * (int8_t)b[4 + i];
}

static inline double reference_q2_k(const uint8_t *b, unsigned i)
{
	const int sc = b[i / 16] & 15, m = b[i / 16] >> 4;

	return reference_f16_at(b + 80) * sc * reference_quarter(b + 16, i) -
	       reference_f16_at(b + 82) * m;
}

static inline double reference_q3_k(const uint8_t *b, unsigned i)
{
	const uint8_t *scales = b + 96;
	const unsigned k = i / 16;
	const int low = k < 8 ? scales[k] & 15 : scales[k - 8] >> 4;
	const int high = scales[8 + k % 4] >> k / 4 * 2 & 3;
	const int minus = b[i % 32] >> i / 32 & 1 ? 0 : 4;

	return reference_f16_at(b + 108) * (low + 16 * high - 32) *
	       (reference_quarter(b + 32, i) - minus);
}

static inline void reference_k_scale(const uint8_t *scales, unsigned j,
				     int *scale, int *min)
{
	if (j < 4) {
		*scale = scales[j] % 64;
		*min = scales[j + 4] % 64;
	} else {
		*scale = scales[j + 4] % 16 + scales[j - 4] / 64 * 16;
		*min = scales[j + 4] / 16 + scales[j] / 64 * 16;
	}
}

static inline double reference_q4_k(const uint8_t *b, unsigned i)
{
	const uint8_t byte = b[16 + i / 64 * 32 + i % 32];
	int sc, m;

	reference_k_scale(b + 4, i / 32, &sc, &m);
	return reference_f16_at(b) * sc * (i / 32 % 2 ? byte / 16 : byte % 16) -
	       reference_f16_at(b + 2) * m;
}

static inline double reference_q5_k(const uint8_t *b, unsigned i)
{
	const uint8_t byte = b[48 + i / 64 * 32 + i % 32];
	const int high = b[16 + i % 32] >> i / 32 & 1;
	int sc, m;

	reference_k_scale(b + 4, i / 32, &sc, &m);
	return reference_f16_at(b) * sc *
		       ((i / 32 % 2 ? byte / 16 : byte % 16) + 16 * high) -
	       reference_f16_at(b + 2) * m;
}

static inline double reference_q6_k(const uint8_t *b, unsigned i)
{
	const unsigned h = i / 128, r = i % 128;
	const uint8_t byte = b[64 * h + r % 64];
	const int low = r < 64 ? byte % 16 : byte / 16;
	const int high = b[128 + 32 * h + r % 32] >> 2 * (r / 32) & 3;

	return reference_f16_at(b + 208) * (int8_t)b[192 + i / 16] *
	       (low + 16 * high - 32);
}

static inline double reference_tq1_0(const uint8_t *b, unsigned i)
{
	uint8_t byte;
	unsigned digit;

	if (i < 160) {
		byte = b[i % 32];
		digit = i / 32;
	} else if (i < 240) {
		byte = b[32 + i % 16];
		digit = (i - 160) / 16;
	} else {
		byte = b[48 + i % 4];
		digit = (i - 240) / 4;
	}
	while (digit-- > 0)
		byte = (uint8_t)(byte * 3);
	return reference_f16_at(b + 52) * (byte * 3 / 256 - 1);
}

static inline double reference_tq2_0(const uint8_t *b, unsigned i)
{
	return reference_f16_at(b + 64) * (reference_quarter(b, i) - 1);
}

static inline double reference_q1_0(const uint8_t *b, unsigned i)
{
	const double d = reference_f16_at(b);

	return reference_bit(b + 2, i) ? d : -d;
}

static inline double reference_q2_0(const uint8_t *b, unsigned i)
{
	return ((b[2 + i / 4] >> i % 4 * 2 & 3) - 1) * reference_f16_at(b);
}

/* Twice the value of an E2M1. */
static inline int reference_e2m1(int q)
{
	static const int values[] = {
		0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12,
	};

	return values[q];
}

static inline double reference_mxfp4(const uint8_t *b, unsigned i)
{
	return ldexp(reference_e2m1(reference_nibble(b + 1, i)), b[0] - 128);
}

static inline double reference_nvfp4(const uint8_t *b, unsigned i)
{
	const uint8_t byte = b[4 + i / 16 * 8 + i % 8], d = b[i / 16];
	const int exponent = d >> 3 & 15, mantissa = d & 7;
	double scale;

	if (d == 0x7f)
		scale = 0;
	else if (exponent)
		scale = ldexp(8 + mantissa, exponent - 11);
	else
		scale = ldexp(mantissa, -10);
	return scale * reference_e2m1(i % 16 < 8 ? byte & 15 : byte >> 4);
}

/* The 6-bit floats of OCP Microscaling; zeros keep their sign. */
static inline double reference_mxfp6(const uint8_t *b, unsigned i,
				     int mantissa, int bias)
{
	int q = 0, exponent, fraction;
	double magnitude;

	if (b[0] == 255)
		return NAN;
	for (unsigned bit = 0; bit < 6; bit++)
		q |= reference_bit(b + 1, 6 * i + bit) << bit;
	exponent = (q & 31) >> mantissa;
	fraction = (q & 31) - (exponent << mantissa);
	if (exponent)
		magnitude = ldexp((1 << mantissa) + fraction,
				  exponent - bias - mantissa);
	else
		magnitude = ldexp(fraction, 1 - bias - mantissa);
	return ldexp(q & 32 ? -magnitude : magnitude, b[0] - 127);
}

static inline double reference_mxfp6_e2m3(const uint8_t *b, unsigned i)
{
	return reference_mxfp6(b, i, 3, 1);
}

static inline double reference_mxfp6_e3m2(const uint8_t *b, unsigned i)
{
	return reference_mxfp6(b, i, 2, 3);
}

static inline double reference_q8_k(const uint8_t *b, unsigned i)
{
	float d;

	memcpy(&d, b, sizeof(d));
	return (double)d * (int8_t)b[4 + i];
}

#endif

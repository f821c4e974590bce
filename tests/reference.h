/*
 * reference.h - rounding and scales by definition, in double arithmetic, to
 * test the bit operations of kernels/dq.h.
 */
#ifndef REFERENCE_H
#define REFERENCE_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t reference_bits(float f)
{
	uint32_t u;

	memcpy(&u, &f, sizeof(u));
	return u;
}

static inline float reference_float(uint32_t u)
{
	float f;

	memcpy(&f, &u, sizeof(f));
	return f;
}

/*
 * Rounds f to nearest even in a 16-bit binary format with that bias and
 * `mantissa` stored bits. A NaN becomes the positive quiet NaN without payload.
 */
static inline uint16_t reference_round(float f, int mantissa, int bias)
{
	const uint32_t inf = 0x7fffu >> mantissa << mantissa;
	const uint32_t sign = signbit(f) ? 0x8000 : 0;
	double units;
	uint32_t bits;
	int exponent;

	if (isnan(f))
		return (uint16_t)(inf | 1u << (mantissa - 1));
	if (isinf(f))
		return (uint16_t)(sign | inf);
	if (f == 0)
		return (uint16_t)sign;

	frexp(f, &exponent); /* |f| = 0.5…1 · 2^exponent */
	exponent = exponent < 2 - bias ? 1 - bias : exponent - 1;
	units = rint(ldexp(fabs((double)f), mantissa - exponent));
	/* If the number is normal, `units` includes the implicit bit. */
	bits = ((uint32_t)(exponent + bias - 1) << mantissa) + (uint32_t)units;
	return (uint16_t)(sign | (bits < inf ? bits : inf));
}

static inline uint16_t reference_f16(float f)
{
	return reference_round(f, 10, 15);
}

static inline uint16_t reference_bf16(float f)
{
	return reference_round(f, 7, 127);
}

/* 2^exponent, for a normal double; ldexp would take most of a test's time. */
static inline double reference_power(int exponent)
{
	const uint64_t u = (uint64_t)(1023 + exponent) << 52;
	double power;

	memcpy(&power, &u, sizeof(power));
	return power;
}

/* The value of a binary16; NAN for any NaN. */
static inline double reference_from_f16(uint16_t h)
{
	const int exponent = h >> 10 & 31;
	const int mantissa = h & 1023;
	double value;

	if (exponent == 31)
		value = mantissa ? (double)NAN : (double)INFINITY;
	else if (exponent)
		value = (1024 + mantissa) * reference_power(exponent - 25);
	else
		value = mantissa * reference_power(-24);
	return h & 0x8000 ? -value : value;
}

#endif

#include "base/number.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* If a decimal of `least` digits does not read back as a number, one of fewer
 * does not either; one of `most` always does. */
struct kind {
	double (*read)(const char *text);
	int mantissa_bits;
	int least, most;
	uint64_t limit;  /* 10^least */
	double smallest; /* normal number */
};

/* -------------------------------- scaling --------------------------------- */

typedef unsigned __int128 uint128_t;

/* m · 2^e, with the highest bit of m set. */
struct wide {
	uint128_t m;
	int e;
};

/* The relative error is below 2^-124. */
static struct wide multiply(struct wide a, struct wide b)
{
	const uint64_t a1 = (uint64_t)(a.m >> 64), a0 = (uint64_t)a.m;
	const uint64_t b1 = (uint64_t)(b.m >> 64), b0 = (uint64_t)b.m;
	struct wide product = {
		(uint128_t)a1 * b1 + ((uint128_t)a1 * b0 >> 64) +
			((uint128_t)a0 * b1 >> 64),
		a.e + b.e + 128,
	};

	if (!(product.m >> 127)) {
		product.m <<= 1;
		product.e--;
	}
	return product;
}

/* 10^k. Each squaring doubles the relative error, so the result has one of
 * |k| · 2^-124; for any double that is below 2^-115. */
static struct wide power_of_ten(int k)
{
	static const struct wide ten = { (uint128_t)10 << 124, -124 };
	static const struct wide tenth = { (uint128_t)-1 / 5 * 4, -131 };
	struct wide power = { (uint128_t)1 << 127, -127 };
	struct wide square = k < 0 ? tenth : ten;

	for (unsigned n = (unsigned)abs(k); n; n >>= 1) {
		if (n & 1)
			power = multiply(power, square);
		if (n > 1)
			square = multiply(square, square);
	}
	return power;
}

/* A number is value · 2^-shift · 10^-power; the integer part of the first two
 * has 17 to 19 digits. */
struct scaled {
	uint128_t value;
	uint128_t above, below; /* half the distance to the next numbers */
	int shift;              /* 66 to 72 */
	int power;
};

/* Larger than the error of the value, which is below 2^128. */
#define MARGIN ((uint128_t)1 << 16)

static struct scaled scale(const struct kind *kind, double number)
{
	int exponent;
	const double fraction = frexp(number, &exponent);
	const struct wide exact = {
		(uint128_t)(uint64_t)ldexp(fraction, 64) << 64, exponent - 128
	};
	/* log10(2) is a bit more than 1262611 / 2^22. */
	const int power = 17 - ((exponent - 1) * 1262611 >> 22);
	const struct wide ten = power_of_ten(power);
	const struct wide product = multiply(exact, ten);
	const uint128_t half = ten.m >> (product.e - ten.e - exponent +
					 kind->mantissa_bits + 1);

	return (struct scaled){
		.value = product.m,
		.above = half,
		.below = fraction == 0.5 ? half / 2 : half,
		.shift = -product.e,
		.power = power,
	};
}

/* -------------------------------- rounding -------------------------------- */

enum verdict { READS_BACK, DIFFERS, UNSURE };

/* Rounds to a multiple of `unit`, of which *digits gets the number. */
static enum verdict round_to(const struct scaled *scaled, uint64_t unit,
			     uint64_t *digits)
{
	const int shift = scaled->shift;
	const uint64_t integer = (uint64_t)(scaled->value >> shift);
	const uint128_t whole = (uint128_t)unit << shift;
	const uint128_t rest = scaled->value -
			       ((uint128_t)(integer / unit * unit) << shift);
	const bool up = rest > whole - rest;
	const uint128_t error = up ? whole - rest : rest;
	const uint128_t limit = up ? scaled->above : scaled->below;

	*digits = integer / unit + up;
	if (error > limit + MARGIN)
		return DIFFERS;
	if (error + MARGIN > limit || 2 * error + 2 * MARGIN > whole)
		return UNSURE;
	return READS_BACK;
}

/* Writes digits · 10^exponent as "%.*g" does with that precision. */
static void put_general(char *text, uint64_t digits, int exponent,
			int precision)
{
	const size_t size = NUMBER_SIZE - 1; /* a sign precedes it */
	char digit[24];
	int n, point; /* digits before the point */

	while (digits % 10 == 0) {
		digits /= 10;
		exponent++;
	}
	n = snprintf(digit, sizeof(digit), "%" PRIu64, digits);
	point = n + exponent;
	if (point < -3 || point > precision)
		snprintf(text, size, "%c%s%.*se%+03d", *digit,
			 n > 1 ? "." : "", n - 1, digit + 1, point - 1);
	else if (point <= 0)
		snprintf(text, size, "0.%.*s%s", -point, "000", digit);
	else if (point >= n)
		snprintf(text, size, "%s%.*s", digit, point - n,
			 "0000000000000000");
	else
		snprintf(text, size, "%.*s.%s", point, digit,
			 digit + point);
}

/* Returns false if it is not certain of the digits, as at a tie. */
static bool put_shortest(char *text, const struct kind *kind, double number)
{
	const struct scaled scaled = scale(kind, number);
	uint64_t unit = 1, digits = (uint64_t)(scaled.value >> scaled.shift);
	int exponent = -scaled.power;

	for (; digits >= kind->limit; digits /= 10) {
		unit *= 10;
		exponent++;
	}
	for (int n = kind->least; n <= kind->most; n++) {
		const enum verdict verdict = round_to(&scaled, unit, &digits);

		if (verdict == UNSURE)
			return false;
		if (verdict == READS_BACK) {
			put_general(text, digits, exponent, n);
			return true;
		}
		unit /= 10;
		exponent--;
	}
	return false;
}

static char *put(char *text, const struct kind *kind, double value)
{
	const double magnitude = fabs(value);
	const bool normal = magnitude > kind->smallest && isfinite(value);
	int n = normal ? kind->least : 1;

	*text = '-';
	if (normal && put_shortest(text + (value < 0), kind, magnitude))
		return text;
	do
		snprintf(text, NUMBER_SIZE, "%.*g", n, value);
	while (kind->read(text) != value && n++ < kind->most);
	return text;
}

static double read_float(const char *text)
{
	return (double)strtof(text, NULL);
}

static double read_double(const char *text)
{
	return strtod(text, NULL);
}

char *number_float(char text[NUMBER_SIZE], float value)
{
	static const struct kind kind = { read_float, FLT_MANT_DIG, 6, 9,
					  1000000, (double)FLT_MIN };

	return put(text, &kind, (double)value);
}

char *number_double(char text[NUMBER_SIZE], double value)
{
	static const struct kind kind = { read_double, DBL_MANT_DIG, 15, 17,
					  1000000000000000, DBL_MIN };

	return put(text, &kind, value);
}

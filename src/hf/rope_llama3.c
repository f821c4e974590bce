#include "hf/rope_llama3.h"

#include <math.h>

/*
 * For a pair of dimensions of wavelength w = 2π · theta^(k/n), the factor is
 *
 *   1                                  if w < original / high
 *   factor                             if w > original / low
 *   1 / ((1 - s) / factor + s)         between them, where
 *   s = (original / w - low) / (high - low)
 *
 * Only original / low and original / high count: we set low to 1.
 */
#define LOW 1.0
#define PUBLISHED_HIGH 4.0

/* The converter computes in F32, in several steps. */
#define TOLERANCE 1e-5

static double wavelength(size_t k, size_t n, double theta)
{
	return 2 * acos(-1.0) * pow(theta, (double)k / (double)n);
}

static double factor_at(const struct rope_llama3 *scaling, double w)
{
	const double original = (double)scaling->original_context;
	const double low = scaling->low_freq_factor;
	const double high = scaling->high_freq_factor;
	const double s = (original / w - low) / (high - low);

	if (w < original / high)
		return 1;
	if (w > original / low)
		return scaling->factor;
	return 1 / ((1 - s) / scaling->factor + s);
}

static bool fits(const struct rope_llama3 *scaling, const float *factors,
		 size_t n, double theta)
{
	for (size_t k = 0; k < n; k++) {
		const double factor =
			factor_at(scaling, wavelength(k, n, theta));

		if (!(fabs(factor - (double)factors[k]) <= TOLERANCE * factor))
			return false;
	}
	return true;
}

/* s, from the factor. */
static double smooth_of(double factor, double largest)
{
	return (1 / factor - 1 / largest) / (1 - 1 / largest);
}

/* Rounds what was computed from factors in F32. */
static double tidy(double value)
{
	return rint(value * 1000) / 1000;
}

/* Two factors between 1 and the largest one give high and original: s is a
 * straight line over 1 / w. */
static bool solve(struct rope_llama3 *scaling, const float *factors, size_t n,
		  double theta)
{
	double x[2], s[2], slope, original;
	size_t found = 0;

	for (size_t k = 0; k < n && found < 2; k++) {
		const double factor = (double)factors[k];

		if (factor <= 1 || factor >= scaling->factor)
			continue;
		x[found] = 1 / wavelength(k, n, theta);
		s[found++] = smooth_of(factor, scaling->factor);
	}
	if (found < 2 || x[0] == x[1])
		return false;
	/* slope = original / (high - low); s is -low / (high - low) at 0. */
	slope = (s[0] - s[1]) / (x[0] - x[1]);
	scaling->high_freq_factor =
		tidy(LOW - LOW / (s[0] - slope * x[0]));
	original = rint(slope * (scaling->high_freq_factor - LOW));
	if (!(original >= 1 && original < 4294967296.0))
		return false;
	scaling->original_context = (uint64_t)original;
	return fits(scaling, factors, n, theta);
}

bool rope_find_llama3(const float *factors, size_t n, double theta,
		      struct rope_llama3 *scaling)
{
	static const uint64_t published = 8192;

	*scaling = (struct rope_llama3){
		.factor = 1,
		.low_freq_factor = LOW,
		.high_freq_factor = PUBLISHED_HIGH,
		.original_context = published,
	};
	for (size_t k = 0; k < n; k++)
		if ((double)factors[k] > scaling->factor)
			scaling->factor = (double)factors[k];
	if (fits(scaling, factors, n, theta))
		return true;
	/* Models like the published ones, but shorter or longer. */
	for (uint64_t original = 16; original <= UINT64_C(1) << 24;
	     original *= 2) {
		scaling->original_context = original;
		if (fits(scaling, factors, n, theta))
			return true;
	}
	return solve(scaling, factors, n, theta);
}

/* rope_llama3.h - Llama 3's scaling of rotary embeddings, from its factors. */
#ifndef HF_ROPE_LLAMA3_H
#define HF_ROPE_LLAMA3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Llama 3's scaling, by the names that transformers has for it. */
struct rope_llama3 {
	double factor;
	double low_freq_factor;
	double high_freq_factor;
	uint64_t original_context;
};

/*
 * Finds the scaling that has the n factors, one for each pair of dimensions,
 * for rotary embeddings of base `theta`. Several have the same factors; then it
 * takes the one of published models, if it is one of them. Returns false if
 * there is none.
 */
bool rope_find_llama3(const float *factors, size_t n, double theta,
		      struct rope_llama3 *scaling);

#endif

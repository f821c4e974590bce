/*
 * name.h - names of tensors in architectures.def.
 *
 * In a pattern, # is the number of a layer and @ that of an expert or a head,
 * both decimal without leading zeros; * is "weight" or "bias". Everything else
 * stands for itself. So a name made from a pattern has no byte from a file but
 * digits.
 */
#ifndef HF_NAME_H
#define HF_NAME_H

#include "base/bytes.h"

/* What stands for #, @ and *. */
struct hf_match {
	bool has_layer;
	uint32_t layer;
	uint32_t part;
	bool is_bias;
};

/* Whether the name matches; if so, sets *match, with 0 for what the pattern
 * lacks. */
bool hf_name_matches(const char *pattern, struct text name,
		     struct hf_match *match);

/* Writes the name, which fits if the pattern has less than 96 bytes. */
#define HF_NAME_SIZE 128
void hf_name_make(char name[HF_NAME_SIZE], const char *pattern,
		  const struct hf_match *match);

#endif

/* merges.h - the merges that SentencePiece's scores stand for. */
#ifndef HF_MERGES_H
#define HF_MERGES_H

#include "hf/vocabulary.h"

struct merge {
	uint32_t order; /* of the whole token's score, the highest first */
	uint32_t whole;
	uint32_t left;
	uint32_t right;
	uint16_t left_chars;
	uint16_t right_chars;
};

struct merges {
	struct merge *items; /* in the order that BPE must have them in */
	size_t n;
};

/*
 * Every cut of a token into two others is a merge. Those of tokens with a
 * higher score come first, and of these, those with the longest left part, then
 * the longest right part, then the lowest id: SentencePiece joins the longest
 * run of spaces first. A user-defined token counts as having a score of 0,
 * since llama.cpp's converter stores -1000 for it. Allocates at most `memory`
 * bytes, a sort included. The caller releases merges after success.
 */
int merges_make(struct merges *merges, const struct vocabulary *vocabulary,
		const struct metadata *metadata, size_t memory,
		struct error *err);
void merges_release(struct merges *merges);

#endif

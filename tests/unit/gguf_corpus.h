/*
 * gguf_corpus.h - for each check of the reader, a file that fails it and one
 * that just passes it.
 */
#ifndef GGUF_CORPUS_H
#define GGUF_CORPUS_H

#include "gguf_builder.h"

struct gguf_case {
	const char *name;    /* of the file, without suffix */
	const char *message; /* what follows 'FILE'; NULL: accepted */
	const char *pipe_message; /* the same where it comes from a pipe, whose
				     size is not known before; "": accepted;
				     NULL: as message */
	void (*build)(struct builder *b, const struct gguf_case *c);

	/* What the build functions take; each uses a part. */
	struct text bytes;
	uint64_t n, m;
	uint64_t length;
	uint32_t type;
	uint32_t n_dims;
	uint64_t dims[9];
	uint64_t offset;
	size_t data;
	size_t cut; /* bytes that are missing at the end */
};

extern const struct gguf_case gguf_corpus[];
extern const size_t gguf_corpus_len;

/* Writes the file of `c` to b, which must be empty. */
void gguf_case_build(const struct gguf_case *c, struct builder *b);

/* The expected message after 'FILE', with 48 MiB allowed for the metadata; NULL
 * if the file is accepted. */
const char *gguf_case_message(const struct gguf_case *c, bool from_pipe);

#endif

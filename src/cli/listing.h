/* listing.h - the output of --list, --json and --index. */
#ifndef CLI_LISTING_H
#define CLI_LISTING_H

#include <stdio.h>

#include "hf/checkpoint.h"

/*
 * These write to a stream that no other thread uses; ferror(stream) tells if
 * writing failed. Shapes are in GGUF's order, fastest dimension first. The
 * manual page documents the output.
 */

/* One row per tensor, totals per type, and the size of the output: raw, and as
 * a GGUF file if gguf_bytes is not 0. The name comes last in a row: it may have
 * 64 KiB, which would widen every row. */
void listing_table(FILE *stream, const struct model *model,
		   const struct plan *plan, uint64_t gguf_bytes);

/* The same for programs, with every metadata value. */
void listing_json(FILE *stream, const struct model *model,
		  const struct plan *plan, uint64_t gguf_bytes);

/* Which tensors of a checkpoint are made from which of the file, and how.
 * Shapes are in Hugging Face's order, slowest dimension first. */
void listing_mapping(FILE *stream, const struct hf_checkpoint *checkpoint,
		     bool json_wanted);

/* The place of each tensor in the output. If `files`, with the name of its file
 * (see file_name.h). */
int listing_index(FILE *stream, const struct plan *plan, bool files,
		  struct error *err);

#endif

/* format.h - the descriptor of each tensor type, by its GGUF id. */
#ifndef BASE_FORMAT_H
#define BASE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Indices without gaps, unlike the ids, in the order of formats.def. */
enum format_index {
#define DQ_QUANT(NAME, name, id, weights, bytes, span) FORMAT_##NAME,
#define DQ_ROWS(NAME, name, id, weights, bytes, span, header, rows) \
	FORMAT_##NAME,
#define DQ_FLOAT(NAME, name, id, bytes) FORMAT_##NAME,
#define DQ_INTEGER(NAME, name, id, bytes) FORMAT_##NAME,
#include "kernels/formats.def"
	FORMAT_COUNT
};

enum format_kind { FORMAT_KIND_QUANT, FORMAT_KIND_FLOAT, FORMAT_KIND_INTEGER };

struct format {
	const char *name;      /* as ggml prints it: "Q4_K" */
	const char *file_name; /* lower case: "q4_k" */
	uint32_t id;           /* ggml's; from FORMAT_OWN_IDS on, ours */
	enum format_index index;
	enum format_kind kind;
	unsigned block_weights; /* weights in a block */
	unsigned block_bytes;   /* of one row, if rows are interleaved */

	/* 0 and 1: a tensor is a run of blocks. Otherwise see DQ_ROWS in
	 * formats.def. */
	unsigned header_bytes; /* before the blocks of each row */
	unsigned group_rows;   /* rows whose blocks are interleaved; 0: the
				  tensor is one row, and its header follows */
};

/* Whether the blocks of two rows are not one run. */
static inline bool format_has_rows(const struct format *format)
{
	return format->header_bytes || format->group_rows != 1;
}

/* The bytes of n blocks in whole groups of rows of row_blocks blocks, with
 * their headers. row_blocks matters only if the format has rows. */
uint64_t format_run_bytes(const struct format *format, uint64_t n,
			  uint64_t row_blocks);

/* Whether ggml, too, has the format. */
bool format_is_ggml(const struct format *format);

/* The largest numbers of weights and bytes in a block: a union has the size of
 * its largest member. */
union format_weights {
#define DQ_QUANT(NAME, name, id, weights, bytes, span) \
	unsigned char name[weights];
#define DQ_ROWS(NAME, name, id, weights, bytes, span, header, rows) \
	unsigned char name[weights];
#include "kernels/formats.def"
};
union format_bytes {
#define DQ_QUANT(NAME, name, id, weights, bytes, span) \
	unsigned char name[bytes];
#define DQ_ROWS(NAME, name, id, weights, bytes, span, header, rows) \
	unsigned char name[bytes];
#define DQ_FLOAT(NAME, name, id, bytes) unsigned char name[bytes];
#define DQ_INTEGER(NAME, name, id, bytes) unsigned char name[bytes];
#include "kernels/formats.def"
};
#define FORMAT_MAX_WEIGHTS sizeof(union format_weights)
#define FORMAT_MAX_BYTES sizeof(union format_bytes)

/* Format `index`; never NULL for an index below FORMAT_COUNT. */
const struct format *format_at(enum format_index index);

/* The first id of formats that ggml has no id for; invalid in a GGUF file. */
#define FORMAT_OWN_IDS 0x10000

/* The format with that id, or NULL. */
const struct format *format_by_id(uint32_t id);

/* The format of that name, in either case, or NULL. */
const struct format *format_by_name(const char *name);

/* A tensor type that some file may have and that we cannot read. */
struct format_foreign {
	uint32_t id;
	const char *name;    /* "IQ3_KS" */
	const char *program; /* that writes it, or "retired by " that */
	const char *advice;  /* what to do; NULL: nothing is known to help */
};

/* The type with that id, or NULL if no known program uses it. */
const struct format_foreign *format_foreign(uint32_t id);

/* Writes "156 (IQ3_KS, ik_llama.cpp)", or only the id of an unknown type. */
#define FORMAT_FOREIGN_SIZE 96
char *format_foreign_text(char text[FORMAT_FOREIGN_SIZE], uint32_t id);

#endif

/*
 * gguf.h - the GGUF container: header, metadata, tensor infos.
 *
 *   | "GGUF" | version: u32 | n_tensors: u64 | n_kv: u64 | kv… | info… | pad |
 *   | tensor data, each tensor at a multiple of the alignment |
 *
 *   kv:   | key: string | type: u32 | value |
 *   info: | name: string | n_dims: u32 | dims: u64 × n_dims | type: u32 |
 *         | offset from the start of the tensor data: u64 |
 *   string: | len: u64 | bytes |      array: | type: u32 | len: u64 | values |
 *
 * All little-endian. Points that ggml leaves open, or does not check: a key has
 * at least one byte, a tensor's name may have none; either is any bytes. A
 * tensor without dimensions is a scalar, 1 weight; a dimension of 0 is legal
 * and makes the tensor empty. A bool other than 0 is true. Holes, tensors out
 * of order and bytes after the last one are legal, overlaps are not. There may
 * be 8 dimensions, as diffusion models need, although ggml reads 4. The
 * alignment may be any power of two up to GGUF_MAX_ALIGNMENT: it is also that
 * of GGUF output, of which 57 bytes of input could otherwise ask for 2 GiB.
 *
 * https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
#ifndef MODEL_GGUF_H
#define MODEL_GGUF_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/format.h"
#include "io/source.h"

#define GGUF_DEFAULT_ALIGNMENT 32
#define GGUF_MAX_ALIGNMENT (64 << 10)
#define GGUF_MAX_DIMS 8
#define GGUF_MAX_NAME 65535 /* bytes in a key or a tensor's name */
#define GGUF_MAX_DEPTH 16   /* arrays within arrays; ggml reads only 1 */
#ifndef GGUF_READ_AHEAD /* the fuzzer gets past it with small files */
#define GGUF_READ_AHEAD (256 << 10) /* bytes of the header read at once */
#endif

enum gguf_type {
	GGUF_U8,
	GGUF_I8,
	GGUF_U16,
	GGUF_I16,
	GGUF_U32,
	GGUF_I32,
	GGUF_F32,
	GGUF_BOOL,
	GGUF_STRING,
	GGUF_ARRAY,
	GGUF_U64,
	GGUF_I64,
	GGUF_F64,
	GGUF_TYPE_COUNT
};

struct gguf_kv {
	struct text key;
	enum gguf_type type;
	struct text value; /* its bytes in the file, after the type */
};

struct gguf_tensor {
	struct text name;
	const struct format *format; /* NULL: a type that we cannot read */
	uint32_t type;               /* the id in the file */
	unsigned n_dims;
	uint64_t dims[GGUF_MAX_DIMS]; /* fastest first; unused ones are 1 */
	uint64_t n_weights;
	uint64_t n_blocks; /* 0 without a format */
	uint64_t offset;   /* from the start of the file */
	uint64_t bytes;    /* without a format: up to the next tensor or the
			      end of the file, 0 if that is not known */
};

struct gguf {
	uint32_t version; /* 0: none was read; headerless blocks */
	uint64_t alignment;
	uint64_t data_offset; /* from the start of the file */

	struct gguf_kv *kv;
	size_t n_kv;
	struct gguf_tensor *tensors; /* in the order of the file's table */
	size_t n_tensors;

	unsigned char *header; /* the file's first bytes; texts point into it */
	size_t header_len;     /* through the last tensor info */
	size_t memory;         /* bytes of the header and the tables */
};

/*
 * Parses and checks everything before the tensor data, and, if the size of the
 * file is known, that the data lies in it. Allocates at most `memory` bytes,
 * at least GGUF_READ_AHEAD, and GGUF_READ_AHEAD more; touches only as much as
 * is in proportion to what the file really holds. An error names the file, the
 * field, the value, the limit and the offset. After success the caller releases
 * gguf, and a stream is at the end of the header.
 */
int gguf_read(struct gguf *gguf, struct source *src, size_t memory,
	      struct error *err);
void gguf_release(struct gguf *gguf);

/* What is wrong with a tensor's dimensions or format. */
struct gguf_fault {
	unsigned dim; /* index of the dimension; GGUF_FAULT_FORMAT: none */
	char why[128];
};
#define GGUF_FAULT_FORMAT GGUF_MAX_DIMS

/*
 * Computes a tensor's n_weights, n_blocks and bytes from its dims and format;
 * the last two are 0 without a format. Returns false, and sets *fault, unless a
 * row is whole blocks, the rows of a matrix are whole groups, and the weights
 * and their bytes are less than 2^63, even without the dimensions that are 0:
 * strides must fit too.
 */
bool gguf_tensor_measure(struct gguf_tensor *tensor, struct gguf_fault *fault);

/* "dims[0]", …, for messages. */
const char *gguf_dim_name(unsigned i);

/* The entry with that key, or NULL. */
const struct gguf_kv *gguf_find(const struct gguf *gguf, const char *key);

/* The text of kv; without data if it is NULL or no string. */
struct text gguf_string(const struct gguf_kv *kv);

/* Whether kv, which may be NULL, holds an integer of any width that is not
 * negative; *value gets it. */
bool gguf_unsigned(const struct gguf_kv *kv, uint64_t *value);

/* "u8", "string", …, for messages and listings. */
const char *gguf_type_name(enum gguf_type type);

/*
 * Walks an array: for (c = gguf_array(kv->value); gguf_array_next(&c); ). The
 * value's bytes were checked by gguf_read, so that it cannot fail.
 */
struct gguf_array {
	enum gguf_type type; /* of the items */
	uint64_t left;       /* items not yet walked */
	struct text item;    /* the bytes of this one; a string: its text; an
				array: what gguf_array takes */
	struct text rest;
};
struct gguf_array gguf_array(struct text value);
bool gguf_array_next(struct gguf_array *array);

#endif

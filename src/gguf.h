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
 * https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
#ifndef GGUF_H
#define GGUF_H

#include "bytes.h"
#include "error.h"
#include "format.h"
#include "source.h"

#define GGUF_MAX_DIMS 4
#define GGUF_MAX_NAME 65535 /* bytes in a key or a tensor's name */

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
	const struct format *format;
	unsigned n_dims;
	uint64_t dims[GGUF_MAX_DIMS]; /* fastest first; 1 where there is none */
	uint64_t n_weights;
	uint64_t n_blocks;
	uint64_t offset; /* from the start of the file */
	uint64_t bytes;
};

struct gguf {
	uint32_t version;
	uint64_t alignment;
	uint64_t data_offset; /* from the start of the file */

	struct gguf_kv *kv;
	size_t n_kv;
	struct gguf_tensor *tensors; /* in the order of the file's table */
	size_t n_tensors;

	unsigned char *header; /* the file's first bytes; texts point into it */
	size_t header_len;     /* through the last tensor info */
};

/*
 * Parses and checks all that precedes the tensor data, and that the data lies
 * in the file where its size is known. Uses at most `memory` bytes, and no
 * more than is in proportion to what the file really holds. An error names
 * the file, the field, the value, the limit and the offset. After success the
 * caller owns `gguf` and releases it; a stream stands at the tensor data.
 */
int gguf_read(struct gguf *gguf, struct source *src, size_t memory,
	      struct error *err);
void gguf_release(struct gguf *gguf);

/* The entry with that key, or NULL. */
const struct gguf_kv *gguf_find(const struct gguf *gguf, const char *key);

/* Whether kv holds an integer of any width, not negative; *value gets it. */
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
	struct text item;    /* the bytes of this one; a string: its text */
	struct text rest;
};
struct gguf_array gguf_array(struct text value);
bool gguf_array_next(struct gguf_array *array);

#endif

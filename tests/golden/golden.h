/* golden.h - reads the golden vectors (see README.md) for a cmocka test. */
#ifndef GOLDEN_H
#define GOLDEN_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/output_type.h"
#include "../reference.h"

/* The vectors of one format, all its tensors one after the other. */
struct golden {
	uint8_t *blocks;
	size_t n_blocks;
	float *expected; /* n_blocks · format->block_weights */

	/* The same, tensor by tensor. */
	struct golden_tensor {
		size_t at, bytes; /* in blocks[] */
		size_t first;     /* the number of its first block */
		size_t n_blocks, row_blocks;
	} tensors[8];
	size_t n_tensors;
};

/* The rest of a file to parse; one that ends too early fails the test. */
struct golden_bytes {
	const uint8_t *data;
	size_t left;
};

static inline const uint8_t *golden_take(struct golden_bytes *in, uint64_t n)
{
	const uint8_t *taken = in->data;

	assert_true(n <= in->left);
	in->data += n;
	in->left -= (size_t)n;
	return taken;
}

static inline uint64_t golden_unsigned(struct golden_bytes *in, unsigned bytes)
{
	const uint8_t *p = golden_take(in, bytes);
	uint64_t value = 0;

	while (bytes-- > 0)
		value = value << 8 | p[bytes];
	return value;
}

static inline void golden_skip_string(struct golden_bytes *in)
{
	golden_take(in, golden_unsigned(in, 8));
}

/* The golden files have metadata of only these two types. */
static inline void golden_skip_metadata(struct golden_bytes *in)
{
	enum { U32 = 4, STRING = 8 };
	uint64_t type;

	golden_skip_string(in);
	type = golden_unsigned(in, 4);
	assert_true(type == U32 || type == STRING);
	if (type == STRING)
		golden_skip_string(in);
	else
		golden_take(in, 4);
}

static inline uint8_t *golden_read_file(const struct format *format,
					const char *suffix, size_t *size)
{
	char path[256];
	uint8_t *data;
	FILE *file;

	snprintf(path, sizeof(path), "tests/golden/%s.%s", format->file_name,
		 suffix);
	file = fopen(path, "rb");
	if (!file)
		fail_msg("cannot open '%s': every format needs golden vectors",
			 path);
	fseek(file, 0, SEEK_END);
	*size = (size_t)ftell(file);
	rewind(file);
	data = malloc(*size);
	assert_non_null(data);
	assert_int_equal(fread(data, 1, *size, file), *size);
	fclose(file);
	return data;
}

/* Reads a tensor info; *offset is that of its data in the file. */
static inline void golden_info(struct golden_bytes *in,
			       const struct format *format,
			       struct golden_tensor *tensor, uint64_t *offset)
{
	uint64_t weights = 1, dim, n_dims;

	golden_skip_string(in);
	n_dims = golden_unsigned(in, 4);
	for (uint64_t i = 0; i < n_dims; i++) {
		dim = golden_unsigned(in, 8);
		assert_int_equal(dim % (i ? 1 : format->block_weights), 0);
		if (!i)
			tensor->row_blocks = dim / format->block_weights;
		weights *= dim;
	}
	assert_int_equal(golden_unsigned(in, 4), format->id);
	*offset = golden_unsigned(in, 8);
	tensor->n_blocks = weights / format->block_weights;
	if (!format->group_rows)
		tensor->row_blocks = tensor->n_blocks;
	tensor->bytes = (size_t)format_run_bytes(format, tensor->n_blocks,
						 tensor->row_blocks);
}

/* For a format that GGUF has no id for, the file has only blocks. */
static inline void golden_read_bare(struct golden *golden,
				    const struct format *format)
{
	size_t size;

	golden->blocks = golden_read_file(format, "blocks", &size);
	assert_int_equal(size % format->block_bytes, 0);
	golden->n_blocks = size / format->block_bytes;
}

static inline void golden_read_gguf(struct golden *golden,
				    const struct format *format)
{
	size_t size, bytes = 0;
	uint64_t offset[8], n_metadata;
	uint8_t *const file = golden_read_file(format, "gguf", &size);
	struct golden_bytes in = { file, size };

	assert_memory_equal(golden_take(&in, 4), "GGUF", 4);
	assert_int_equal(golden_unsigned(&in, 4), 3);
	golden->n_tensors = (size_t)golden_unsigned(&in, 8);
	assert_in_range(golden->n_tensors, 1, 8);
	for (n_metadata = golden_unsigned(&in, 8); n_metadata > 0; n_metadata--)
		golden_skip_metadata(&in);
	golden->n_blocks = 0;
	for (size_t i = 0; i < golden->n_tensors; i++) {
		struct golden_tensor *const tensor = &golden->tensors[i];

		golden_info(&in, format, tensor, &offset[i]);
		tensor->first = golden->n_blocks;
		tensor->at = bytes;
		golden->n_blocks += tensor->n_blocks;
		bytes += tensor->bytes;
	}
	golden_take(&in, (32 - (size - in.left) % 32) % 32);

	golden->blocks = malloc(bytes);
	assert_non_null(golden->blocks);
	for (size_t i = 0; i < golden->n_tensors; i++) {
		const struct golden_tensor *const t = &golden->tensors[i];
		struct golden_bytes data = in;

		golden_take(&data, offset[i]);
		memcpy(golden->blocks + t->at, golden_take(&data, t->bytes),
		       t->bytes);
	}
	free(file);
}

static inline void golden_read(struct golden *golden,
			       const struct format *format)
{
	size_t expected_size;

	if (format->id < FORMAT_OWN_IDS)
		golden_read_gguf(golden, format);
	else
		golden_read_bare(golden, format);
	golden->expected = (void *)golden_read_file(format, "f32",
						    &expected_size);
	assert_int_equal(expected_size, golden->n_blocks *
						format->block_weights *
						sizeof(*golden->expected));
}

/* Returns the expected values in that type; the caller frees them. */
static inline void *golden_values(const struct golden *golden,
				  const struct format *format,
				  enum output_type type)
{
	const size_t n = golden->n_blocks * format->block_weights;
	uint32_t *const f32 = malloc(n * sizeof(*f32));
	uint16_t *const half = (void *)f32;

	assert_non_null(f32);
	for (size_t i = 0; i < n; i++) {
		const float value = golden->expected[i];

		if (type == OUTPUT_F16)
			half[i] = reference_f16(value);
		else if (type == OUTPUT_BF16)
			half[i] = reference_bf16(value);
		else /* f32.f32 has the NaNs of its source */
			f32[i] = isnan(value) ? 0x7fc00000
					      : reference_bits(value);
	}
	return f32;
}

static inline void golden_release(struct golden *golden)
{
	free(golden->blocks);
	free(golden->expected);
}

#endif

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/repeat.h"
#include "../gguf_corpus.h"

#define MEMORY (48u << 20)

/* Reads the GGUF at `path`; returns whether it was accepted. */
static bool read_path(const char *path, size_t memory, struct error *err)
{
	struct source src;
	struct gguf gguf;
	int result;

	assert_int_equal(source_open(&src, path, err), 0);
	result = gguf_read(&gguf, &src, memory, err);
	if (!result)
		gguf_release(&gguf);
	source_close(&src);
	return !result;
}

/* Returns whether the reader says of the case what it must. */
static bool check_case(const struct gguf_case *c, bool from_pipe)
{
	const char *const message = gguf_case_message(c, from_pipe);
	struct builder b = { 0 };
	char path[BUILDER_PATH_SIZE];
	char expected[ERROR_MESSAGE_SIZE] = "";
	struct error err = { 0 };
	bool right;
	int fd;

	gguf_case_build(c, &b);
	fd = from_pipe ? builder_pipe(&b, path) : builder_open(&b, path);
	if (message)
		snprintf(expected, sizeof(expected), "'%s'%s", path, message);
	right = read_path(path, MEMORY, &err) == !message &&
		!strcmp(err.message, expected);
	if (!right)
		print_error("%s%s:\n  %s\nexpected:\n  %s\n", c->name,
			    from_pipe ? " (pipe)" : "", err.message, expected);
	close(fd);
	builder_release(&b);
	return right;
}

static void test_corpus(void **state)
{
	size_t n_wrong = 0;

	(void)state;
	for (size_t i = 0; i < gguf_corpus_len; i++) {
		n_wrong += !check_case(&gguf_corpus[i], false);
		n_wrong += !check_case(&gguf_corpus[i], true);
	}
	assert_int_equal(n_wrong, 0);
}

/* A small model with a value of every kind and four tensors. */
static void build_model(struct builder *b)
{
	build_header(b, 3, 4, 7);
	build_u32(b, "general.alignment", 64);
	build_u16(b, "a.u16", 65535);
	build_key(b, "name", GGUF_STRING);
	build_string(b, "a \"model\"\n");
	build_key(b, "tokens", GGUF_ARRAY);
	build_array(b, GGUF_STRING, 3);
	build_string(b, "<s>");
	build_string(b, "");
	build_string(b, "\xe2\x96\x81the");
	build_key(b, "scores", GGUF_ARRAY);
	build_array(b, GGUF_F32, 2);
	build_integer(b, 0x3f800000, 4);
	build_integer(b, 0xbf800000, 4);
	build_key(b, "nested", GGUF_ARRAY);
	build_array(b, GGUF_ARRAY, 3);
	build_array(b, GGUF_U8, 2);
	build_integer(b, 0x0201, 2);
	build_array(b, GGUF_STRING, 1);
	build_string(b, "deep");
	build_array(b, GGUF_ARRAY, 0);
	build_key(b, "none", GGUF_ARRAY);
	build_array(b, GGUF_U64, 0);
	build_tensor(b, "second", 2, (uint64_t[]){ 32, 3 }, 8, 64);
	build_tensor(b, "first", 1, (uint64_t[]){ 5 }, 0, 0);
	build_tensor(b, "scalar", 0, NULL, 28, 192);
	build_tensor(b, "empty", 3, (uint64_t[]){ 7, 0, 9 }, 1, 0);
	build_data(b, 64, 200);
}

static void open_model(const struct builder *b, bool from_pipe,
		       struct source *src, struct gguf *gguf)
{
	char path[BUILDER_PATH_SIZE];
	struct error err;
	const int fd = from_pipe ? builder_pipe(b, path) :
		       builder_open(b, path);

	assert_int_equal(source_open(src, path, &err), 0);
	close(fd);
	if (gguf_read(gguf, src, MEMORY, &err))
		fail_msg("%s", err.message);
}

static void assert_tensor(const struct gguf_tensor *tensor, const char *name,
			  const char *format, unsigned n_dims,
			  const uint64_t dims[GGUF_MAX_DIMS], uint64_t n_blocks,
			  uint64_t offset, uint64_t bytes)
{
	assert_int_equal(tensor->name.len, strlen(name));
	assert_memory_equal(tensor->name.data, name, tensor->name.len);
	assert_string_equal(tensor->format->name, format);
	assert_int_equal(tensor->n_dims, n_dims);
	assert_memory_equal(tensor->dims, dims, sizeof(tensor->dims));
	assert_int_equal(tensor->n_blocks, n_blocks);
	assert_int_equal(tensor->n_weights,
			 n_blocks * tensor->format->block_weights);
	assert_int_equal(tensor->offset, offset);
	assert_int_equal(tensor->bytes, bytes);
}

static void assert_text(struct text text, const char *bytes, size_t len)
{
	assert_int_equal(text.len, len);
	assert_memory_equal(text.data, bytes, len);
}
#define assert_literal(text, literal) \
	assert_text(text, literal, sizeof(literal) - 1)

static void check_model(const struct gguf *gguf)
{
	const uint64_t data = gguf->data_offset;
	uint64_t value;

	assert_int_equal(gguf->version, 3);
	assert_int_equal(gguf->alignment, 64);
	assert_int_equal(gguf->n_kv, 7);
	assert_int_equal(gguf->n_tensors, 4);
	assert_int_equal(data, (gguf->header_len + 63) / 64 * 64);
	assert_literal(gguf->kv[1].key, "a.u16");
	assert_int_equal(gguf->kv[1].type, GGUF_U16);
	assert_literal(gguf->kv[1].value, "\377\377");
	assert_true(gguf_unsigned(&gguf->kv[1], &value));
	assert_int_equal(value, 65535);
	assert_ptr_equal(gguf_find(gguf, "none"), &gguf->kv[6]);
	assert_null(gguf_find(gguf, "non"));
	assert_null(gguf_find(gguf, "nonesuch"));

	assert_tensor(&gguf->tensors[0], "second", "Q8_0", 2,
		      (uint64_t[8]){ 32, 3, 1, 1, 1, 1, 1, 1 }, 3, data + 64,
		      102);
	assert_tensor(&gguf->tensors[1], "first", "F32", 1,
		      (uint64_t[8]){ 5, 1, 1, 1, 1, 1, 1, 1 }, 5, data, 20);
	assert_tensor(&gguf->tensors[2], "scalar", "F64", 0,
		      (uint64_t[8]){ 1, 1, 1, 1, 1, 1, 1, 1 }, 1, data + 192,
		      8);
	assert_tensor(&gguf->tensors[3], "empty", "F16", 3,
		      (uint64_t[8]){ 7, 0, 9, 1, 1, 1, 1, 1 }, 0, data, 0);
}

static void test_model(void **state)
{
	struct builder b = { 0 };

	(void)state;
	build_model(&b);
	for (unsigned from_pipe = 0; from_pipe < 2; from_pipe++) {
		struct source src;
		struct gguf gguf;
		struct error err;
		unsigned char tail[8];

		open_model(&b, from_pipe, &src, &gguf);
		check_model(&gguf);
		/* A stream still has all that comes after the header. */
		if (from_pipe)
			assert_int_equal(src.position, gguf.header_len);
		assert_int_equal(source_read(&src, gguf.tensors[2].offset, tail,
					     sizeof(tail), &err), 0);
		assert_memory_equal(tail, b.data + b.len - 8, 8);
		gguf_release(&gguf);
		source_close(&src);
	}
	builder_release(&b);
}

/* Types that we cannot read: the bytes reach to the next tensor with data, or
 * to the end of the file if that is known. */
static void test_foreign_types(void **state)
{
	static const struct {
		const char *name;
		uint32_t type;
		uint64_t dim, offset, bytes, bytes_from_pipe;
	} rows[] = {
		{ "last", 150, 256, 192, 108, 0 },
		{ "first", UINT32_MAX, 7, 0, 96, 96 },
		{ "empty", 43, 0, 32, 0, 0 },
		{ "f32", 0, 4, 96, 16, 16 },
		{ "ours", FORMAT_OWN_IDS, 32, 128, 64, 64 },
	};
	const size_t n = sizeof(rows) / sizeof(*rows);
	struct builder b = { 0 };

	(void)state;
	build_header(&b, 3, n, 0);
	for (size_t i = 0; i < n; i++)
		build_tensor(&b, rows[i].name, 1, &rows[i].dim, rows[i].type,
			     rows[i].offset);
	build_data(&b, 32, 300);
	for (unsigned from_pipe = 0; from_pipe < 2; from_pipe++) {
		struct source src;
		struct gguf gguf;

		open_model(&b, from_pipe, &src, &gguf);
		for (size_t i = 0; i < n; i++) {
			const struct gguf_tensor *tensor = &gguf.tensors[i];

			assert_int_equal(tensor->type, rows[i].type);
			assert_int_equal(!tensor->format, rows[i].type != 0);
			assert_int_equal(tensor->n_weights, rows[i].dim);
			assert_int_equal(tensor->bytes,
					 from_pipe ? rows[i].bytes_from_pipe :
						     rows[i].bytes);
		}
		gguf_release(&gguf);
		source_close(&src);
	}
	builder_release(&b);
}

/* Their data must be there, if perhaps not all of it. */
static void test_a_foreign_type_may_be_cut_off(void **state)
{
	static const uint64_t dim = 256;
	struct builder b = { 0 };
	char path[BUILDER_PATH_SIZE];
	struct error err;
	int fd;

	(void)state;
	build_header(&b, 3, 2, 0);
	build_tensor(&b, "a", 1, &dim, 24, 0);
	build_tensor(&b, "b", 1, &dim, 150, 512);
	build_data(&b, 32, 500);
	fd = builder_open(&b, path);
	assert_false(read_path(path, MEMORY, &err));
	assert_non_null(strstr(err.message, "so 12 bytes are missing"));
	close(fd);
	builder_release(&b);
}

/* Q2_0 of PrismML's older models: only if all sizes fit, and ggml's do not. */
static void test_types_of_prism(void **state)
{
	static const struct {
		uint64_t weights, bytes; /* of the first of two tensors */
		size_t end;              /* of the second one, of 128 weights */
		bool has_format, fits;
	} rows[] = {
		{ 4096, 1152, 36, true, true },   /* ggml's 18 for 64 */
		{ 4096, 1152, 34, false, false }, /* cut off */
		{ 4096, 1088, 34, false, true },
		{ 4096, 1088, 65, false, true },
		{ 4096, 1088, 66, false, false }, /* more than padding */
		{ 4096, 1120, 34, false, false },
		{ 4160, 1120, 34, false, false }, /* not whole blocks of 128 */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct builder b = { 0 };
		struct error err = { 0 };
		char path[BUILDER_PATH_SIZE];
		struct source src;
		struct gguf gguf;
		int fd, result;

		build_header(&b, 3, 2, 0);
		build_tensor(&b, "a", 1, &rows[i].weights, 42, 0);
		build_tensor(&b, "b", 1, (uint64_t[]){ 128 }, 42,
			     rows[i].bytes);
		build_data(&b, 32, rows[i].bytes + rows[i].end);
		fd = builder_open(&b, path);
		assert_int_equal(source_open(&src, path, &err), 0);
		result = gguf_read(&gguf, &src, MEMORY, &err);
		assert_int_equal(result, rows[i].fits ? 0 : -1);
		if (!result) {
			assert_int_equal(gguf.tensors[0].format != NULL,
					 rows[i].has_format);
			assert_int_equal(gguf.tensors[1].format != NULL,
					 rows[i].has_format);
			gguf_release(&gguf);
		}
		source_close(&src);
		close(fd);
		builder_release(&b);
	}
}

/* Others with an id that we read, told by the distance to the next tensor. */
static void test_types_with_the_same_id(void **state)
{
	static const struct {
		uint32_t type;
		uint64_t dims[2], bytes; /* with padding */
		bool has_format;
	} rows[] = {
		{ 36, { 128, 64 }, 64 * 32 + 32, true },
		{ 36, { 128, 64 }, 64 * 32 + 64, true },  /* a hole */
		{ 36, { 128, 64 }, 64 * 72, false },      /* IQ4_NL_4_4 */
		{ 36, { 128, 64 }, 64 * 72 + 32, true },
		{ 134, { 64, 64 }, 64 * (2 + 13), true },
		{ 134, { 64, 64 }, 64 * 13, false },      /* no headers */
		{ 134, { 64, 1 }, 32, true },             /* both fit */
		{ 135, { 64, 64 }, 64 * (4 + 16), true },
		{ 135, { 64, 64 }, 64 * 16, false },
		{ 155, { 256, 64 }, 64 * (4 + 128), true },
		{ 155, { 256, 64 }, 64 * (8 + 128), false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct builder b = { 0 };
		struct source src;
		struct gguf gguf;

		build_header(&b, 3, 2, 0);
		build_tensor(&b, "a", 2, rows[i].dims, rows[i].type, 0);
		build_tensor(&b, "b", 1, (uint64_t[]){ 1 }, 0, rows[i].bytes);
		build_data(&b, 32, rows[i].bytes + 4);
		open_model(&b, false, &src, &gguf);
		if (!gguf.tensors[0].format == rows[i].has_format)
			fail_msg("row %zu", i);
		gguf_release(&gguf);
		source_close(&src);
		builder_release(&b);
	}
}

/* Headers and groups of rows: bytes, or what is wrong and where. */
static void test_rows(void **state)
{
	static const struct {
		enum format_index format;
		unsigned n_dims;
		uint64_t dims[3], bytes; /* 0: refused */
		unsigned fault;
	} rows[] = {
		{ FORMAT_IQ1_BN, 2, { 192, 5 }, 5 * (2 + 39), 0 },
		{ FORMAT_IQ4_KS, 1, { 512 }, 4 + 272, 0 },
		{ FORMAT_Q8_KV, 3, { 64, 3, 2 }, 6 * (8 + 64), 0 },
		{ FORMAT_I2_S, 2, { 256, 3 }, 6 * 32 + 32, 0 },
		{ FORMAT_IQ1_S_R4, 3, { 64, 8, 2 }, 16 * (2 + 12), 0 },
		{ FORMAT_Q8_K_R16, 2, { 256, 16 }, 16 * 258, 0 },
		/* 2^32 rows, and 2^40 weights in one */
		{ FORMAT_IQ4_KS, 2, { 256, 1ull << 32 }, 140ull << 32, 0 },
		{ FORMAT_IQ4_KS, 1, { 1ull << 40 }, 4 + (136ull << 32), 0 },
		{ FORMAT_IQ4_KS, 2, { 100, 1 }, 0, 0 },
		{ FORMAT_Q4_0_R8, 1, { 64 }, 0, GGUF_FAULT_FORMAT },
		{ FORMAT_Q4_0_R8, 2, { 64, 12 }, 0, 1 },
		/* whole groups in all, but not in each matrix */
		{ FORMAT_Q4_0_R8, 3, { 64, 4, 2 }, 0, 1 },
		{ FORMAT_Q8_KV, 2, { 32, 1ull << 58 }, 0, 1 },
		{ FORMAT_Q8_K_R8, 2, { 256, 1ull << 54 }, 258ull << 54, 0 },
		{ FORMAT_Q8_KV, 2, { 32, (1ull << 58) - 1 }, 0,
		  GGUF_FAULT_FORMAT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct gguf_tensor tensor = {
			.format = format_at(rows[i].format),
			.n_dims = rows[i].n_dims,
		};
		struct gguf_fault fault = { 0 };

		for (unsigned k = 0; k < GGUF_MAX_DIMS; k++)
			tensor.dims[k] =
				k < tensor.n_dims ? rows[i].dims[k] : 1;
		if (gguf_tensor_measure(&tensor, &fault) != !!rows[i].bytes ||
		    (rows[i].bytes && tensor.bytes != rows[i].bytes) ||
		    fault.dim != rows[i].fault)
			fail_msg("row %zu: %" PRIu64 " bytes, dims[%u] %s", i,
				 tensor.bytes, fault.dim, fault.why);
	}
}

/* No weights: no bytes, and no headers. */
static void test_empty_rows(void **state)
{
	static const uint64_t shapes[][2] = { { 0, 1 }, { 256, 0 }, { 0, 0 } };

	(void)state;
	for (unsigned f = 0; f < FORMAT_COUNT; f++)
		for (size_t i = 0; i < 3; i++) {
			struct gguf_tensor tensor = {
				.format = format_at(f), .n_dims = 2,
				.dims = { shapes[i][0], shapes[i][1] * 16,
					  1, 1, 1, 1, 1, 1 },
			};
			struct gguf_fault fault;

			assert_true(gguf_tensor_measure(&tensor, &fault));
			assert_int_equal(tensor.n_weights, 0);
			assert_int_equal(tensor.bytes, 0);
		}
}

static struct gguf_array array_of(const struct gguf *gguf, const char *key)
{
	const struct gguf_kv *const kv = gguf_find(gguf, key);

	assert_non_null(kv);
	assert_int_equal(kv->type, GGUF_ARRAY);
	return gguf_array(kv->value);
}

static void check_nested(struct gguf_array array)
{
	struct gguf_array inner;

	assert_int_equal(array.type, GGUF_ARRAY);
	assert_true(gguf_array_next(&array));
	inner = gguf_array(array.item);
	assert_int_equal(inner.type, GGUF_U8);
	assert_true(gguf_array_next(&inner));
	assert_literal(inner.item, "\1");
	assert_true(gguf_array_next(&inner));
	assert_literal(inner.item, "\2");
	assert_false(gguf_array_next(&inner));

	assert_true(gguf_array_next(&array));
	inner = gguf_array(array.item);
	assert_int_equal(inner.type, GGUF_STRING);
	assert_true(gguf_array_next(&inner));
	assert_literal(inner.item, "deep");
	assert_false(gguf_array_next(&inner));

	assert_true(gguf_array_next(&array));
	inner = gguf_array(array.item);
	assert_int_equal(inner.type, GGUF_ARRAY);
	assert_false(gguf_array_next(&inner));
	assert_false(gguf_array_next(&array));
}

static void test_arrays_are_walked(void **state)
{
	struct builder b = { 0 };
	struct gguf_array array;
	struct source src;
	struct gguf gguf;

	(void)state;
	build_model(&b);
	open_model(&b, false, &src, &gguf);
	array = array_of(&gguf, "tokens");
	assert_int_equal(array.type, GGUF_STRING);
	assert_int_equal(array.left, 3);
	assert_true(gguf_array_next(&array));
	assert_literal(array.item, "<s>");
	assert_true(gguf_array_next(&array));
	assert_literal(array.item, "");
	assert_true(gguf_array_next(&array));
	assert_literal(array.item, "\xe2\x96\x81the");
	assert_false(gguf_array_next(&array));

	array = array_of(&gguf, "scores");
	assert_true(gguf_array_next(&array));
	assert_literal(array.item, "\0\0\x80\x3f");
	assert_true(gguf_array_next(&array));
	assert_literal(array.item, "\0\0\x80\xbf");
	assert_false(gguf_array_next(&array));

	check_nested(array_of(&gguf, "nested"));
	array = array_of(&gguf, "none");
	assert_false(gguf_array_next(&array));
	gguf_release(&gguf);
	source_close(&src);
	builder_release(&b);
}

static void test_unsigned_takes_integers(void **state)
{
	static const char ones[] = "\377\377\377\377\377\377\377\377";
	static const char max[] = "\377\377\377\377\377\377\377\177";
	static const struct {
		enum gguf_type type;
		const char *bytes;
		bool is_unsigned;
		uint64_t value;
	} cases[] = {
		{ GGUF_U8, ones, true, UINT8_MAX },
		{ GGUF_I8, ones, false, 0 },
		{ GGUF_I8, "\177", true, INT8_MAX },
		{ GGUF_U16, ones, true, UINT16_MAX },
		{ GGUF_I16, ones, false, 0 },
		{ GGUF_I16, "\377\177", true, INT16_MAX },
		{ GGUF_U32, ones, true, UINT32_MAX },
		{ GGUF_I32, ones, false, 0 },
		{ GGUF_I32, "\377\377\377\177", true, INT32_MAX },
		{ GGUF_U64, ones, true, UINT64_MAX },
		{ GGUF_I64, ones, false, 0 },
		{ GGUF_I64, max, true, INT64_MAX },
		{ GGUF_BOOL, "\1", false, 0 },
		{ GGUF_F32, ones, false, 0 },
		{ GGUF_F64, ones, false, 0 },
		{ GGUF_STRING, ones, false, 0 },
		{ GGUF_ARRAY, ones, false, 0 },
	};
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct gguf_kv kv = { .type = cases[i].type,
					    .value = { cases[i].bytes, 8 } };

		assert_int_equal(gguf_unsigned(&kv, &value),
				 cases[i].is_unsigned);
		if (cases[i].is_unsigned)
			assert_true(value == cases[i].value);
	}
	assert_false(gguf_unsigned(NULL, &value));
}

static void test_types_have_names(void **state)
{
	(void)state;
	assert_string_equal(gguf_type_name(GGUF_U8), "u8");
	assert_string_equal(gguf_type_name(GGUF_STRING), "string");
	assert_string_equal(gguf_type_name(GGUF_F64), "f64");
}

/* Reads b, which must not crash; returns whether it was accepted, and then
 * walks all of it. */
static bool survives(const struct builder *b, bool from_pipe)
{
	char path[BUILDER_PATH_SIZE];
	const int fd = from_pipe ? builder_pipe(b, path) :
		       builder_open(b, path);
	struct error err = { 0 };
	const bool accepted = read_path(path, MEMORY, &err);

	close(fd);
	assert_true(accepted || err.message[0]);
	return accepted;
}

static void test_every_prefix_is_refused(void **state)
{
	struct builder b = { 0 };
	struct source src;
	struct gguf gguf;
	size_t header_len, len;

	(void)state;
	build_model(&b);
	open_model(&b, false, &src, &gguf);
	header_len = gguf.header_len;
	gguf_release(&gguf);
	source_close(&src);

	len = b.len;
	assert_true(survives(&b, false));
	for (b.len = 0; b.len < len; b.len++) {
		assert_false(survives(&b, false));
		/* A pipe that ends within the data shows that only later. */
		assert_int_equal(survives(&b, true), b.len >= header_len);
	}
	builder_release(&b);
}

/* That what was accepted lies within the file. */
static void check_bounds(const struct gguf *gguf, uint64_t size)
{
	const char *const header = (const char *)gguf->header;
	const char *const end = header + gguf->header_len;

	for (size_t i = 0; i < gguf->n_kv; i++) {
		const struct text value = gguf->kv[i].value;

		assert_true(value.data > header &&
			    value.data + value.len <= end);
	}
	for (size_t i = 0; i < gguf->n_tensors; i++) {
		const struct gguf_tensor *const tensor = &gguf->tensors[i];

		assert_true(tensor->name.data > header &&
			    tensor->name.data + tensor->name.len <= end);
		assert_true(tensor->offset % gguf->alignment == 0);
		assert_true(!tensor->bytes ||
			    tensor->offset + tensor->bytes <= size);
	}
}

static void check_mutant(const struct builder *b)
{
	char path[BUILDER_PATH_SIZE];
	const int fd = builder_open(b, path);
	struct source src;
	struct gguf gguf;
	struct error err;

	assert_int_equal(source_open(&src, path, &err), 0);
	if (!gguf_read(&gguf, &src, MEMORY, &err)) {
		check_bounds(&gguf, b->len);
		gguf_release(&gguf);
	}
	source_close(&src);
	close(fd);
}

static void test_every_mutation_is_safe(void **state)
{
	struct builder b = { 0 };

	(void)state;
	build_model(&b);
	for (size_t i = 0; i < b.len - 200; i++) {
		const unsigned char saved = b.data[i];

		for (unsigned bit = 0; bit < 8; bit++) {
			b.data[i] = (unsigned char)(saved ^ 1u << bit);
			check_mutant(&b);
		}
		b.data[i] = 0;
		check_mutant(&b);
		b.data[i] = 0xff;
		check_mutant(&b);
		b.data[i] = saved;
	}
	builder_release(&b);
}

/* The least memory that reading `gguf` takes. */
static size_t memory_need(const struct gguf *gguf)
{
	const size_t tables = gguf->n_kv * sizeof(*gguf->kv) +
			      gguf->n_tensors * sizeof(*gguf->tensors);

	assert_int_equal(gguf->memory, gguf->header_len + tables);
	return gguf->memory + (gguf->n_kv + gguf->n_tensors) * REPEAT_BYTES;
}

/* Checks that `need` bytes are enough to read b, and that one byte less, or
 * far less, is refused with advice. */
static void check_memory(const struct builder *b)
{
	char path[BUILDER_PATH_SIZE];
	struct error err = { 0 };
	struct source src;
	struct gguf gguf;
	size_t need;
	int fd;

	open_model(b, false, &src, &gguf);
	need = memory_need(&gguf);
	gguf_release(&gguf);
	source_close(&src);
	assert_true(need > GGUF_READ_AHEAD);

	fd = builder_open(b, path);
	if (!read_path(path, need, &err))
		fail_msg("%s", err.message);
	for (size_t i = 0; i <= 100; i++) {
		assert_false(read_path(path, (need - 1) / 100 * i, &err));
		assert_non_null(strstr(err.message, "raise --memory"));
	}
	assert_false(read_path(path, need - 1, &err));
	assert_non_null(strstr(err.message, "raise --memory"));
	close(fd);
}

static void test_memory_is_bounded(void **state)
{
	struct builder b = { 0 };

	(void)state;
	build_header(&b, 3, 1, 1);
	build_key(&b, "template", GGUF_STRING);
	build_integer(&b, 1 << 20, 8);
	build_zeros(&b, 1 << 20);
	build_tensor(&b, "w", 1, (uint64_t[]){ 8 }, 24, 0);
	build_data(&b, 32, 8);
	check_memory(&b);
	builder_release(&b);
}

/* Tables so large that the header must end within what is read ahead, for some
 * of the budgets: once, a length wrapped around there. */
static void test_memory_of_tables_is_bounded(void **state)
{
	static const unsigned counts[] = { 1700, 2000, 3000, 5000 };
	struct builder b = { 0 };
	char name[40];

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		build_header(&b, 3, counts[i], 0);
		for (unsigned j = 0; j < counts[i]; j++) {
			snprintf(name, sizeof(name),
				 "blk.%u.ffn_gate_exps.weight", j);
			build_tensor(&b, name, 0, NULL, 24, 32 * j);
		}
		build_data(&b, 32, 32 * counts[i]);
		check_memory(&b);
		builder_release(&b);
	}
}

/* Bytes of address space that this process has. */
static rlim_t address_space(void)
{
	FILE *const statm = fopen("/proc/self/statm", "re");
	unsigned long pages;

	assert_non_null(statm);
	assert_int_equal(fscanf(statm, "%lu", &pages), 1);
	fclose(statm);
	return pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

/* In a child: reads the file in at most MAX_BYTES more than it has already.
 * A sanitizer reserves terabytes, and then there is no limit. */
#define MAX_BYTES (64u << 20)
static void read_in_limits(const char *path, const char *message, rlim_t space)
{
	const struct rlimit limit = { space + MAX_BYTES, RLIM_INFINITY };
	struct error err = { 0 };

	if (space < 1ull << 40 && setrlimit(RLIMIT_AS, &limit))
		_exit(2);
	if (read_path(path, MEMORY, &err) != !message ||
	    (message && !strstr(err.message, message))) {
		print_error("%s\n", err.message);
		_exit(1);
	}
	_exit(0);
}

/*
 * Reads b, continued by zeros up to `size`, in a process of its own, and checks
 * what it says, NULL where it accepts the file, and what that costs: 64 MiB,
 * and 100 ms, which become 2 s (20 s with a sanitizer) for a slow and busy CPU:
 * what is quadratic takes minutes.
 */
static void check_cost(const struct builder *b, off_t size, const char *message)
{
	const rlim_t space = address_space();
	const bool sanitized = space >= 1ull << 40;
	char path[BUILDER_PATH_SIZE];
	const int fd = builder_open(b, path);
	struct rusage usage;
	int status;
	pid_t pid;

	if (size)
		assert_int_equal(ftruncate(fd, size), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		read_in_limits(path, message, space);
	assert_int_equal(wait4(pid, &status, 0, &usage), pid);
	assert_int_equal(status, 0);
	assert_true(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec <
		    (sanitized ? 20 : 2));
	close(fd);
}

#define SPARSE (100ll << 30)

static void check_sparse(uint64_t n_tensors, uint64_t n_kv, const char *message)
{
	struct builder b = { 0 };

	build_header(&b, 3, n_tensors, n_kv);
	check_cost(&b, SPARSE, message);
	builder_release(&b);
}

/* A sparse file whose first key is an array of n items. */
static void check_sparse_array(uint32_t type, uint64_t n, const char *message)
{
	struct builder b = { 0 };

	build_header(&b, 3, 0, 2);
	build_key(&b, "k", GGUF_ARRAY);
	build_array(&b, type, n);
	check_cost(&b, SPARSE, message);
	builder_release(&b);
}

static void test_hostile_counts_cost_little(void **state)
{
	static const char key_2_is_zero[] =
		"key 2 of 2: there are only zeros";
	static const char memory[] = "of memory for metadata; raise --memory";

	(void)state;
	check_sparse(4000000000, 0, memory);
	check_sparse(0, 4000000000, memory);
	check_sparse_array(GGUF_U8, SPARSE - 100, memory);
	check_sparse_array(GGUF_F64, 10000000000, memory);
	check_sparse_array(GGUF_STRING, 10000000000, memory);
	check_sparse_array(GGUF_ARRAY, 5000000000, memory);
	/* What nearly fits the memory is read, and walked. */
	check_sparse(299000, 0, "tensor 1 of 299000: there are only zeros");
	check_sparse_array(GGUF_U8, 50000000, key_2_is_zero);
	check_sparse_array(GGUF_STRING, 6250000, key_2_is_zero);
	check_sparse_array(GGUF_ARRAY, 4160000, key_2_is_zero);
}

static void test_deep_nesting_costs_little(void **state)
{
	struct builder b = { 0 };

	(void)state;
	build_header(&b, 3, 0, 1);
	build_key(&b, "k", GGUF_ARRAY);
	for (unsigned i = 0; i < 1000000; i++)
		build_array(&b, GGUF_ARRAY, 1);
	check_cost(&b, 0, "arrays are nested more than 16 deep");
	builder_release(&b);
}

/* n keys, or scalars whose data is in the reverse order, whose names are alike;
 * the last name appears twice if `repeat`. */
static void check_many(size_t n_kv, size_t n_tensors, bool repeat,
		       const char *message)
{
	struct builder b = { 0 };
	char name[64];

	build_header(&b, 3, n_tensors, n_kv);
	for (size_t i = 0; i < n_kv; i++) {
		snprintf(name, sizeof(name), "tokenizer.ggml.a_key.%08zu",
			 repeat && i == n_kv - 1 ? 0 : i);
		build_key(&b, name, GGUF_U8);
		build_zeros(&b, 1);
	}
	for (size_t i = 0; i < n_tensors; i++) {
		snprintf(name, sizeof(name), "blk.%08zu.ffn_gate_exps.weight",
			 repeat && i == n_tensors - 1 ? 0 : i);
		build_tensor(&b, name, 0, NULL, 24, 32 * (n_tensors - 1 - i));
	}
	build_data(&b, 32, 32 * n_tensors);
	check_cost(&b, 0, message);
	builder_release(&b);
}

static void test_many_entries_cost_little(void **state)
{
	(void)state;
	check_many(100000, 0, false, NULL);
	check_many(0, 100000, false, NULL);
	check_many(400000, 0, true, "appears twice");
	check_many(0, 250000, true, "appears twice");
}

/* As large models have it: 1000 tensors, and 10^6 tokens with scores. */
static void test_large_vocabulary(void **state)
{
	const size_t n = 1000000;
	struct builder b = { 0 };
	char token[32];

	(void)state;
	build_header(&b, 3, 1000, 2);
	build_key(&b, "tokens", GGUF_ARRAY);
	build_array(&b, GGUF_STRING, n);
	for (size_t i = 0; i < n; i++) {
		snprintf(token, sizeof(token), "token%zu", i);
		build_string(&b, token);
	}
	build_key(&b, "scores", GGUF_ARRAY);
	build_array(&b, GGUF_F32, n);
	build_zeros(&b, 4 * n);
	for (size_t i = 0; i < 1000; i++) {
		snprintf(token, sizeof(token), "blk.%zu.weight", i);
		build_tensor(&b, token, 0, NULL, 0, 32 * i);
	}
	build_data(&b, 32, 32 * 1000);
	check_cost(&b, 0, NULL);
	builder_release(&b);
}

/* One tensor of 2^33 weights, another behind it, in a file of 36 GB. */
static void test_tensors_beyond_4_gib(void **state)
{
	const uint64_t n = 1ull << 33;
	struct builder b = { 0 };
	char path[BUILDER_PATH_SIZE];
	struct source src;
	struct gguf gguf;
	struct error err;
	int fd;

	(void)state;
	build_header(&b, 3, 2, 0);
	build_tensor(&b, "large", 2, (uint64_t[]){ 1 << 20, 1 << 13 }, 0, 0);
	build_tensor(&b, "after", 1, (uint64_t[]){ 32 }, 0, 4 * n);
	build_data(&b, 32, 0);
	fd = builder_open(&b, path);
	assert_int_equal(ftruncate(fd, (off_t)(b.len + 4 * n + 128)), 0);
	assert_int_equal(source_open(&src, path, &err), 0);
	assert_int_equal(gguf_read(&gguf, &src, MEMORY, &err), 0);
	assert_int_equal(gguf.tensors[0].n_weights, n);
	assert_int_equal(gguf.tensors[0].bytes, 4 * n);
	assert_int_equal(gguf.tensors[1].offset, b.len + 4 * n);
	gguf_release(&gguf);

	assert_int_equal(ftruncate(fd, (off_t)(b.len + 4 * n + 127)), 0);
	assert_false(read_path(path, MEMORY, &err));
	source_close(&src);
	close(fd);
	builder_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_corpus),
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_foreign_types),
		cmocka_unit_test(test_a_foreign_type_may_be_cut_off),
		cmocka_unit_test(test_types_of_prism),
		cmocka_unit_test(test_types_with_the_same_id),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_empty_rows),
		cmocka_unit_test(test_arrays_are_walked),
		cmocka_unit_test(test_unsigned_takes_integers),
		cmocka_unit_test(test_types_have_names),
		cmocka_unit_test(test_every_prefix_is_refused),
		cmocka_unit_test(test_every_mutation_is_safe),
		cmocka_unit_test(test_memory_is_bounded),
		cmocka_unit_test(test_memory_of_tables_is_bounded),
		cmocka_unit_test(test_hostile_counts_cost_little),
		cmocka_unit_test(test_deep_nesting_costs_little),
		cmocka_unit_test(test_many_entries_cost_little),
		cmocka_unit_test(test_large_vocabulary),
		cmocka_unit_test(test_tensors_beyond_4_gib),
	};

	return cmocka_run_group_tests_name("gguf", tests, NULL, NULL);
}

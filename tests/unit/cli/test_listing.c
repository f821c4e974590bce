#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/listing.h"

#define TEXT(bytes) { bytes, sizeof(bytes) - 1 }

static struct gguf_kv kvs[] = {
	{ TEXT("general.architecture"), GGUF_STRING,
	  TEXT("\5\0\0\0\0\0\0\0llama") },
	{ TEXT("general.name"), GGUF_STRING,
	  TEXT("\6\0\0\0\0\0\0\0a\33[31m") },
	{ TEXT("u8"), GGUF_U8, TEXT("\377") },
	{ TEXT("i8"), GGUF_I8, TEXT("\200") },
	{ TEXT("u16"), GGUF_U16, TEXT("\377\377") },
	{ TEXT("i16"), GGUF_I16, TEXT("\0\200") },
	{ TEXT("u32"), GGUF_U32, TEXT("\1\2\3\4") },
	{ TEXT("i32"), GGUF_I32, TEXT("\376\377\377\377") },
	{ TEXT("f32"), GGUF_F32, TEXT("\315\314\314\75") },
	{ TEXT("bool"), GGUF_BOOL, TEXT("\2") },
	{ TEXT("u64"), GGUF_U64, TEXT("\377\377\377\377\377\377\377\377") },
	{ TEXT("i64"), GGUF_I64, TEXT("\0\0\0\0\0\0\0\200") },
	{ TEXT("f64"), GGUF_F64, TEXT("\0\0\0\0\0\0\370\177") },
	{ TEXT("empty"), GGUF_ARRAY, TEXT("\0\0\0\0\0\0\0\0\0\0\0\0") },
	{ TEXT("strings\n"), GGUF_ARRAY,
	  TEXT("\10\0\0\0\2\0\0\0\0\0\0\0"
	       "\0\0\0\0\0\0\0\0" "\1\0\0\0\0\0\0\0\377") },
	{ TEXT("nested"), GGUF_ARRAY,
	  TEXT("\11\0\0\0\2\0\0\0\0\0\0\0"
	       "\3\0\0\0\2\0\0\0\0\0\0\0\1\0\377\377"
	       "\0\0\0\0\1\0\0\0\0\0\0\0\7") },
};

/* Two shards, and a plan of all their tensors as F16. */
struct fixture {
	struct gguf_tensor infos[4];
	struct model_shard shards[2];
	struct model_tensor tensors[4];
	struct model model;
	struct plan_tensor planned[4];
	struct plan plan;
};

static void set_tensor(struct fixture *f, unsigned i, struct text name,
		       enum format_index format, unsigned n_dims, uint64_t dim0,
		       uint64_t dim1)
{
	struct gguf_tensor *info = &f->infos[i];

	*info = (struct gguf_tensor){
		.name = name,
		.format = format_at(format),
		.n_dims = n_dims,
		.dims = { dim0, dim1, 1, 1 },
		.n_weights = dim0 * dim1,
		.offset = 64 * (i + 1),
	};
	info->n_blocks = info->n_weights / info->format->block_weights;
	info->bytes = info->n_blocks * info->format->block_bytes;
	f->tensors[i].info = info;
	f->tensors[i].source = &f->shards[i / 3].source;
	f->planned[i] = (struct plan_tensor){
		.tensor = &f->tensors[i],
		.type = OUTPUT_F16,
		.format = format_at(FORMAT_F16),
		.dst_offset = f->plan.dst_bytes,
		.dst_bytes = info->n_weights * 2,
	};
	f->plan.dst_bytes += info->n_weights * 2;
}

static void set_up(struct fixture *f)
{
	static char names[2][16] = { "a.gguf", "b.gguf" };

	memset(f, 0, sizeof(*f));
	set_tensor(f, 0, (struct text)TEXT("token_embd.weight"), FORMAT_Q8_0, 2,
		   4096, 128256);
	set_tensor(f, 1, (struct text)TEXT("\33[2J\0\377"), FORMAT_F32, 0, 1,
		   1);
	set_tensor(f, 2, (struct text)TEXT("漢字"), FORMAT_Q8_0, 1, 32, 1);
	set_tensor(f, 3, (struct text)TEXT(""), FORMAT_F32, 2, 3, 0);
	for (unsigned i = 0; i < 2; i++) {
		f->shards[i].source.name = names[i];
		f->shards[i].gguf = (struct gguf){
			.version = 3, .alignment = 32, .data_offset = 64,
			.n_tensors = i ? 1 : 3,
		};
	}
	f->shards[0].gguf.kv = kvs;
	f->shards[0].gguf.n_kv = sizeof(kvs) / sizeof(*kvs);
	f->model = (struct model){
		.shards = f->shards, .n_shards = 2,
		.tensors = f->tensors, .n_tensors = 4,
	};
	f->plan.tensors = f->planned;
	f->plan.n_tensors = 4;
}

struct capture {
	FILE *stream;
	char *text;
	size_t len;
};

static void capture_open(struct capture *capture)
{
	*capture = (struct capture){ 0 };
	capture->stream = open_memstream(&capture->text, &capture->len);
	assert_non_null(capture->stream);
}

static void capture_is(struct capture *capture, const char *expected)
{
	assert_int_equal(fclose(capture->stream), 0);
	assert_string_equal(capture->text, expected);
	assert_int_equal(capture->len, strlen(expected));
	free(capture->text);
}

static void test_table(void **state)
{
	struct fixture f;
	struct capture capture;

	(void)state;
	set_up(&f);
	capture_open(&capture);
	listing_table(capture.stream, &f.model, &f.plan, 1050674000);
	capture_is(&capture,
"a.gguf: llama, a\\x1b[31m\n"
"GGUF version 3, 2 shards, 4 tensors; a shape's fastest dimension is first\n"
"\n"
"TYPE     SHAPE            WEIGHTS        SIZE  NAME\n"
"Q8_0     4096 x 128256  525336576   532.3 MiB  token_embd.weight\n"
"F32      scalar                 1         4 B  \\x1b[2J\\x00\\xff\n"
"Q8_0     32                    32        34 B  漢字\n"
"F32      3 x 0                  0         0 B  \n"
"\n"
"TYPE     TENSORS    WEIGHTS        SIZE  BITS/WEIGHT\n"
"F32            2          1         4 B       32.000\n"
"Q8_0           2  525336608   532.3 MiB        8.500\n"
"all            4  525336609   532.3 MiB        8.500\n"
"\n"
"Output as f16: 1050673218 bytes (1002.0 MiB)\n"
"As a GGUF file: 1050674000 bytes (1002.0 MiB)\n");
}

static void test_table_of_a_selection(void **state)
{
	struct fixture f;
	struct capture capture;

	(void)state;
	set_up(&f);
	f.model.n_shards = 1;
	f.shards[0].gguf.n_kv = 0;
	f.plan.tensors += 1;
	f.plan.n_tensors = 0;
	f.plan.dst_bytes = 0;
	capture_open(&capture);
	listing_table(capture.stream, &f.model, &f.plan, 0);
	capture_is(&capture,
"a.gguf\n"
"GGUF version 3, 0 of 4 tensors; a shape's fastest dimension is first\n"
"\n"
"TYPE     SHAPE  WEIGHTS        SIZE  NAME\n"
"\n"
"TYPE     TENSORS  WEIGHTS        SIZE  BITS/WEIGHT\n"
"all            0        0         0 B        0.000\n"
"\n"
"Output as f32: 0 bytes (0 B)\n");
}

/* Checks how the last line of a table shows a size of `bytes` bytes. */
static void size_is(uint64_t bytes, const char *expected)
{
	struct fixture f;
	struct capture capture;
	const char *size;

	set_up(&f);
	f.plan.dst_bytes = bytes;
	capture_open(&capture);
	listing_table(capture.stream, &f.model, &f.plan, 0);
	assert_int_equal(fclose(capture.stream), 0);
	size = strrchr(capture.text, '(');
	assert_non_null(size);
	assert_string_equal(size, expected);
	free(capture.text);
}

static void test_sizes(void **state)
{
	(void)state;
	size_is(1023, "(1023 B)\n");
	size_is(1024, "(1.0 KiB)\n");
	size_is(1024 * 1024 - 52, "(1023.9 KiB)\n");
	size_is(1024 * 1024 - 51, "(1.0 MiB)\n");
	size_is(UINT64_MAX, "(16.0 EiB)\n");
}

static const char json[] =
"{\n"
"  \"files\": [\n"
"    {\"name\": \"a.gguf\", \"gguf_version\": 3, \"alignment\": 32, "
"\"data_offset\": 64, \"tensors\": 3},\n"
"    {\"name\": \"b.gguf\", \"gguf_version\": 3, \"alignment\": 32, "
"\"data_offset\": 64, \"tensors\": 1}\n"
"  ],\n"
"  \"metadata\": {\n"
"    \"general.architecture\": {\"type\": \"string\", \"value\": \"llama\"},\n"
"    \"general.name\": {\"type\": \"string\", \"value\": \"a\\u001b[31m\"},\n"
"    \"u8\": {\"type\": \"u8\", \"value\": 255},\n"
"    \"i8\": {\"type\": \"i8\", \"value\": -128},\n"
"    \"u16\": {\"type\": \"u16\", \"value\": 65535},\n"
"    \"i16\": {\"type\": \"i16\", \"value\": -32768},\n"
"    \"u32\": {\"type\": \"u32\", \"value\": 67305985},\n"
"    \"i32\": {\"type\": \"i32\", \"value\": -2},\n"
"    \"f32\": {\"type\": \"f32\", \"value\": 0.1},\n"
"    \"bool\": {\"type\": \"bool\", \"value\": true},\n"
"    \"u64\": {\"type\": \"u64\", \"value\": 18446744073709551615},\n"
"    \"i64\": {\"type\": \"i64\", \"value\": -9223372036854775808},\n"
"    \"f64\": {\"type\": \"f64\", \"value\": \"NaN\"},\n"
"    \"empty\": {\"type\": \"array\", \"items\": \"u8\", \"value\": []},\n"
"    \"strings\\n\": {\"type\": \"array\", \"items\": \"string\", "
"\"value\": [\"\", \"\\udcff\"]},\n"
"    \"nested\": {\"type\": \"array\", \"items\": \"array\", "
"\"value\": [[1, -1], [7]]}\n"
"  },\n"
"  \"tensors\": [\n"
"    {\"name\": \"token_embd.weight\", \"type\": \"Q8_0\", "
"\"shape\": [4096, 128256], \"weights\": 525336576, \"file\": 0, "
"\"offset\": 64, \"bytes\": 558170112, \"output_type\": \"f16\", "
"\"output_bytes\": 1050673152},\n"
"    {\"name\": \"\\u001b[2J\\u0000\\udcff\", \"type\": \"F32\", "
"\"shape\": [], \"weights\": 1, \"file\": 0, \"offset\": 128, \"bytes\": 4, "
"\"output_type\": \"f16\", \"output_bytes\": 2},\n"
"    {\"name\": \"\\u6f22\\u5b57\", \"type\": \"Q8_0\", \"shape\": [32], "
"\"weights\": 32, \"file\": 0, \"offset\": 192, \"bytes\": 34, "
"\"output_type\": \"f16\", \"output_bytes\": 64},\n"
"    {\"name\": \"\", \"type\": \"F32\", \"shape\": [3, 0], \"weights\": 0, "
"\"file\": 1, \"offset\": 256, \"bytes\": 0, \"output_type\": \"f16\", "
"\"output_bytes\": 0}\n"
"  ],\n"
"  \"types\": {\n"
"    \"F32\": {\"tensors\": 2, \"weights\": 1, \"bytes\": 4},\n"
"    \"Q8_0\": {\"tensors\": 2, \"weights\": 525336608, "
"\"bytes\": 558170146}\n"
"  },\n"
"  \"all\": {\n"
"    \"tensors\": 4,\n"
"    \"weights\": 525336609,\n"
"    \"bytes\": 558170150\n"
"  },\n"
"  \"output\": {\n"
"    \"type\": \"f16\",\n"
"    \"bytes\": 1050673218,\n"
"    \"gguf_bytes\": 4096\n"
"  }\n"
"}\n";

static void test_json(void **state)
{
	struct fixture f;
	struct capture capture;

	(void)state;
	set_up(&f);
	capture_open(&capture);
	listing_json(capture.stream, &f.model, &f.plan, 4096);
	capture_is(&capture, json);
}

static void test_index(void **state)
{
	struct error err;
	struct fixture f;
	struct capture capture;

	(void)state;
	set_up(&f);
	capture_open(&capture);
	assert_int_equal(listing_index(capture.stream, &f.plan, false, &err),
			 0);
	capture_is(&capture,
"{\n"
"  \"index_version\": 1,\n"
"  \"byte_order\": \"little\",\n"
"  \"shape_order\": \"fastest first\",\n"
"  \"bytes\": 1050673218,\n"
"  \"tensors\": [\n"
"    {\"name\": \"token_embd.weight\", \"type\": \"f16\", "
"\"shape\": [4096, 128256], \"offset\": 0, \"bytes\": 1050673152},\n"
"    {\"name\": \"\\u001b[2J\\u0000\\udcff\", \"type\": \"f16\", "
"\"shape\": [], \"offset\": 1050673152, \"bytes\": 2},\n"
"    {\"name\": \"\\u6f22\\u5b57\", \"type\": \"f16\", \"shape\": [32], "
"\"offset\": 1050673154, \"bytes\": 64},\n"
"    {\"name\": \"\", \"type\": \"f16\", \"shape\": [3, 0], "
"\"offset\": 1050673218, \"bytes\": 0}\n"
"  ]\n"
"}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_table_of_a_selection),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_index),
	};

	return cmocka_run_group_tests_name("listing", tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/model.h"
#include "../child.h"
#include "../failing_malloc.h"
#include "../gguf_builder.h"
#include "../scratch.h"

#define MEMORY (48u << 20)

/* What a shard says of itself. */
struct shard {
	uint64_t no, count, total;
	unsigned n_tensors; /* named tFIRST… */
	unsigned first;
};

static void build_shard(struct builder *b, const struct shard *shard)
{
	char name[16];

	build_header(b, 3, shard->n_tensors, 3);
	build_u16(b, "split.no", (uint16_t)shard->no);
	build_u16(b, "split.count", (uint16_t)shard->count);
	build_key(b, "split.tensors.count", GGUF_I32);
	build_integer(b, shard->total, 4);
	for (unsigned i = 0; i < shard->n_tensors; i++) {
		snprintf(name, sizeof(name), "t%u", shard->first + i);
		build_tensor(b, name, 1, (uint64_t[]){ 32 }, 24, 32 * i);
	}
	build_data(b, 32, 32 * shard->n_tensors);
}

static void write_builder(const char *path, const struct builder *b)
{
	FILE *const file = fopen(path, "we");

	assert_non_null(file);
	if (b->len)
		assert_int_equal(fwrite(b->data, b->len, 1, file), 1);
	assert_int_equal(fclose(file), 0);
}

static void write_shard(const char *path, const struct shard *shard)
{
	struct builder b = { 0 };

	build_shard(&b, shard);
	write_builder(path, &b);
	builder_release(&b);
}

/* m-0000{1,2,3}-of-00003.gguf: tensors t0 t1, t2, and t3 t4 t5. */
static const struct shard shards[] = {
	{ 0, 3, 6, 2, 0 }, { 1, 3, 6, 1, 2 }, { 2, 3, 6, 3, 3 },
};
static const char *const shard_names[] = {
	"m-00001-of-00003.gguf", "m-00002-of-00003.gguf",
	"m-00003-of-00003.gguf",
};

static void write_split_model(void)
{
	for (size_t i = 0; i < 3; i++)
		write_shard(shard_names[i], &shards[i]);
}

static int open_path(struct model *model, const char *path, size_t memory,
		     struct error *err)
{
	return model_open(model, &path, 1, memory, err);
}

static void assert_refused(const char *path, const char *expected)
{
	struct error err = { 0 };
	struct model model;

	assert_int_equal(open_path(&model, path, MEMORY, &err), -1);
	assert_string_equal(err.message, expected);
}

static void test_single_file(void **state)
{
	struct builder b = { 0 };
	struct model model;
	struct error err;

	(void)state;
	build_header(&b, 2, 2, 0);
	build_tensor(&b, "a", 1, (uint64_t[]){ 8 }, 0, 32);
	build_tensor(&b, "b", 1, (uint64_t[]){ 8 }, 0, 0);
	build_data(&b, 32, 64);
	write_builder("single.gguf", &b);
	assert_int_equal(open_path(&model, "single.gguf", MEMORY, &err), 0);
	assert_int_equal(model.n_shards, 1);
	assert_int_equal(model.n_tensors, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_ptr_equal(model.tensors[i].info,
				 &model.shards[0].gguf.tensors[i]);
		assert_ptr_equal(model.tensors[i].source,
				 &model.shards[0].source);
	}
	model_release(&model);
	builder_release(&b);
}

static void test_shards_are_one_model(void **state)
{
	struct model model;
	struct error err;

	(void)state;
	write_split_model();
	assert_int_equal(open_path(&model, shard_names[0], MEMORY, &err), 0);
	assert_int_equal(model.n_shards, 3);
	assert_int_equal(model.n_tensors, 6);
	for (size_t i = 0; i < 6; i++) {
		const struct model_tensor *const tensor = &model.tensors[i];
		const size_t shard = i < 2 ? 0 : i < 3 ? 1 : 2;
		const char name[] = { 't', (char)('0' + i) };
		char byte;

		assert_int_equal(tensor->info->name.len, 2);
		assert_memory_equal(tensor->info->name.data, name, 2);
		assert_ptr_equal(tensor->source, &model.shards[shard].source);
		assert_int_equal(source_read(tensor->source,
					     tensor->info->offset, &byte, 1,
					     &err), 0);
		assert_int_equal(byte, 32 * (i - shards[shard].first));
	}
	model_release(&model);
}

/* split.count of 1, as some writers leave it, is no split model. */
static void test_one_shard_needs_no_name(void **state)
{
	const struct shard shard = { 0, 1, 2, 2, 0 };
	struct model model;
	struct error err;

	(void)state;
	write_shard("one.gguf", &shard);
	assert_int_equal(open_path(&model, "one.gguf", MEMORY, &err), 0);
	assert_int_equal(model.n_tensors, 2);
	model_release(&model);
}

static void assert_tensors_in_order(const struct model *model)
{
	assert_int_equal(model->n_shards, 3);
	assert_int_equal(model->n_tensors, 6);
	for (size_t i = 0; i < 6; i++) {
		const struct text name = model->tensors[i].info->name;

		assert_int_equal(name.len, 2);
		assert_int_equal(name.data[1], '0' + i);
	}
}

/* Any shard finds the others, by its name. */
static void test_any_shard_opens_the_model(void **state)
{
	static const char *const upper[] = {
		"-00001-of-00003.GGUF", "-00002-of-00003.GGUF",
		"-00003-of-00003.GGUF",
	};
	struct model model;
	struct error err;

	(void)state;
	write_split_model();
	for (size_t i = 0; i < 3; i++)
		write_shard(upper[i], &shards[i]);
	for (size_t i = 0; i < 6; i++) {
		if (open_path(&model, i < 3 ? shard_names[i] : upper[i - 3],
			      MEMORY, &err))
			fail_msg("%s", err.message);
		assert_tensors_in_order(&model);
		model_release(&model);
	}
}

static void test_a_shard_needs_its_name(void **state)
{
	(void)state;
	write_split_model();
	write_shard("second.gguf", &shards[1]);
	assert_refused("second.gguf",
		       "'second.gguf' is shard 2 of 3, but its name does not "
		       "end in '-00002-of-00003.gguf'; pass all shards");
	write_shard("m-00003-of-00003.gguf", &shards[0]);
	assert_refused("m-00003-of-00003.gguf",
		       "'m-00003-of-00003.gguf' is shard 1 of 3, but its name "
		       "does not end in '-00001-of-00003.gguf'; pass all "
		       "shards");
}

/* Shards under other names, as ollama stores them, in every order. */
static void test_shards_in_any_order(void **state)
{
	static const char *const names[] = { "sha256-c", "sha256-a",
					     "sha256-b" };
	struct model model;
	struct error err;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		write_shard(names[i], &shards[i]);
	for (size_t i = 0; i < 27; i++) {
		const char *const paths[] = { names[i / 9], names[i / 3 % 3],
					      names[i % 3] };
		const bool differ = paths[0] != paths[1] &&
				    paths[1] != paths[2] &&
				    paths[0] != paths[2];

		assert_int_equal(model_open(&model, paths, 3, MEMORY, &err),
				 differ ? 0 : -1);
		if (differ) {
			assert_tensors_in_order(&model);
			model_release(&model);
		} else {
			assert_non_null(strstr(err.message,
					       " are both shard "));
		}
	}
}

static void assert_paths_refused(size_t n, const char *const *paths,
				 const char *expected)
{
	struct error err = { 0 };
	struct model model;

	assert_int_equal(model_open(&model, paths, n, MEMORY, &err), -1);
	assert_string_equal(err.message, expected);
}

static void test_wrong_shards_are_named(void **state)
{
	static const struct shard other = { 1, 2, 6, 1, 2 };
	static const struct shard alone = { 0, 1, 1, 1, 0 };
	struct builder b = { 0 };

	(void)state;
	write_shard("a", &shards[0]);
	write_shard("b", &shards[1]);
	write_shard("c", &shards[2]);
	write_shard("other", &other);
	write_shard("alone", &alone);
	build_header(&b, 3, 0, 0);
	write_builder("single", &b);
	builder_release(&b);
	assert_paths_refused(2, (const char *[]){ "c", "a" },
			     "shard 2 of 3 is missing: 'c' is one of 3 shards, "
			     "but only 2 were given");
	assert_paths_refused(3, (const char *[]){ "a", "b", "b" },
			     "'b' and 'b' are both shard 2 of 3");
	assert_paths_refused(3, (const char *[]){ "a", "b", "other" },
			     "'other' is not a shard of the model of 'a': its "
			     "split.count is 2, not 3");
	assert_paths_refused(2, (const char *[]){ "a", "single" },
			     "'single' is not a shard of a split model: it has "
			     "no integer 'split.no'");
	assert_paths_refused(2, (const char *[]){ "single", "a" },
			     "'single' is not a shard of a split model: it has "
			     "no integer 'split.no'");
	assert_paths_refused(2, (const char *[]){ "alone", "alone" },
			     "'alone' and 'alone' are both shard 1 of 1");
	assert_paths_refused(2, (const char *[]){ "a", "none" },
			     "cannot open 'none': No such file or directory");
}

static void test_a_missing_shard_is_named(void **state)
{
	(void)state;
	write_split_model();
	assert_int_equal(unlink(shard_names[2]), 0);
	assert_refused(shard_names[0],
		       "cannot open 'm-00003-of-00003.gguf': No such file or "
		       "directory");
}

static void test_a_foreign_shard_is_named(void **state)
{
	static const struct {
		struct shard shard;
		const char *message;
	} cases[] = {
		{ { 2, 3, 6, 1, 2 },
		  "'m-00002-of-00003.gguf' is shard 3 of 3, not shard 2 as its "
		  "name says" },
		{ { 1, 4, 6, 1, 2 },
		  "'m-00002-of-00003.gguf' is not a shard of the model of "
		  "'m-00001-of-00003.gguf': its split.count is 4, not 3" },
		{ { 1, 3, 7, 1, 2 },
		  "'m-00002-of-00003.gguf' is not a shard of the model of "
		  "'m-00001-of-00003.gguf': its split.tensors.count is 7, "
		  "not 6" },
		{ { 1, 3, 6, 2, 2 },
		  "'m-00001-of-00003.gguf': split.tensors.count is 6, but "
		  "its 3 shards hold 7 tensors" },
		{ { 1, 3, 6, 1, 1 },
		  "tensor 't1' is in both 'm-00001-of-00003.gguf' and "
		  "'m-00002-of-00003.gguf'" },
		{ { 1, 3, 6, 1, 4 },
		  "tensor 't4' is in both 'm-00002-of-00003.gguf' and "
		  "'m-00003-of-00003.gguf'" },
	};

	(void)state;
	write_split_model();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		write_shard(shard_names[1], &cases[i].shard);
		assert_refused(shard_names[0], cases[i].message);
	}
}

static void test_a_bad_shard_is_named(void **state)
{
	struct builder b = { 0 };

	(void)state;
	write_split_model();
	write_builder(shard_names[2], &b);
	assert_refused(shard_names[0],
		       "'m-00003-of-00003.gguf' is empty");
	build_header(&b, 3, 0, 0);
	write_builder(shard_names[2], &b);
	assert_refused(shard_names[0],
		       "'m-00003-of-00003.gguf' is not a shard of a split "
		       "model: it has no integer 'split.no'");
	builder_release(&b);
}

static void test_split_keys_are_checked(void **state)
{
	static const struct shard beyond = { 3, 3, 6, 2, 0 };
	struct builder b = { 0 };

	(void)state;
	write_shard(shard_names[0], &beyond);
	assert_refused(shard_names[0],
		       "'m-00001-of-00003.gguf': split.no is 3 and "
		       "split.count is 3, but shards count from 0 and there "
		       "are at most 65535");

	build_header(&b, 3, 0, 3);
	build_u16(&b, "split.no", 0);
	build_u32(&b, "split.count", 65536);
	build_u32(&b, "split.tensors.count", 6);
	write_builder("many.gguf", &b);
	assert_refused("many.gguf",
		       "'many.gguf': split.no is 0 and split.count is 65536, "
		       "but shards count from 0 and there are at most 65535");
	builder_release(&b);

	build_header(&b, 3, 0, 2);
	build_u16(&b, "split.no", 0);
	build_key(&b, "split.count", GGUF_F32);
	build_zeros(&b, 4);
	write_builder("float.gguf", &b);
	assert_refused("float.gguf",
		       "'float.gguf' is not a shard of a split model: it has "
		       "no integer 'split.count'");
	builder_release(&b);
}

static void test_standard_input_cannot_be_split(void **state)
{
	struct builder b = { 0 };
	const int saved = dup(STDIN_FILENO);
	char path[BUILDER_PATH_SIZE];
	struct error err = { 0 };
	struct model model;
	int fd;

	(void)state;
	build_shard(&b, &shards[0]);
	fd = builder_pipe(&b, path);
	assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	assert_int_equal(open_path(&model, "-", MEMORY, &err), -1);
	assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
	assert_string_equal(err.message, "'standard input' is shard 1 of 3, but"
			    " its name does not end in '-00001-of-00003.gguf'; "
			    "pass all shards");
	close(saved);
	close(fd);
	builder_release(&b);
}

/* All shards share one memory. */
static void test_memory_bounds_all_shards(void **state)
{
	struct builder b = { 0 };
	struct error err = { 0 };
	struct model model;
	size_t used = 0;

	(void)state;
	write_split_model();
	build_header(&b, 3, 3, 4);
	build_u16(&b, "split.no", 2);
	build_u16(&b, "split.count", 3);
	build_u32(&b, "split.tensors.count", 6);
	build_key(&b, "large", GGUF_STRING);
	build_integer(&b, 1 << 20, 8);
	build_zeros(&b, 1 << 20);
	for (unsigned i = 0; i < 3; i++)
		build_tensor(&b, (const char *[]){ "x", "y", "z" }[i], 0, NULL,
			     24, 32 * i);
	build_data(&b, 32, 96);
	write_builder(shard_names[2], &b);
	assert_int_equal(open_path(&model, shard_names[0], MEMORY, &err), 0);
	for (size_t i = 0; i < 3; i++)
		used += model.shards[i].gguf.memory;
	model_release(&model);

	assert_int_equal(open_path(&model, shard_names[0],
				    used + GGUF_READ_AHEAD, &err), 0);
	model_release(&model);
	assert_int_equal(open_path(&model, shard_names[0],
				    used - GGUF_READ_AHEAD, &err), -1);
	assert_non_null(strstr(err.message, shard_names[2]));
	assert_non_null(strstr(err.message, "raise --memory"));
	builder_release(&b);
}

/* A model of two tensors: F16 "w" of 2 × 6 and F32 "v" of 3; and the key
 * `prefix`w, an array of n items of that type. */
static void write_shape(const char *prefix, uint32_t type, uint64_t n,
			const int64_t *items)
{
	struct builder b = { 0 };
	char key[64];

	snprintf(key, sizeof(key), "%sw", prefix);
	build_header(&b, 3, 2, 1);
	build_key(&b, key, GGUF_ARRAY);
	build_array(&b, type, n);
	for (uint64_t i = 0; i < n; i++)
		build_integer(&b, (uint64_t)items[i], type == GGUF_I64 ? 8 : 4);
	build_tensor(&b, "w", 2, (uint64_t[]){ 2, 6 }, 1, 0);
	build_tensor(&b, "v", 1, (uint64_t[]){ 3 }, 0, 32);
	build_data(&b, 32, 64);
	write_builder("shape.gguf", &b);
	builder_release(&b);
}
#define ORIGINAL "comfy.gguf.orig_shape."

static void test_original_shapes(void **state)
{
	static const uint64_t expected[] = { 2, 2, 1, 1, 3, 1 };
	struct model_shape shape;
	struct model model;
	struct error err;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		write_shape(i == 2 ? ORIGINAL "o" : ORIGINAL,
			    i ? GGUF_I64 : GGUF_I32, 6,
			    (int64_t[]){ 1, 3, 1, 1, 2, 2 });
		if (open_path(&model, "shape.gguf", MEMORY, &err))
			fail_msg("%s", err.message);
		shape = model_tensor_shape(&model.tensors[0]);
		if (i < 2) {
			assert_int_equal(shape.n_dims, 6);
			assert_memory_equal(shape.dims, expected,
					    sizeof(expected));
		} else { /* a key without a tensor changes nothing */
			assert_int_equal(shape.n_dims, 2);
		}
		assert_int_equal(model.tensors[0].info->n_dims, 2);
		shape = model_tensor_shape(&model.tensors[1]);
		assert_int_equal(shape.n_dims, 1);
		assert_int_equal(shape.dims[0], 3);
		model_release(&model);
	}
}

static void test_bad_original_shapes(void **state)
{
	static const char number[] =
		"'shape.gguf': the shape in key 'comfy.gguf.orig_shape.w' does "
		"not have the 12 weights of its tensor";
	static const char integers[] =
		"'shape.gguf': key 'comfy.gguf.orig_shape.w' must be an array "
		"of up to 8 integers";
	static const struct {
		uint32_t type;
		uint64_t n;
		int64_t items[9];
		const char *message;
	} rows[] = {
		{ GGUF_I32, 2, { 2, 5 }, number },
		{ GGUF_I32, 0, { 0 }, number },
		{ GGUF_I32, 3, { 12, 0, 1 }, number },
		{ GGUF_I32, 2, { -2, -6 }, integers },
		{ GGUF_F32, 2, { 2, 6 }, integers },
		{ GGUF_I32, 9, { 12, 1, 1, 1, 1, 1, 1, 1, 1 }, integers },
		{ GGUF_I64, 3, { 1ll << 62, 4, 12 }, number },
		{ GGUF_I64, 3, { 0, 1ll << 62, 4 }, number },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		write_shape(ORIGINAL, rows[i].type, rows[i].n, rows[i].items);
		assert_refused("shape.gguf", rows[i].message);
	}
}

#define MANY 300

static void write_many_shards(void)
{
	for (unsigned i = 0; i < MANY; i++) {
		const struct shard shard = { i, MANY, MANY, 1, i };
		char name[32];

		snprintf(name, sizeof(name), "m-%05u-of-%05u.gguf", i + 1,
			 MANY);
		write_shard(name, &shard);
	}
}

/* In a child, for a hard limit that was lowered stays. */
static int open_many(int hard_limit)
{
	const struct rlimit limit = { 256, (rlim_t)hard_limit };
	struct error err = { 0 };
	struct model model;

	if (setrlimit(RLIMIT_NOFILE, &limit))
		return 3;
	if (open_path(&model, "m-00001-of-00300.gguf", MEMORY, &err))
		return strcmp(err.message, "'m-00001-of-00300.gguf' has 300 "
			      "shards, but only 363 files can be open at "
			      "once; raise 'ulimit -Hn' to 364") ? 2 : 1;
	model_release(&model);
	return 0;
}

static void test_many_shards_raise_the_limit_of_files(void **state)
{
	(void)state;
	write_many_shards();
	assert_int_equal(child_run(open_many, 364), 0);
	assert_int_equal(child_run(open_many, 363), W_EXITCODE(1, 0));
}

/* Opens `n_bytes` zeros as blocks; a message, or NULL for success. */
static const char *open_zeros(struct model *model, size_t n_bytes,
			      const struct model_blocks *blocks)
{
	static struct error err;
	FILE *const file = fopen("zeros.bin", "we");

	assert_non_null(file);
	assert_int_equal(ftruncate(fileno(file), (off_t)n_bytes), 0);
	assert_int_equal(fclose(file), 0);
	return model_open_blocks(model, "zeros.bin", blocks, &err) ?
		       err.message : NULL;
}

static void assert_blocks_refused(size_t n_bytes,
				  const struct model_blocks *blocks,
				  const char *expected)
{
	struct model model;
	const char *const message = open_zeros(&model, n_bytes, blocks);

	assert_non_null(message);
	assert_string_equal(message, expected);
}

/* Every format, with a shape and without. */
static void test_blocks(void **state)
{
	(void)state;
	for (unsigned i = 0; i < FORMAT_COUNT; i++) {
		const struct format *const format = format_at(i);
		const uint64_t row = 3 * (uint64_t)format->block_weights;
		const uint64_t rows = format->group_rows > 1 ?
				      format->group_rows : 1;
		const uint64_t blocks = 6 * rows;
		const struct model_blocks shapes[] = {
			{ .format = format },
			{ format, 3, { row, rows, 2 } },
		};

		for (unsigned j = 0; j < 2; j++) {
			const size_t bytes = (size_t)format_run_bytes(
				format, blocks, j && format->group_rows ? 3 :
						blocks / rows);
			const struct gguf_tensor *tensor;
			struct model model;

			assert_null(open_zeros(&model, bytes, &shapes[j]));
			assert_int_equal(model.n_shards, 1);
			assert_int_equal(model.n_tensors, 1);
			assert_int_equal(model.shards[0].gguf.version, 0);
			assert_int_equal(model.shards[0].gguf.n_kv, 0);
			assert_ptr_equal(model.tensors[0].source,
					 &model.shards[0].source);
			tensor = model.tensors[0].info;
			assert_int_equal(tensor->name.len, 5);
			assert_memory_equal(tensor->name.data, "zeros", 5);
			assert_ptr_equal(tensor->format, format);
			assert_int_equal(tensor->n_dims,
					 j ? 3 : rows > 1 ? 2 : 1);
			assert_int_equal(tensor->dims[0], j ? row : 2 * row);
			assert_int_equal(tensor->dims[2], j ? 2 : 1);
			assert_int_equal(tensor->dims[3], 1);
			assert_int_equal(tensor->dims[1], rows);
			assert_int_equal(tensor->n_weights, 2 * row * rows);
			assert_int_equal(tensor->n_blocks, blocks);
			assert_int_equal(tensor->offset, 0);
			assert_int_equal(tensor->bytes, bytes);
			model_release(&model);
		}
	}
}

static void test_sizes_of_blocks(void **state)
{
	const struct format *const q4_k = format_at(FORMAT_Q4_K);
	const struct format *const i8 = format_at(FORMAT_I8);
	const struct format *const i64 = format_at(FORMAT_I64);
	const uint64_t most = INT64_MAX;
	struct model model;

	(void)state;
	assert_blocks_refused(0, &(struct model_blocks){ .format = q4_k },
			      "'zeros.bin' is empty");
	assert_blocks_refused(143, &(struct model_blocks){ .format = q4_k },
			      "'zeros.bin' has 143 bytes, but Q4_K comes in "
			      "blocks of 144");
	assert_blocks_refused(145, &(struct model_blocks){ .format = q4_k },
			      "'zeros.bin' has 145 bytes, but Q4_K comes in "
			      "blocks of 144");
	assert_blocks_refused(144, &(struct model_blocks){ q4_k, 1, { 512 } },
			      "'zeros.bin' has 144 bytes, but should have 288");
	assert_blocks_refused(289, &(struct model_blocks){ q4_k, 1, { 512 } },
			      "'zeros.bin' has 289 bytes, but should have 288");
	assert_blocks_refused(144, &(struct model_blocks){ q4_k, 2, { 64, 4 } },
			      "'zeros.bin': dims[0] 64: Q4_K has blocks of 256 "
			      "weights, and a row must be whole blocks");
	for (unsigned i = 0; i < 2; i++)
		assert_blocks_refused(1, &(struct model_blocks){
			i8, 3, { i, (uint64_t)1 << 62, 2 } },
			"'zeros.bin': dims[2] 2: a tensor has at most "
			"9223372036854775807 weights");
	assert_blocks_refused(1, &(struct model_blocks){
		i8, 2, { UINT64_MAX, UINT64_MAX } },
		"'zeros.bin': dims[0] 18446744073709551615: a tensor has at "
		"most 9223372036854775807 weights");
	assert_blocks_refused(1, &(struct model_blocks){ i8, 1, { most } },
			      "'zeros.bin' has 1 bytes, but should have "
			      "9223372036854775807");
	assert_blocks_refused(1, &(struct model_blocks){ i64, 1, { most / 8 +
							 1 } },
			      "'zeros.bin': 1152921504606846976 weights of I64 "
			      "take more than 9223372036854775807 bytes");
	/* A shape may say that there is nothing. */
	assert_null(open_zeros(&model, 0, &(struct model_blocks){
		q4_k, 2, { 256, 0 } }));
	assert_int_equal(model.tensors[0].info->n_weights, 0);
	assert_int_equal(model.tensors[0].info->bytes, 0);
	model_release(&model);
}

static void test_names_of_blocks(void **state)
{
	static const struct {
		const char *path, *name;
	} rows[] = {
		{ "a.b.q4_k", "a.b" }, { "./.hidden", ".hidden" },
		{ "plain", "plain" },  { "../a/x.bin", "x" },
		{ "a/\377..", "\377." },
	};
	const struct model_blocks blocks = { .format = format_at(FORMAT_I8) };
	struct error err;

	(void)state;
	assert_int_equal(mkdir("a", 0777), 0);
	assert_int_equal(chdir("a"), 0);
	assert_int_equal(mkdir("a", 0777), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct model model;
		struct text name;

		scratch_write(rows[i].path, "x");
		assert_int_equal(model_open_blocks(&model, rows[i].path,
						   &blocks, &err), 0);
		name = model.tensors[0].info->name;
		assert_int_equal(name.len, strlen(rows[i].name));
		assert_memory_equal(name.data, rows[i].name, name.len);
		model_release(&model);
	}
}

/* The parent's bytes come through a pipe, as standard input. */
static void test_blocks_from_a_pipe(void **state)
{
	const struct format *const q8_0 = format_at(FORMAT_Q8_0);
	const int saved = dup(STDIN_FILENO);

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		const struct model_blocks blocks = { q8_0, i, { 64 } };
		const char bytes[2 * 34] = "12";
		struct source *source;
		struct model model;
		struct error err;
		char got[2];
		int fds[2];

		assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
		assert_int_equal(write(fds[1], bytes, sizeof(bytes)),
				 sizeof(bytes));
		close(fds[1]);
		assert_int_equal(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
		close(fds[0]);
		if (model_open_blocks(&model, "-", &blocks, &err))
			fail_msg("%s", err.message);
		source = &model.shards[0].source;
		assert_int_equal(source->seekable, !i); /* it was spooled */
		assert_memory_equal(model.tensors[0].info->name.data, "stdin",
				    5);
		assert_int_equal(model.tensors[0].info->n_weights, 64);
		assert_int_equal(source_read(source, 0, got, 2, &err), 0);
		assert_memory_equal(got, "12", 2);
		model_release(&model);
	}
	assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
	close(saved);
}

static void test_blocks_when_allocations_fail(void **state)
{
	const struct model_blocks blocks = { .format = format_at(FORMAT_I8) };
	struct model model;
	struct error err;

	(void)state;
	scratch_write("x", "x");
	for (unsigned i = 1;; i++) {
		int result;

		until_failure = i;
		result = model_open_blocks(&model, "x", &blocks, &err);
		if (until_failure) {
			until_failure = 0;
			assert_int_equal(result, 0);
			assert_true(i > 5);
			break;
		}
		assert_int_equal(result, -1);
		assert_non_null(strstr(err.message, ": Cannot allocate"));
	}
	model_release(&model);
}

/* Each allocation fails in its turn; a sanitizer sees what is leaked then. */
static void test_allocations_may_fail(void **state)
{
	struct model model;
	struct error err;

	(void)state;
	write_split_model();
	for (unsigned i = 1;; i++) {
		int result;

		until_failure = i;
		err.message[0] = '\0';
		result = open_path(&model, shard_names[0], MEMORY, &err);
		if (until_failure) {
			until_failure = 0;
			assert_int_equal(result, 0);
			assert_true(i > 3 * 7);
			break;
		}
		assert_int_equal(result, -1);
		assert_non_null(strstr(err.message, ": Cannot allocate"));
	}
	model_release(&model);
}

static void test_no_descriptor_is_left_open(void **state)
{
	const int before = dup(STDIN_FILENO);
	struct error err;
	struct model model;
	int after;

	(void)state;
	write_split_model();
	close(before);
	write_shard(shard_names[2], &shards[1]);
	assert_int_equal(open_path(&model, shard_names[0], MEMORY, &err), -1);
	after = dup(STDIN_FILENO);
	close(after);
	assert_int_equal(before, after);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, scratch_enter, scratch_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_single_file),
		TEST(test_shards_are_one_model),
		TEST(test_one_shard_needs_no_name),
		TEST(test_any_shard_opens_the_model),
		TEST(test_a_shard_needs_its_name),
		TEST(test_shards_in_any_order),
		TEST(test_wrong_shards_are_named),
		TEST(test_original_shapes),
		TEST(test_bad_original_shapes),
		TEST(test_a_missing_shard_is_named),
		TEST(test_a_foreign_shard_is_named),
		TEST(test_a_bad_shard_is_named),
		TEST(test_split_keys_are_checked),
		TEST(test_standard_input_cannot_be_split),
		TEST(test_memory_bounds_all_shards),
		TEST(test_many_shards_raise_the_limit_of_files),
		TEST(test_blocks),
		TEST(test_sizes_of_blocks),
		TEST(test_names_of_blocks),
		TEST(test_blocks_from_a_pipe),
		TEST(test_blocks_when_allocations_fail),
		TEST(test_allocations_may_fail),
		TEST(test_no_descriptor_is_left_open),
	};

	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hf/metadata.h"
#include "../hf_model.h"

struct fixture {
	struct hf_model built;
	struct model model;
	struct metadata metadata;
	struct error err;
};

static void set_up(struct fixture *f, const char *architecture)
{
	hf_text(&f->built, "general.architecture", architecture);
	assert_int_equal(hf_open(&f->built, &f->model, &f->err), 0);
	assert_int_equal(metadata_init(&f->metadata, &f->model.shards[0].gguf,
				       "m.gguf", &f->err), 0);
}

static void test_keys_of_the_architecture(void **state)
{
	struct fixture f = { .built = { .fd = -1 } };
	uint64_t value = 0;

	(void)state;
	hf_u32(&f.built, "x.y.n", 7);
	hf_u32(&f.built, "x.n", 8);
	hf_u32(&f.built, ".n", 9);
	set_up(&f, "x.y");
	assert_int_equal(metadata_unsigned(&f.metadata, ".n", 7, &value,
					   &f.err), 1);
	assert_int_equal(value, 7);
	assert_int_equal(metadata_unsigned(&f.metadata, "x.n", 8, &value,
					   &f.err), 1);
	assert_int_equal(value, 8);
	assert_int_equal(metadata_unsigned(&f.metadata, ".m", 7, &value,
					   &f.err), 0);
	assert_int_equal(metadata_unsigned(&f.metadata, ".n", 6, &value,
					   &f.err), -1);
	assert_string_equal(f.err.message, "'m.gguf': metadata 'x.y.n' at "
			    "offset 41 is 7, more than 6");
	hf_release(&f.built, &f.model);
}

/* Each type is refused as each other one. */
static void test_wrong_types(void **state)
{
	struct fixture f = { .built = { .fd = -1 } };
	struct gguf_array array;
	struct text text;
	uint64_t value;
	float real;
	bool flag;

	(void)state;
	hf_text(&f.built, "text", "8");
	hf_f32(&f.built, "real", 8);
	hf_f32(&f.built, "infinite", 1e38F * 10);
	hf_i32s(&f.built, "numbers", 1, (int32_t[]){ 8 });
	build_integer(hf_key_of(&f.built, "negative", GGUF_I32), UINT32_MAX, 4);
	set_up(&f, "x");
	assert_int_equal(metadata_unsigned(&f.metadata, "text", UINT64_MAX,
					   &value, &f.err), -1);
	assert_int_equal(metadata_unsigned(&f.metadata, "negative", UINT64_MAX,
					   &value, &f.err), -1);
	assert_int_equal(metadata_float(&f.metadata, "text", &real, &f.err),
			 -1);
	assert_int_equal(metadata_float(&f.metadata, "infinite", &real,
					&f.err), -1);
	assert_int_equal(metadata_bool(&f.metadata, "real", &flag, &f.err), -1);
	assert_int_equal(metadata_text(&f.metadata, "numbers", &text, &f.err),
			 -1);
	assert_int_equal(metadata_array(&f.metadata, "text", GGUF_I32, &array,
					&f.err), -1);
	assert_int_equal(metadata_array(&f.metadata, "numbers", GGUF_STRING,
					&array, &f.err), -1);
	assert_string_equal(f.err.message, "'m.gguf': metadata 'numbers' at "
			    "offset 112 is an array of i32, not of string");
	assert_int_equal(metadata_array(&f.metadata, "numbers", GGUF_U32,
					&array, &f.err), 1);
	assert_int_equal(array.left, 1);
	hf_release(&f.built, &f.model);
}

static void test_no_architecture(void **state)
{
	struct hf_model built = { .fd = -1 };
	struct metadata metadata;
	struct model model;
	struct error err;

	(void)state;
	hf_text(&built, "general.name", "x");
	assert_int_equal(hf_open(&built, &model, &err), 0);
	assert_int_equal(metadata_init(&metadata, &model.shards[0].gguf, "m",
				       &err), -1);
	assert_string_equal(err.message,
			    "'m' has no 'general.architecture'");
	hf_release(&built, &model);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_of_the_architecture),
		cmocka_unit_test(test_wrong_types),
		cmocka_unit_test(test_no_architecture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pass/plan.h"
#include "../fake_model.h"

#define GIB (UINT64_C(1) << 30)

static const struct plan_globs everything;

static void plan_all(struct plan *plan, struct fake_model *fake,
		     enum output_type type)
{
	struct error err;

	assert_int_equal(plan_init(plan, &fake->model, &everything, type, &err),
			 0);
}

static void test_what_is_converted_and_to_what(void **state)
{
	static const struct {
		enum format_index format;
		const char *type[4]; /* of the output, by enum output_type */
		unsigned bytes[4];   /* for 256 weights */
	} rows[] = {
		{ FORMAT_F32, { "f32", "f16", "bf16", "f32" },
		  { 1024, 512, 512, 1024 } },
		{ FORMAT_F16, { "f32", "f16", "bf16", "f16" },
		  { 1024, 512, 512, 512 } },
		{ FORMAT_BF16, { "f32", "f16", "bf16", "bf16" },
		  { 1024, 512, 512, 512 } },
		{ FORMAT_F64, { "f32", "f16", "bf16", "f64" },
		  { 1024, 512, 512, 2048 } },
		{ FORMAT_Q4_K, { "f32", "f16", "bf16", "q4_k" },
		  { 1024, 512, 512, 144 } },
		{ FORMAT_I32, { "i32", "i32", "i32", "i32" },
		  { 1024, 1024, 1024, 1024 } },
		{ FORMAT_I8, { "i8", "i8", "i8", "i8" },
		  { 256, 256, 256, 256 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (unsigned type = 0; type <= OUTPUT_NATIVE; type++) {
			const char *own = format_at(rows[i].format)->file_name;
			const char *want = rows[i].type[type];
			struct fake_model fake;
			struct plan plan;

			fake_model_init(&fake, 1);
			fake_model_add(&fake, "t", rows[i].format, 256, 32);
			plan_all(&plan, &fake, type);
			assert_int_equal(plan.n_tensors, 1);
			assert_string_equal(plan.tensors[0].format->file_name,
					    want);
			assert_int_equal(plan.tensors[0].verbatim,
					 !strcmp(want, own));
			assert_int_equal(plan.tensors[0].dst_bytes,
					 rows[i].bytes[type]);
			plan_release(&plan);
			fake_model_release(&fake);
		}
	}
}

static void test_tensors_follow_one_another_in_the_output(void **state)
{
	struct fake_model fake;
	struct plan plan;

	(void)state;
	fake_model_init(&fake, 4);
	fake_model_add(&fake, "a", FORMAT_Q8_0, 64, 4096);
	fake_model_add(&fake, "empty", FORMAT_Q8_0, 0, 0);
	fake_model_add(&fake, "b", FORMAT_I8, 3, 128);
	fake_model_add(&fake, "c", FORMAT_F16, 5, 256);
	plan_all(&plan, &fake, OUTPUT_F32);
	assert_int_equal(plan.n_tensors, 4);
	assert_int_equal(plan.tensors[0].dst_offset, 0);
	assert_int_equal(plan.tensors[1].dst_offset, 256);
	assert_int_equal(plan.tensors[2].dst_offset, 256);
	assert_int_equal(plan.tensors[3].dst_offset, 259);
	assert_int_equal(plan.src_bytes, 68 + 3 + 10);
	assert_int_equal(plan.dst_bytes, 259 + 20);
	plan_release(&plan);
	fake_model_release(&fake);
}

static void test_output_that_no_file_can_hold(void **state)
{
	struct fake_model fake;
	struct plan plan;
	struct error err;

	(void)state;
	fake_model_init(&fake, 3);
	fake_model_add(&fake, "most", FORMAT_F16, INT64_MAX / 4, 0);
	fake_model_add(&fake, "rest", FORMAT_I8, 3, 0);
	plan_all(&plan, &fake, OUTPUT_F32);
	assert_int_equal(plan.dst_bytes, INT64_MAX);
	plan_release(&plan);

	fake_model_add(&fake, "too\nmuch", FORMAT_I8, 1, 0);
	assert_int_equal(plan_init(&plan, &fake.model, &everything, OUTPUT_F32,
				   &err), -1);
	assert_string_equal(err.message,
			    "the output exceeds 2^63 - 1 bytes at tensor "
			    "'too\\nmuch', which has 1 weights");

	/* 4 bytes for each of 2^62 weights are none at all, modulo 2^64. */
	fake.model.n_tensors = 0;
	fake_model_add(&fake, "wraps", FORMAT_IQ1_S, UINT64_C(1) << 62, 0);
	assert_int_equal(plan_init(&plan, &fake.model, &everything, OUTPUT_F32,
				   &err), -1);
	fake_model_release(&fake);
}

/* The names of the tensors that the globs select, separated by spaces. */
static const char *selected(struct fake_model *fake, const char *include,
			    const char *exclude)
{
	const struct plan_globs globs = {
		.include = &include, .n_include = include != NULL,
		.exclude = &exclude, .n_exclude = exclude != NULL,
	};
	static char names[256];
	static struct error err;
	struct plan plan;
	char *end = names;

	if (plan_init(&plan, &fake->model, &globs, OUTPUT_F32, &err))
		return err.message;
	*end = '\0';
	for (size_t i = 0; i < plan.n_tensors; i++) {
		const struct text *name = &plan.tensors[i].tensor->info->name;

		if (i)
			*end++ = ' ';
		memcpy(end, name->data, name->len);
		end += name->len;
		*end = '\0';
	}
	plan_release(&plan);
	return names;
}

static void test_globs_select(void **state)
{
	struct fake_model fake;

	(void)state;
	fake_model_init(&fake, 4);
	fake_model_add(&fake, "blk.0.attn_q", FORMAT_F16, 1, 0);
	fake_model_add(&fake, "blk.1.attn_q", FORMAT_F16, 1, 32);
	fake_model_add(&fake, "blk.1/ffn", FORMAT_F16, 1, 64);
	fake_model_add(&fake, ".hidden", FORMAT_F16, 1, 96);

	assert_string_equal(selected(&fake, "*", NULL),
			    "blk.0.attn_q blk.1.attn_q blk.1/ffn .hidden");
	assert_string_equal(selected(&fake, "blk.1*", NULL),
			    "blk.1.attn_q blk.1/ffn");
	assert_string_equal(selected(&fake, "blk.[0-9].*", "*.1.*"),
			    "blk.0.attn_q");
	assert_string_equal(selected(&fake, NULL, "blk*"), ".hidden");
	assert_string_equal(selected(&fake, "*", "*"), "");
	assert_string_equal(selected(&fake, "blk", NULL),
			    "no tensor name matches 'blk'");
	assert_string_equal(selected(&fake, "*", "BLK\033*"),
			    "no tensor name matches 'BLK\\x1b*'");
	fake_model_release(&fake);
}

static void test_each_glob_must_match(void **state)
{
	const char *const include[] = { "a", "b", "c" };
	const char *const exclude[] = { "b", "d" };
	const struct plan_globs globs = { .include = include, .n_include = 3,
					  .exclude = exclude, .n_exclude = 2 };
	struct fake_model fake;
	struct plan plan;
	struct error err;

	(void)state;
	fake_model_init(&fake, 4);
	fake_model_add(&fake, "a", FORMAT_F16, 1, 0);
	fake_model_add(&fake, "b", FORMAT_F16, 1, 32);
	fake_model_add(&fake, "c", FORMAT_F16, 1, 64);
	assert_int_equal(plan_init(&plan, &fake.model, &globs, OUTPUT_F32,
				   &err), -1);
	assert_string_equal(err.message, "no tensor name matches 'd'");

	fake_model_add(&fake, "d", FORMAT_F16, 1, 96);
	assert_int_equal(plan_init(&plan, &fake.model, &globs, OUTPUT_F32,
				   &err), 0);
	assert_int_equal(plan.n_tensors, 2);
	plan_release(&plan);
	fake_model_release(&fake);
}

static void test_globs_and_odd_names(void **state)
{
	static char longest[GGUF_MAX_NAME + 1];
	struct fake_model fake;
	struct gguf_tensor *info;
	struct plan plan;
	struct error err;
	const char *glob = "a?b";
	const struct plan_globs globs = { .include = &glob, .n_include = 1 };

	(void)state;
	fake_model_init(&fake, 3);
	memset(longest, 'x', GGUF_MAX_NAME);
	fake_model_add(&fake, longest, FORMAT_F16, 1, 0);
	fake_model_add(&fake, "", FORMAT_F16, 1, 32);
	info = fake_model_add(&fake, "", FORMAT_F16, 1, 64);
	info->name = (struct text){ "a\0b", 3 };

	assert_int_equal(plan_init(&plan, &fake.model, &globs, OUTPUT_F32,
				   &err), 0);
	assert_int_equal(plan.n_tensors, 1);
	assert_ptr_equal(plan.tensors[0].tensor->info, info);
	plan_release(&plan);

	glob = "a";
	assert_int_equal(plan_init(&plan, &fake.model, &globs, OUTPUT_F32,
				   &err), -1);
	glob = "x*x";
	assert_int_equal(plan_init(&plan, &fake.model, &globs, OUTPUT_F32,
				   &err), 0);
	assert_int_equal(plan.n_tensors, 1);
	plan_release(&plan);
	fake_model_release(&fake);
}

/* The output types by the rules of the tensors "a.w" (Q4_K), "a.norm" (F32),
 * "b.w" (IQ2_XXS) and "b.ids" (I32), or the error. */
static const char *types_by(const struct plan_rule *rules, size_t n)
{
	const char *const exclude = "b.n*";
	const struct plan_globs globs = {
		.exclude = &exclude, .n_exclude = 1,
		.rules = rules, .n_rules = n,
	};
	static char types[64];
	static struct error err;
	struct fake_model fake;
	struct plan plan;

	fake_model_init(&fake, 5);
	fake_model_add(&fake, "a.w", FORMAT_Q4_K, 256, 0);
	fake_model_add(&fake, "a.norm", FORMAT_F32, 1, 256);
	fake_model_add(&fake, "b.norm", FORMAT_BF16, 1, 512);
	fake_model_add(&fake, "b.w", FORMAT_IQ2_XXS, 256, 768);
	fake_model_add(&fake, "b.ids", FORMAT_I32, 1, 1024);
	types[0] = '\0';
	if (!plan_init(&plan, &fake.model, &globs, OUTPUT_F32, &err)) {
		for (size_t i = 0; i < plan.n_tensors; i++) {
			strcat(types, i ? " " : "");
			strcat(types, plan.tensors[i].format->file_name);
		}
		plan_release(&plan);
	}
	fake_model_release(&fake);
	return types[0] ? types : err.message;
}

#define TYPES_BY(...)                                                      \
	types_by((const struct plan_rule[]){ __VA_ARGS__ },                \
		 sizeof((const struct plan_rule[]){ __VA_ARGS__ }) /       \
			 sizeof(struct plan_rule))

static void test_the_last_rule_that_matches_counts(void **state)
{
	static const struct plan_rule
		native = { NULL, false, OUTPUT_NATIVE },
		norms = { "*.norm", false, OUTPUT_BF16 },
		iq = { "iq*", true, OUTPUT_F16 },
		b = { "b.*", false, OUTPUT_BF16 };

	(void)state;
	assert_string_equal(types_by(NULL, 0), "f32 f32 f32 i32");
	assert_string_equal(TYPES_BY(native), "q4_k f32 iq2_xxs i32");
	assert_string_equal(TYPES_BY(native, iq), "q4_k f32 f16 i32");
	assert_string_equal(TYPES_BY(iq, native), "q4_k f32 iq2_xxs i32");
	assert_string_equal(TYPES_BY(iq), "f32 f32 f16 i32");
	assert_string_equal(TYPES_BY(norms, iq), "f32 bf16 f16 i32");
	assert_string_equal(TYPES_BY(iq, b), "f32 f32 bf16 i32");
	assert_string_equal(TYPES_BY(b, iq), "f32 f32 f16 i32");
}

/* A tensor that is left out can match: a rule is for the model. */
static void test_each_rule_must_match(void **state)
{
	(void)state;
	assert_string_equal(TYPES_BY({ "b.norm", false, OUTPUT_F16 }),
			    "f32 f32 f32 i32");
	assert_string_equal(TYPES_BY({ "Q4_?", true, OUTPUT_F16 }),
			    "f16 f32 f32 i32");
	assert_string_equal(TYPES_BY({ "A.*", false, OUTPUT_F16 }),
			    "no tensor name matches 'A.*'");
	assert_string_equal(TYPES_BY({ "*", true, OUTPUT_F16 },
				     { "iq\t*", true, OUTPUT_F16 }),
			    "no tensor type matches 'iq\\t*'");
}

/* A type that we can't read has a name, or none. */
static void test_rules_for_foreign_types(void **state)
{
	const struct plan_rule ks = { "q8_k128", true, OUTPUT_F16 };
	const struct plan_globs globs = { .rules = &ks, .n_rules = 1 };
	struct fake_model fake;
	struct gguf_tensor *info;
	struct plan plan;
	struct error err;

	(void)state;
	fake_model_init(&fake, 1);
	info = fake_model_add(&fake, "a", FORMAT_F16, 1, 0);
	info->format = NULL;
	info->type = 150; /* Q8_K128 */
	assert_int_equal(plan_init(&plan, &fake.model, &globs, OUTPUT_F32,
				   &err), 0);
	plan_release(&plan);
	info->type = UINT32_MAX;
	assert_int_equal(plan_init(&plan, &fake.model, &globs, OUTPUT_F32,
				   &err), -1);
	assert_string_equal(err.message,
			    "no tensor type matches 'q8_k128'");
	fake_model_release(&fake);
}

static void test_no_tensors(void **state)
{
	struct fake_model fake;
	struct work_batch batch;
	struct plan plan;
	struct plan_cursor cursor = { .plan = &plan,
				      .slot_bytes = PLAN_MIN_SLOT };

	(void)state;
	fake_model_init(&fake, 1);
	plan_all(&plan, &fake, OUTPUT_F32);
	assert_int_equal(plan.n_tensors, 0);
	assert_int_equal(plan.dst_bytes, 0);
	assert_true(plan_is_sequential(&plan, 0));
	assert_false(plan_next(&cursor, &batch));
	plan_release(&plan);
	fake_model_release(&fake);
}

static bool in_sequence(struct fake_model *fake)
{
	struct plan plan;
	bool sequential;

	plan_all(&plan, fake, OUTPUT_F32);
	sequential = plan_is_sequential(&plan, 0);
	plan_release(&plan);
	return sequential;
}

static void test_sequence(void **state)
{
	struct source sources[2] = { { 0 } };
	struct fake_model fake;
	struct gguf_tensor *infos;

	(void)state;
	fake_model_init(&fake, 3);
	infos = fake.infos;
	fake_model_add(&fake, "a", FORMAT_I8, 32, 64);
	fake_model_add(&fake, "b", FORMAT_I8, 32, 96);
	fake_model_add(&fake, "c", FORMAT_I8, 32, 8 * GIB);
	assert_true(in_sequence(&fake));

	infos[1].offset = 95;
	assert_false(in_sequence(&fake));
	infos[1].offset = 0;
	assert_false(in_sequence(&fake));
	infos[1].bytes = 0; /* nothing to read there */
	assert_true(in_sequence(&fake));

	infos[2].offset = 0;
	assert_false(in_sequence(&fake));
	for (size_t i = 0; i < 3; i++)
		fake.model.tensors[i].source = &sources[i / 2];
	assert_true(in_sequence(&fake));
	fake.model.tensors[0].source = &sources[1];
	infos[1].bytes = 32;
	assert_false(in_sequence(&fake));
	fake_model_release(&fake);
}

static void test_order_of_the_source(void **state)
{
	struct fake_model fake;
	struct plan plan, sorted;
	struct error err;

	(void)state;
	fake_model_init(&fake, 3);
	fake_model_add(&fake, "last", FORMAT_F16, 8, 6 * GIB);
	fake_model_add(&fake, "first", FORMAT_F16, 4, 32);
	fake_model_add(&fake, "second", FORMAT_F16, 2, 2 * GIB);
	plan_all(&plan, &fake, OUTPUT_F32);
	assert_int_equal(plan_init_by_source(&sorted, &plan, &err), 0);

	assert_true(plan_is_sequential(&sorted, 0));
	assert_false(plan_is_sequential(&plan, 0));
	assert_int_equal(sorted.n_tensors, 3);
	assert_int_equal(sorted.dst_bytes, plan.dst_bytes);
	assert_ptr_equal(sorted.tensors[0].tensor, &fake.model.tensors[1]);
	assert_ptr_equal(sorted.tensors[1].tensor, &fake.model.tensors[2]);
	assert_ptr_equal(sorted.tensors[2].tensor, &fake.model.tensors[0]);
	assert_int_equal(sorted.tensors[0].dst_offset, 32);
	assert_int_equal(sorted.tensors[1].dst_offset, 48);
	assert_int_equal(sorted.tensors[2].dst_offset, 0);
	plan_release(&sorted);
	plan_release(&plan);
	fake_model_release(&fake);
}

/* The bytes of a header at the end of the tensor, which follows the item. */
static size_t tail_bytes(const struct work_item *item)
{
	const struct format *const format = item->tensor->tensor->info->format;

	return item->tensor->verbatim || format->group_rows ? 0 :
	       format->header_bytes;
}

/* How far a walk has come. */
struct walked {
	uint64_t src, dst; /* of the plan */
	uint64_t done;     /* of the tensor's input */
	size_t in, out;    /* of the batch */
};

static void walk_item(struct walked *walked, const struct work_item *item)
{
	const struct gguf_tensor *const info = item->tensor->tensor->info;
	const bool verbatim = item->tensor->verbatim;
	const size_t tail = tail_bytes(item);
	bool is_last;

	if (item->src_offset == info->offset)
		walked->done = 0;
	assert_true(item->src_bytes > 0);
	assert_int_equal(item->src_offset - info->offset, walked->done);
	if (!verbatim)
		assert_int_equal(item->src_bytes + tail,
				 format_run_bytes(info->format, item->n_blocks,
						  work_item_row_blocks(item)));
	walked->done += item->src_bytes;
	is_last = walked->done + tail == info->bytes;
	assert_int_equal(item->dst_offset % PLAN_PART, 0);
	assert_true(item->dst_bytes % PLAN_PART == 0 || is_last);
	assert_int_equal(item->tensor->dst_offset + item->dst_offset,
			 walked->dst);
	assert_int_equal(item->out, walked->out);
	if (!verbatim) {
		walked->in += -walked->in % PLAN_ALIGN;
		assert_int_equal(item->in, walked->in);
		assert_int_equal(item->out % PLAN_ALIGN, 0);
		walked->in += item->src_bytes + tail;
	}
	walked->src += item->src_bytes + (is_last ? tail : 0);
	walked->dst += item->dst_bytes;
	walked->out += item->dst_bytes;
}

/*
 * Walks the whole plan and checks what plan.h promises of a batch: every block
 * once, in order, within the slot. Returns the number of batches.
 */
static size_t walk(const struct plan *plan, size_t slot_bytes)
{
	const struct plan_tensor *largest;
	struct plan_cursor cursor = { .plan = plan,
				      .slot_bytes = slot_bytes };
	struct work_batch batch;
	struct walked walked = { .src = 0 };
	size_t n_batches = 0;

	if (slot_bytes < plan_min_slot(plan, &largest))
		slot_bytes = cursor.slot_bytes = plan_min_slot(plan, &largest);
	for (; plan_next(&cursor, &batch); n_batches++) {
		walked.in = walked.out = 0;
		assert_in_range(batch.n_items, 1, PLAN_BATCH_ITEMS);
		for (size_t i = 0; i < batch.n_items; i++)
			walk_item(&walked, &batch.items[i]);
		assert_int_equal(batch.in_bytes, walked.in);
		assert_int_equal(batch.out_bytes, walked.out);
		assert_true(walked.in <= slot_bytes);
		assert_true(walked.out <= slot_bytes);
	}
	assert_int_equal(walked.src, plan->src_bytes);
	assert_int_equal(walked.dst, plan->dst_bytes);
	assert_false(plan_next(&cursor, &batch));
	return n_batches;
}

static void test_walk_of_all_formats_and_types(void **state)
{
	static const size_t slots[] = { PLAN_MIN_SLOT, 5000, 65536, 1 << 20 };
	struct fake_model fake;
	uint64_t offset = 32;

	(void)state;
	fake_model_init(&fake, FORMAT_COUNT * 3);
	for (unsigned i = 0; i < FORMAT_COUNT * 3; i++) {
		const struct format *format = format_at(i % FORMAT_COUNT);
		const uint64_t n = format->block_weights * (i * i % 500);
		const struct gguf_tensor *info =
			fake_model_add(&fake, "t", format->index, n, offset);

		offset += (info->bytes + 31) & ~UINT64_C(31);
	}
	for (unsigned type = 0; type <= OUTPUT_NATIVE; type++) {
		struct plan plan;

		plan_all(&plan, &fake, type);
		for (size_t i = 0; i < sizeof(slots) / sizeof(*slots); i++)
			walk(&plan, slots[i]);
		plan_release(&plan);
	}
	fake_model_release(&fake);
}

/* Rows of a length that is not a part, as many groups as make one. */
static void test_walk_of_rows(void **state)
{
	static const enum format_index formats[] = {
		FORMAT_IQ1_BN, FORMAT_IQ4_KS, FORMAT_Q8_KV, FORMAT_Q4_0_R8,
		FORMAT_IQ1_S_R4, FORMAT_BF16_R16, FORMAT_I2_S };
	enum { N = sizeof(formats) / sizeof(*formats) };
	struct fake_model fake;
	uint64_t offset = 0;

	(void)state;
	fake_model_init(&fake, N);
	for (unsigned i = 0; i < N; i++) {
		const struct format *const format = format_at(formats[i]);
		struct gguf_tensor *const info = fake_model_add(
			&fake, "t", format->index, 0, offset);
		struct gguf_fault fault;

		info->n_dims = 3;
		info->dims[0] = 5 * format->block_weights;
		info->dims[1] = 48;
		info->dims[2] = 3;
		for (unsigned k = 3; k < GGUF_MAX_DIMS; k++)
			info->dims[k] = 1;
		assert_true(gguf_tensor_measure(info, &fault));
		offset += (info->bytes + 31) & ~UINT64_C(31);
	}
	for (unsigned type = 0; type <= OUTPUT_NATIVE; type++)
		for (size_t slot = PLAN_MIN_SLOT; slot < 1 << 20; slot *= 3) {
			struct plan plan;

			plan_all(&plan, &fake, type);
			walk(&plan, slot);
			plan_release(&plan);
		}
	fake_model_release(&fake);
}

/* The least slot has the rows whose values are whole parts. */
static void test_min_slot(void **state)
{
	static const struct {
		enum format_index format;
		uint64_t row;
		enum output_type type;
		size_t bytes;
	} rows[] = {
		{ FORMAT_Q4_K, 1 << 30, OUTPUT_F32, PLAN_MIN_SLOT },
		{ FORMAT_IQ4_KS, 1024, OUTPUT_F32, PLAN_MIN_SLOT },
		{ FORMAT_IQ4_KS, 1280, OUTPUT_F32, 5120 },
		{ FORMAT_IQ4_KS, 4352, OUTPUT_F16, 2 * 8704 / 2 },
		{ FORMAT_IQ4_KS, 4352, OUTPUT_NATIVE, PLAN_MIN_SLOT },
		{ FORMAT_Q4_0_R8, 4096, OUTPUT_F32, 8 * 16384 },
		{ FORMAT_BF16_R16, 4096, OUTPUT_BF16, 16 * 8192 },
		{ FORMAT_I2_S, 1 << 30, OUTPUT_F32, PLAN_MIN_SLOT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct plan_tensor *of;
		struct fake_model fake;
		struct plan plan;

		fake_model_init(&fake, 1);
		fake_model_add(&fake, "t", rows[i].format, rows[i].row, 0);
		plan_all(&plan, &fake, rows[i].type);
		assert_int_equal(plan_min_slot(&plan, &of), rows[i].bytes);
		assert_ptr_equal(of, rows[i].bytes > PLAN_MIN_SLOT ?
				 plan.tensors : NULL);
		plan_release(&plan);
		fake_model_release(&fake);
	}
}

static void test_walk_beyond_32_bits(void **state)
{
	struct fake_model fake;
	struct plan plan;

	(void)state;
	fake_model_init(&fake, 2);
	/* 2^33 weights each: 4.5 and 8.5 GiB stored, 32 GiB of F32. */
	fake_model_add(&fake, "a", FORMAT_Q4_K, 8 * GIB, 5 * GIB);
	fake_model_add(&fake, "b", FORMAT_Q8_0, 8 * GIB, 10 * GIB);
	plan_all(&plan, &fake, OUTPUT_F32);
	assert_int_equal(plan.tensors[1].dst_offset, 32 * GIB);
	assert_int_equal(plan.dst_bytes, 64 * GIB);
	assert_int_equal(walk(&plan, 1 << 20), 64 * 1024);
	plan_release(&plan);

	plan_all(&plan, &fake, OUTPUT_NATIVE);
	walk(&plan, 1 << 20);
	plan_release(&plan);
	fake_model_release(&fake);
}

static void test_small_tensors_share_batches(void **state)
{
	enum { N = 100000 };
	struct fake_model fake;
	struct plan plan;

	(void)state;
	fake_model_init(&fake, N);
	for (uint64_t i = 0; i < N; i++)
		fake_model_add(&fake, "t", FORMAT_F16, 8, 32 * i);
	plan_all(&plan, &fake, OUTPUT_F32);
	assert_int_equal(walk(&plan, 1 << 19),
			 (N + PLAN_BATCH_ITEMS - 1) / PLAN_BATCH_ITEMS);
	assert_int_equal(walk(&plan, PLAN_MIN_SLOT),
			 (N + PLAN_BATCH_ITEMS - 1) / PLAN_BATCH_ITEMS);
	plan_release(&plan);
	fake_model_release(&fake);
}

static void test_values_are_aligned_after_odd_bytes(void **state)
{
	struct fake_model fake;
	struct plan plan;

	(void)state;
	fake_model_init(&fake, 4);
	fake_model_add(&fake, "three bytes", FORMAT_I8, 3, 0);
	fake_model_add(&fake, "13 more", FORMAT_I8, 13, 32);
	fake_model_add(&fake, "16 or 8", FORMAT_F64, 4, 64);
	fake_model_add(&fake, "floats", FORMAT_F64, 1, 96);
	plan_all(&plan, &fake, OUTPUT_F32);
	assert_int_equal(walk(&plan, PLAN_MIN_SLOT), 1);
	plan_release(&plan);
	plan_all(&plan, &fake, OUTPUT_BF16);
	assert_int_equal(walk(&plan, PLAN_MIN_SLOT), 2);
	plan_release(&plan);
	fake_model_release(&fake);
}

/* Of 1 to 8 bytes a number. */
static const struct {
	enum format_index format;
	uint64_t n_weights, offset;
	uint64_t aligned;
	size_t index; /* of what is here in the order of the output */
} unaligned[] = {
	{ FORMAT_I8, 3, 0, 22, 4 },    { FORMAT_F32, 1, 32, 16, 1 },
	{ FORMAT_F16, 1, 64, 20, 2 },  { FORMAT_I8, 1, 96, 25, 0 },
	{ FORMAT_F64, 2, 128, 0, 3 },
};
#define N_UNALIGNED (sizeof(unaligned) / sizeof(*unaligned))

static void add_unaligned(struct fake_model *fake)
{
	fake_model_init(fake, N_UNALIGNED);
	for (size_t i = 0; i < N_UNALIGNED; i++)
		fake_model_add(fake, "t", unaligned[i].format,
			       unaligned[i].n_weights, unaligned[i].offset);
}

static void test_align(void **state)
{
	struct plan plan, sorted;
	struct fake_model fake;
	struct error err;

	(void)state;
	add_unaligned(&fake);
	plan_all(&plan, &fake, OUTPUT_NATIVE);
	assert_true(plan_is_in_order(&plan));
	plan_align(&plan);
	assert_false(plan_is_in_order(&plan));
	assert_int_equal(plan_init_by_output(&sorted, &plan, &err), 0);
	for (size_t i = 0; i < N_UNALIGNED; i++) {
		assert_int_equal(plan.tensors[i].index, i);
		assert_int_equal(plan.tensors[i].dst_offset,
				 unaligned[i].aligned);
		assert_int_equal(sorted.tensors[i].index, unaligned[i].index);
	}
	assert_int_equal(plan.dst_bytes, 26);
	assert_true(plan_is_in_order(&sorted));
	assert_true(plan_is_sequential(&plan, 0));
	assert_false(plan_is_sequential(&sorted, 0));
	plan_release(&sorted);
	plan_release(&plan);
	fake_model_release(&fake);
}

/* Where all are aligned, or have no weights. */
static void test_align_changes_nothing(void **state)
{
	struct plan plan;
	struct fake_model fake;

	(void)state;
	add_unaligned(&fake);
	fake.infos[0].format = format_at(FORMAT_F16);
	fake.infos[0].bytes = 6;
	fake.infos[3].n_weights = 0;
	fake.infos[3].n_blocks = 0;
	fake.infos[3].bytes = 0;
	plan_all(&plan, &fake, OUTPUT_F16);
	plan_align(&plan);
	for (size_t i = 1; i < N_UNALIGNED; i++)
		assert_int_equal(plan.tensors[i].dst_offset,
				 plan.tensors[i - 1].dst_offset +
				 plan.tensors[i - 1].dst_bytes);
	assert_true(plan_is_in_order(&plan));
	plan_release(&plan);
	fake_model_release(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_converted_and_to_what),
		cmocka_unit_test(test_tensors_follow_one_another_in_the_output),
		cmocka_unit_test(test_output_that_no_file_can_hold),
		cmocka_unit_test(test_globs_select),
		cmocka_unit_test(test_each_glob_must_match),
		cmocka_unit_test(test_the_last_rule_that_matches_counts),
		cmocka_unit_test(test_each_rule_must_match),
		cmocka_unit_test(test_rules_for_foreign_types),
		cmocka_unit_test(test_globs_and_odd_names),
		cmocka_unit_test(test_no_tensors),
		cmocka_unit_test(test_sequence),
		cmocka_unit_test(test_order_of_the_source),
		cmocka_unit_test(test_walk_of_all_formats_and_types),
		cmocka_unit_test(test_walk_of_rows),
		cmocka_unit_test(test_min_slot),
		cmocka_unit_test(test_walk_beyond_32_bits),
		cmocka_unit_test(test_small_tensors_share_batches),
		cmocka_unit_test(test_values_are_aligned_after_odd_bytes),
		cmocka_unit_test(test_align),
		cmocka_unit_test(test_align_changes_nothing),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}

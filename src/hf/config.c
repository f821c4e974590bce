#include "hf/config.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/escape.h"
#include "base/json.h"
#include "base/number.h"
#include "hf/dimensions.h"
#include "hf/rope.h"
#include "hf/tokenizer.h"

struct config {
	const struct hf_checkpoint *checkpoint;
	const struct metadata *metadata;
	struct dimensions dimensions;
	struct json json;
	struct error *err;
};

/* A key of config.json; the function writes it, and its value. */
struct row {
	const char *key;
	int (*put)(struct config *config, const struct row *row);
	const char *source;    /* a metadata key, or names of tensors */
	const char *otherwise; /* JSON, if the source is missing; NULL: it must
				  not be */
	bool assumed;          /* the other value may be wrong */
	unsigned n;
};

/* --------------------------- values from one place ------------------------ */

static int put_literal(struct config *config, const struct row *row)
{
	json_key(&config->json, row->key);
	json_literal(&config->json, row->otherwise);
	if (row->assumed)
		notes_detail(config->checkpoint->notes,
			     "config.json: %s is not in the file; assuming %s",
			     row->key, row->otherwise);
	return 0;
}

/* For a source that is missing. */
static int put_otherwise(struct config *config, const struct row *row)
{
	const struct metadata *const metadata = config->metadata;
	char name[ESCAPE_MESSAGE_SIZE];

	if (row->otherwise)
		return put_literal(config, row);
	return error_set(config->err, "'%s' has no '%s%s', which config.json "
			 "needs for '%s'; use '--config-from' to copy another "
			 "config.json",
			 metadata->file, *row->source != '.' ? "" :
			 escape_text(name, sizeof(name),
				     metadata->architecture),
			 row->source, row->key);
}

static int put_integer(struct config *config, const struct row *row)
{
	uint64_t value;
	const int found = metadata_unsigned(config->metadata, row->source,
					    INT64_MAX, &value, config->err);

	if (found < 0)
		return -1;
	if (!found)
		return put_otherwise(config, row);
	json_key(&config->json, row->key);
	json_unsigned(&config->json, value);
	return 0;
}

/* As put_integer; 0 is null. */
static int put_window(struct config *config, const struct row *row)
{
	uint64_t value;
	const int found = metadata_unsigned(config->metadata, row->source,
					    INT64_MAX, &value, config->err);

	if (found != 1 || value)
		return put_integer(config, row);
	json_key(&config->json, row->key);
	json_string(&config->json, NULL);
	return 0;
}

static int put_real(struct config *config, const struct row *row)
{
	float value;
	const int found = metadata_float(config->metadata, row->source, &value,
					 config->err);

	if (found < 0)
		return -1;
	if (!found)
		return put_otherwise(config, row);
	json_key(&config->json, row->key);
	json_float(&config->json, value);
	return 0;
}

static int put_flag(struct config *config, const struct row *row)
{
	bool value;
	const int found = metadata_bool(config->metadata, row->source, &value,
					config->err);

	if (found < 0)
		return -1;
	if (!found)
		return put_otherwise(config, row);
	json_key(&config->json, row->key);
	json_bool(&config->json, value);
	return 0;
}

/* A number that is left out if the file does not have it. */
static int put_optional(struct config *config, const struct row *row)
{
	const struct gguf_kv *const kv =
		metadata_find(config->metadata, row->source);

	if (!kv)
		return 0;
	return kv->type == GGUF_F32 ? put_real(config, row) :
				      put_integer(config, row);
}

static void put_count(struct config *config, const char *key, uint64_t value)
{
	json_key(&config->json, key);
	json_unsigned(&config->json, value);
}

/* The size of dimension n, from the fastest on, of a tensor. */
static int put_size(struct config *config, const struct row *row)
{
	const struct model_tensor *const tensor =
		hf_tensor(config->checkpoint->model, row->source);

	if (!tensor)
		return put_otherwise(config, row);
	put_count(config, row->key, tensor->info->dims[row->n]);
	return 0;
}

/* Whether there is such a tensor; n: whether there is none. */
static int put_exists(struct config *config, const struct row *row)
{
	const bool exists = hf_tensor(config->checkpoint->model, row->source);

	json_key(&config->json, row->key);
	json_bool(&config->json, row->n ? !exists : exists);
	return 0;
}

/* The id of a special token, or null. */
static int put_token(struct config *config, const struct row *row)
{
	uint32_t id;

	if (tokenizer_special_id(config->metadata, row->source,
				 config->dimensions.vocabulary,
				 config->checkpoint->notes, &id, config->err))
		return -1;
	json_key(&config->json, row->key);
	if (id == TOKEN_NONE)
		json_string(&config->json, NULL);
	else
		json_unsigned(&config->json, id);
	return 0;
}

/* As put_token, unless the converter has put in what the original lacks. */
static int put_bos(struct config *config, const struct row *row)
{
	if (!config->checkpoint->architecture->tokenizer->no_bos)
		return put_token(config, row);
	json_key(&config->json, row->key);
	json_string(&config->json, NULL);
	return 0;
}

/* ---------------------------- computed values ----------------------------- */

static int put_layers(struct config *config, const struct row *row)
{
	put_count(config, row->key, config->dimensions.layers);
	return 0;
}

static int put_hidden(struct config *config, const struct row *row)
{
	put_count(config, row->key, config->dimensions.hidden);
	return 0;
}

static int put_vocabulary(struct config *config, const struct row *row)
{
	put_count(config, row->key, config->dimensions.vocabulary);
	return 0;
}

static int put_heads(struct config *config, const struct row *row)
{
	put_count(config, row->key, config->dimensions.heads);
	return 0;
}

static int put_kv_heads(struct config *config, const struct row *row)
{
	put_count(config, row->key, config->dimensions.kv_heads);
	return 0;
}

/* n: only if it is not what the class computes itself. */
static int put_head(struct config *config, const struct row *row)
{
	const struct dimensions *const d = &config->dimensions;

	if (!row->n || d->head * d->heads != d->hidden)
		put_count(config, row->key, d->head);
	return 0;
}

/* The part of a head that is rotated. */
static int put_rotary_part(struct config *config, const struct row *row)
{
	const uint64_t head = config->dimensions.head;
	uint64_t rotated;
	const int found = metadata_unsigned(config->metadata, row->source, head,
					    &rotated, config->err);
	double part;

	if (found < 0)
		return -1;
	if (!found)
		return put_otherwise(config, row);
	part = (double)rotated / (double)head;
	if ((uint64_t)((double)head * part) < rotated)
		part = nextafter(part, 1); /* transformers rounds down */
	json_key(&config->json, row->key);
	json_double(&config->json, part);
	return 0;
}

/* A list with an item for each layer: other[0], but other[1] in every nth. */
static void put_per_layer(struct config *config, const char *key, unsigned n,
			  const char *const other[2])
{
	json_key(&config->json, key);
	json_array(&config->json);
	for (uint64_t i = 1; i <= config->dimensions.layers; i++)
		json_literal(&config->json, other[i % n == 0]);
	json_array_end(&config->json);
}

static int put_layer_types(struct config *config, const struct row *row)
{
	static const char *const types[] = { "\"sliding_attention\"",
					     "\"full_attention\"" };

	put_per_layer(config, row->key, row->n, types);
	notes_detail(config->checkpoint->notes, "config.json: %s is not in the "
		     "file; assuming full attention in every %s layer",
		     row->key, row->otherwise);
	return 0;
}

static int put_rotary_layers(struct config *config, const struct row *row)
{
	static const char *const rotated[] = { "1", "0" };

	put_per_layer(config, row->key, row->n, rotated);
	notes_detail(config->checkpoint->notes, "config.json: %s is not in the "
		     "file; assuming that every %s layer is not rotated",
		     row->key, row->otherwise);
	return 0;
}

/* Of Gemma. The models of 27B, known by their n layers, have another one. */
static int put_query_scalar(struct config *config, const struct row *row)
{
	const struct dimensions *const d = &config->dimensions;
	const uint64_t value = d->layers == row->n ? d->hidden / d->heads :
						     d->head;

	put_count(config, row->key, value);
	notes_detail(config->checkpoint->notes, "config.json: %s is not in the "
		     "file; assuming %" PRIu64, row->key, value);
	return 0;
}

/* null if it is 4 times as wide as the model, which is the class's default. */
static int put_inner(struct config *config, const struct row *row)
{
	const struct model_tensor *const tensor =
		hf_tensor(config->checkpoint->model, row->source);

	if (!tensor || tensor->info->dims[row->n] !=
			       4 * config->dimensions.hidden)
		return put_size(config, row);
	json_key(&config->json, row->key);
	json_string(&config->json, NULL);
	return 0;
}

/* 1 over the square root of a head, as llama.cpp has it, if not in the file. */
static int put_attention_scale(struct config *config, const struct row *row)
{
	if (metadata_find(config->metadata, row->source))
		return put_real(config, row);
	json_key(&config->json, row->key);
	json_float(&config->json,
		   (float)(1 / sqrt((double)config->dimensions.head)));
	return 0;
}

/* Of queries, keys and values, fused or not. */
static int put_attention_bias(struct config *config, const struct row *row)
{
	const struct model *const model = config->checkpoint->model;

	json_key(&config->json, row->key);
	json_bool(&config->json, hf_tensor(model, "blk.#.attn_q.bias") ||
				 hf_tensor(model, "blk.#.attn_qkv.bias"));
	return 0;
}

/* Whether queries are grouped by their keys: with a norm for the attention and
 * one for the MLP, as the source says, or with one for both. */
static int put_grouped(struct config *config, const struct row *row)
{
	json_key(&config->json, row->key);
	json_bool(&config->json,
		  hf_tensor(config->checkpoint->model, row->source) ||
		  config->dimensions.kv_heads > 1);
	return 0;
}

static int put_parallel_norms(struct config *config, const struct row *row)
{
	if (hf_tensor(config->checkpoint->model, row->source))
		put_count(config, row->key, 2);
	else if (config->dimensions.kv_heads > 1)
		put_count(config, row->key, 1);
	return 0;
}

const char *hf_config_dtype(enum output_type type)
{
	static const char *const names[] = {
		[OUTPUT_F32] = "float32",
		[OUTPUT_F16] = "float16",
		[OUTPUT_BF16] = "bfloat16",
	};

	return names[type];
}

static int put_dtype(struct config *config, const struct row *row)
{
	json_key(&config->json, row->key);
	json_string(&config->json, hf_config_dtype(config->checkpoint->type));
	return 0;
}

/* ----------------------- multi-head latent attention ---------------------- */

/* The first of the keys that the file has; old files lack those for MLA. */
static int read_first(struct config *config, const char *const keys[2],
		      uint64_t *value)
{
	int found = 0;

	for (size_t i = 0; !found && i < 2; i++)
		found = metadata_unsigned(config->metadata, keys[i], INT32_MAX,
					  value, config->err);
	if (found)
		return found < 0 ? -1 : 0;
	return error_set(config->err, "'%s' has no metadata '%s'",
			 config->metadata->file, keys[0]);
}

/* What is not rotated. */
static int put_mla_nope(struct config *config, const struct row *row)
{
	static const char *const keys[] = { ".attention.key_length_mla",
					    ".attention.key_length" };
	static const char *const rotated[] = { ".rope.dimension_count",
					       ".rope.dimension_count" };
	uint64_t all, rope;

	if (read_first(config, keys, &all) ||
	    read_first(config, rotated, &rope))
		return -1;
	if (all != config->dimensions.head || rope >= all)
		return error_set(config->err, "'%s': a head's key is %" PRIu64
				 " long, of which %" PRIu64 " are rotated, and "
				 "its query %" PRIu64, config->metadata->file,
				 all, rope, config->dimensions.head);
	put_count(config, row->key, all - rope);
	return 0;
}

static int put_mla_value(struct config *config, const struct row *row)
{
	static const char *const keys[] = { ".attention.value_length_mla",
					    ".attention.value_length" };
	uint64_t value;

	if (read_first(config, keys, &value))
		return -1;
	put_count(config, row->key, value);
	return 0;
}

static int put_scoring(struct config *config, const struct row *row)
{
	uint64_t function;
	const int found = metadata_unsigned(config->metadata, row->source, 2,
					    &function, config->err);

	if (found < 0)
		return -1;
	if (!found || !function)
		return put_literal(config, row);
	json_key(&config->json, row->key);
	json_string(&config->json, function == 1 ? "softmax" : "sigmoid");
	return 0;
}

static int put_topk_method(struct config *config, const struct row *row)
{
	uint64_t groups = 1;

	if (metadata_unsigned(config->metadata, row->source, UINT64_MAX,
			      &groups, config->err) < 0)
		return -1;
	json_key(&config->json, row->key);
	json_string(&config->json, groups > 1 ? "group_limited_greedy" :
						"greedy");
	return 0;
}

/* ------------------------------ rotary scaling ---------------------------- */

static void put_factors(struct json *json, const char *key,
			const struct hf_values *factors)
{
	json_key(json, key);
	json_array(json);
	for (size_t i = 0; i < factors->n; i++)
		json_float(json, factors->values[i]);
	json_array_end(json);
}

static int check_factors(const struct config *config,
			 const struct hf_values *factors)
{
	for (size_t i = 0; i < factors->n; i++)
		if (!isfinite(factors->values[i]))
			return error_set(config->err, "'%s': tensor '%s' has a "
					 "value that is not finite",
					 config->metadata->file, factors->name);
	return 0;
}

static int put_longrope(struct config *config, const struct row *row,
			const struct hf_values *longer,
			const struct hf_values *shorter)
{
	struct json *const json = &config->json;

	if (!longer || !shorter || longer->n != shorter->n)
		return error_set(config->err, "'%s': 'rope_factors_long.weight'"
				 " and 'rope_factors_short.weight' do not "
				 "match", config->metadata->file);
	if (check_factors(config, longer) || check_factors(config, shorter))
		return -1;
	/* transformers 4.57 refuses any other key. */
	json_key(json, row->key);
	json_object(json);
	json_key(json, "type");
	json_string(json, "longrope");
	put_factors(json, "long_factor", longer);
	put_factors(json, "short_factor", shorter);
	json_object_end(json);
	return 0;
}

static int put_llama3(struct config *config, const struct row *row,
		      const struct hf_values *factors)
{
	struct json *const json = &config->json;
	struct rope_llama3 scaling;
	float theta = 10000;

	if (metadata_float(config->metadata, ".rope.freq_base", &theta,
			   config->err) < 0 ||
	    check_factors(config, factors))
		return -1;
	if (!rope_find_llama3(factors->values, factors->n, (double)theta,
			      &scaling))
		return error_set(config->err, "'%s': '%s' is not Llama 3's "
				 "scaling, the only one with factors that is "
				 "known; use '--config-from' to copy another "
				 "config.json", config->metadata->file,
				 factors->name);
	if (scaling.factor == 1) /* nothing is scaled */
		return 0;
	json_key(json, row->key);
	json_object(json);
	json_key(json, "rope_type");
	json_string(json, "llama3");
	json_key(json, "factor");
	json_float(json, (float)scaling.factor);
	json_key(json, "low_freq_factor");
	json_float(json, (float)scaling.low_freq_factor);
	json_key(json, "high_freq_factor");
	json_float(json, (float)scaling.high_freq_factor);
	json_key(json, "original_max_position_embeddings");
	json_unsigned(json, scaling.original_context);
	json_object_end(json);
	return 0;
}

/* Rows of an object within. */
static int put_rows(struct config *config, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].put(config, &rows[i]))
			return -1;
	return 0;
}

/* A multiplier of the logarithm, a tenth of which the converter stores; the
 * file has only one of the two, which are equal in all published models. */
static int put_mscale(struct config *config, const struct row *row)
{
	char tenth[NUMBER_SIZE];
	float value;
	const int found = metadata_float(config->metadata, row->source, &value,
					 config->err);

	if (found <= 0)
		return found;
	number_float(tenth, value); /* as it was before it became F32 */
	json_key(&config->json, row->key);
	json_float(&config->json, (float)(strtod(tenth, NULL) * 10));
	return 0;
}

#define SCALING ".rope.scaling."

static int put_yarn(struct config *config, const struct row *row)
{
	static const struct row rows[] = {
		{ "factor", put_real, SCALING "factor", NULL, false, 0 },
		{ "original_max_position_embeddings", put_optional,
		  SCALING "original_context_length", NULL, false, 0 },
		{ "beta_fast", put_optional, SCALING "yarn_beta_fast", NULL,
		  false, 0 },
		{ "beta_slow", put_optional, SCALING "yarn_beta_slow", NULL,
		  false, 0 },
		{ "attention_factor", put_optional, SCALING "yarn_attn_factor",
		  NULL, false, 0 },
		{ "mscale", put_mscale, SCALING "yarn_log_multiplier", NULL,
		  false, 0 },
		{ "mscale_all_dim", put_mscale, SCALING "yarn_log_multiplier",
		  NULL, false, 0 },
	};
	struct json *const json = &config->json;

	json_key(json, row->key);
	json_object(json);
	json_key(json, "rope_type");
	json_string(json, "yarn");
	if (put_rows(config, rows, sizeof(rows) / sizeof(*rows)))
		return -1;
	if (row->n) {
		json_key(json, "truncate");
		json_bool(json, false);
	}
	json_object_end(json);
	return 0;
}

static int put_linear(struct config *config, const struct row *row,
		      const char *factor)
{
	const struct row factor_row = { "factor", put_real, factor, NULL, false,
					0 };

	json_key(&config->json, row->key);
	json_object(&config->json);
	json_key(&config->json, "rope_type");
	json_string(&config->json, "linear");
	if (put_real(config, &factor_row))
		return -1;
	json_object_end(&config->json);
	return 0;
}

/* By the metadata alone. */
static int put_named_scaling(struct config *config, const struct row *row,
			     struct text type)
{
	const struct gguf_kv *const kv =
		metadata_find(config->metadata, SCALING "type");
	char name[ESCAPE_MESSAGE_SIZE];

	if (bytes_equal(type, (struct text){ "linear", 6 }))
		return put_linear(config, row, SCALING "factor");
	if (bytes_equal(type, (struct text){ "yarn", 4 }))
		return put_yarn(config, row);
	return metadata_refuse(config->metadata, kv, config->err,
			       "is '%s'; only none, linear, yarn and, with "
			       "factors in tensors, longrope are supported",
			       escape_text(name, sizeof(name), type));
}

/* n: yarn's ranges are not rounded to whole dimensions. */
static int put_rope_scaling(struct config *config, const struct row *row)
{
	const struct hf_checkpoint *const checkpoint = config->checkpoint;
	const struct hf_values *const factors =
		hf_values(checkpoint, "rope_freqs.weight");
	const struct hf_values *const longer =
		hf_values(checkpoint, "rope_factors_long.weight");
	const struct hf_values *const shorter =
		hf_values(checkpoint, "rope_factors_short.weight");
	struct text type;
	const int found = metadata_text(config->metadata, SCALING "type", &type,
					config->err);

	if (found < 0)
		return -1;
	if (longer || shorter)
		return put_longrope(config, row, longer, shorter);
	if (found && !bytes_equal(type, (struct text){ "none", 4 }))
		return put_named_scaling(config, row, type);
	if (factors)
		return put_llama3(config, row, factors);
	if (metadata_find(config->metadata, ".rope.scale_linear")) /* old */
		return put_linear(config, row, ".rope.scale_linear");
	return 0;
}

/* --------------------------------- the rows ------------------------------- */

/* The words of CONFIG in architectures.def. */
#define LITERAL(json) put_literal, NULL, json, false, 0
#define ASSUMED(json) put_literal, NULL, json, true, 0
#define INTEGER(key) put_integer, key, NULL, false, 0
#define INTEGER_OR(key, json) put_integer, key, json, false, 0
#define WINDOW(key) put_window, key, "null", false, 0
#define REAL(key) put_real, key, NULL, false, 0
#define REAL_OR(key, json) put_real, key, json, false, 0
#define REAL_OR_ASSUMED(key, json) put_real, key, json, true, 0
#define FLAG_OR(key, json) put_flag, key, json, false, 0
#define COLUMNS(tensor) put_size, tensor, NULL, false, 0
#define ROWS(tensor) put_size, tensor, NULL, false, 1
#define EXPERTS(tensor) put_size, tensor, NULL, false, 2
#define OPTIONAL(key) put_optional, key, NULL, false, 0
#define EXISTS(tensor) put_exists, tensor, NULL, false, 0
#define LACKS(tensor) put_exists, tensor, NULL, false, 1
#define TOKEN(key) put_token, key, NULL, false, 0
#define BOS(key) put_bos, key, NULL, false, 0
#define ATTENTION_BIAS put_attention_bias, NULL, NULL, false, 0
#define GROUPED(tensor) put_grouped, tensor, NULL, false, 0
#define PARALLEL_NORMS(tensor) put_parallel_norms, tensor, NULL, false, 0
#define DTYPE put_dtype, NULL, NULL, false, 0
#define N_LAYERS put_layers, NULL, NULL, false, 0
#define HIDDEN_SIZE put_hidden, NULL, NULL, false, 0
#define VOCABULARY_SIZE put_vocabulary, NULL, NULL, false, 0
#define N_HEADS put_heads, NULL, NULL, false, 0
#define N_KV_HEADS put_kv_heads, NULL, NULL, false, 0
#define HEAD_SIZE put_head, NULL, NULL, false, 0
#define UNUSUAL_HEAD_SIZE put_head, NULL, NULL, false, 1
#define ROTARY_PART(key, json) put_rotary_part, key, json, false, 0
#define FULL_ATTENTION_EVERY(n, nth) put_layer_types, NULL, nth, true, n
#define UNROTATED_EVERY(n, nth) put_rotary_layers, NULL, nth, true, n
#define QUERY_SCALAR(layers) put_query_scalar, NULL, NULL, true, layers
#define INNER_SIZE(tensor) put_inner, tensor, NULL, false, 0
#define ATTENTION_SCALE(key) put_attention_scale, key, NULL, false, 0
#define ROPE_SCALING put_rope_scaling, NULL, NULL, false, 0
#define ROPE_SCALING_UNROUNDED put_rope_scaling, NULL, NULL, false, 1
#define MLA_NOPE put_mla_nope, NULL, NULL, false, 0
#define MLA_VALUE put_mla_value, NULL, NULL, false, 0
#define SCORING_OR(key, json) put_scoring, key, json, false, 0
#define TOPK_METHOD(key) put_topk_method, key, NULL, false, 0

#define ARCHITECTURE(gguf, name, class, model_type, ...) \
	static const struct row name##_rows[] = {
#define CONFIG(key, ...) { key, __VA_ARGS__ },
#define END };
#include "hf/architectures.def"

static const struct {
	const struct row *rows;
	size_t n;
} tables[] = {
#define ARCHITECTURE(gguf, name, class, model_type, ...) \
	{ name##_rows, sizeof(name##_rows) / sizeof(*name##_rows) },
#include "hf/architectures.def"
};

static int put_all(struct config *config)
{
	const struct hf_architecture *const architecture =
		config->checkpoint->architecture;
	const enum hf_architecture_number i =
		hf_architecture_number(architecture);
	struct json *const json = &config->json;

	json_key(json, "architectures");
	json_array(json);
	json_string(json, architecture->class_name);
	json_array_end(json);
	json_key(json, "model_type");
	json_string(json, architecture->model_type);
	return put_rows(config, tables[i].rows, tables[i].n);
}

/* Rows of sizes, which have no other value if a tensor is missing. */
static int put_sizes(struct config *config)
{
	static int (*const sizes[])(struct config *, const struct row *) = {
		put_layers, put_hidden, put_vocabulary, put_heads,
		put_kv_heads, put_head, put_size, put_mla_nope,
		put_mla_value,
	};
	const enum hf_architecture_number a =
		hf_architecture_number(config->checkpoint->architecture);

	for (size_t i = 0; i < tables[a].n; i++)
		for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++)
			if (tables[a].rows[i].put == sizes[k] &&
			    put_rows(config, &tables[a].rows[i], 1))
				return -1;
	return 0;
}

static int put_object(const struct hf_checkpoint *checkpoint,
		      int (*put)(struct config *config), FILE *stream,
		      struct error *err)
{
	struct config config = { .checkpoint = checkpoint,
				 .metadata = &checkpoint->metadata,
				 .err = err };

	if (dimensions_read(&config.dimensions, config.metadata,
			    checkpoint->model, err))
		return -1;
	json_init(&config.json, stream, 1);
	json_object(&config.json);
	if (put(&config))
		return -1;
	json_object_end(&config.json);
	return 0;
}

int hf_config_put(const struct hf_checkpoint *checkpoint, FILE *stream,
		  struct error *err)
{
	return put_object(checkpoint, put_all, stream, err);
}

int hf_config_put_sizes(const struct hf_checkpoint *checkpoint, FILE *stream,
			struct error *err)
{
	return put_object(checkpoint, put_sizes, stream, err);
}

static void put_id(struct json *json, const char *key, uint32_t id)
{
	if (id == TOKEN_NONE)
		return;
	json_key(json, key);
	json_unsigned(json, id);
}

/* A text also ends with the end of a turn, where that is another token. */
static void put_ends(struct json *json, uint32_t eos, uint32_t eot)
{
	if (eot == TOKEN_NONE || eot == eos) {
		put_id(json, "eos_token_id", eos);
		return;
	}
	json_key(json, "eos_token_id");
	json_array(json);
	if (eos != TOKEN_NONE)
		json_unsigned(json, eos);
	json_unsigned(json, eot);
	json_array_end(json);
}

int hf_generation_config_put(const struct hf_checkpoint *checkpoint,
			     FILE *stream, struct error *err)
{
	static const char *const keys[] = { "tokenizer.ggml.bos_token_id",
					    "tokenizer.ggml.eos_token_id",
					    "tokenizer.ggml.eot_token_id",
					    "tokenizer.ggml.padding_token_id" };
	static const struct notes silent; /* config.json has said it */
	struct dimensions dimensions;
	uint32_t ids[4];
	struct json json;

	if (dimensions_read(&dimensions, &checkpoint->metadata,
			    checkpoint->model, err))
		return -1;
	for (size_t i = 0; i < 4; i++)
		if (tokenizer_special_id(&checkpoint->metadata, keys[i],
					 dimensions.vocabulary, &silent,
					 &ids[i], err))
			return -1;
	json_init(&json, stream, 1);
	json_object(&json);
	if (!checkpoint->architecture->tokenizer->no_bos)
		put_id(&json, "bos_token_id", ids[0]);
	put_ends(&json, ids[1], ids[2]);
	put_id(&json, "pad_token_id", ids[3]);
	json_object_end(&json);
	return 0;
}

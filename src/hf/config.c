#include "hf/config.h"

#include <inttypes.h>
#include <math.h>

#include "hf/rope_scaling.h"

/* --------------------------- values from one place ------------------------ */

/* As config_put_integer; 0 is null. */
static int put_window(struct config *config, const struct config_row *row)
{
	uint64_t value;
	const int found = metadata_unsigned(config->metadata, row->source,
					    INT64_MAX, &value, config->err);

	if (found != 1 || value)
		return config_put_integer(config, row);
	json_member_string(&config->json, row->key, NULL);
	return 0;
}

/* The size of dimension n, from the fastest on, of a tensor. */
static int put_size(struct config *config, const struct config_row *row)
{
	const struct model_tensor *const tensor =
		hf_tensor(config->checkpoint->model, row->source);

	if (!tensor)
		return config_put_fallback(config, row);
	json_member_unsigned(&config->json, row->key,
			     tensor->info->dims[row->n]);
	return 0;
}

/* Whether there is such a tensor; n: whether there is none. */
static int put_exists(struct config *config, const struct config_row *row)
{
	const bool exists = hf_tensor(config->checkpoint->model, row->source);

	json_member_bool(&config->json, row->key, row->n ? !exists : exists);
	return 0;
}

/* The id of a special token, or null. */
static int put_token(struct config *config, const struct config_row *row)
{
	uint32_t id;

	if (tokenizer_special_id(config->metadata, row->source,
				 config->dimensions.vocabulary,
				 config->checkpoint->notes, &id, config->err))
		return -1;
	if (id == TOKEN_NONE)
		json_member_string(&config->json, row->key, NULL);
	else
		json_member_unsigned(&config->json, row->key, id);
	return 0;
}

/* As put_token, unless the converter has put in what the original lacks. */
static int put_bos(struct config *config, const struct config_row *row)
{
	if (!config->checkpoint->architecture->tokenizer->no_bos)
		return put_token(config, row);
	json_member_string(&config->json, row->key, NULL);
	return 0;
}

/* ---------------------------- computed values ----------------------------- */

/* n: the offset of a member of struct dimensions. */
static int put_dimension(struct config *config, const struct config_row *row)
{
	uint64_t value;

	memcpy(&value, (const char *)&config->dimensions + row->n,
	       sizeof(value));
	json_member_unsigned(&config->json, row->key, value);
	return 0;
}

/* Writes the size of a head, unless the class would compute the same. */
static int put_unusual_head(struct config *config,
			    const struct config_row *row)
{
	const struct dimensions *const d = &config->dimensions;

	if (d->head * d->heads != d->hidden)
		json_member_unsigned(&config->json, row->key, d->head);
	return 0;
}

/* The part of a head that is rotated. */
static int put_rotary_part(struct config *config, const struct config_row *row)
{
	const uint64_t head = config->dimensions.head;
	uint64_t rotated;
	const int found = metadata_unsigned(config->metadata, row->source, head,
					    &rotated, config->err);
	double part;

	if (found < 0)
		return -1;
	if (!found)
		return config_put_fallback(config, row);
	part = (double)rotated / (double)head;
	if ((uint64_t)((double)head * part) < rotated)
		part = nextafter(part, 1); /* transformers rounds down */
	json_key(&config->json, row->key);
	json_double(&config->json, part);
	return 0;
}

/* A list with an item for each layer: other[0], but other[1] in every nth. */
static void put_per_layer(struct config *config, const struct config_row *row,
			  const char *const other[2])
{
	json_member_array(&config->json, row->key);
	for (uint64_t i = 1; i <= config->dimensions.layers; i++)
		json_literal(&config->json, other[i % row->n == 0]);
	json_array_end(&config->json);
}

static int put_layer_types(struct config *config, const struct config_row *row)
{
	static const char *const types[] = { "\"sliding_attention\"",
					     "\"full_attention\"" };

	put_per_layer(config, row, types);
	CONFIG_NOTE_ASSUMED(config, row, "full attention in every %s layer",
			    row->fallback);
	return 0;
}

static int put_rotary_layers(struct config *config,
			     const struct config_row *row)
{
	static const char *const rotated[] = { "1", "0" };

	put_per_layer(config, row, rotated);
	CONFIG_NOTE_ASSUMED(config, row, "that every %s layer is not rotated",
			    row->fallback);
	return 0;
}

/* Of Gemma. The models of 27B, known by their n layers, have another one. */
static int put_query_scalar(struct config *config, const struct config_row *row)
{
	const struct dimensions *const d = &config->dimensions;
	const uint64_t value = d->layers == row->n ? d->hidden / d->heads :
						     d->head;

	json_member_unsigned(&config->json, row->key, value);
	CONFIG_NOTE_ASSUMED(config, row, "%" PRIu64, value);
	return 0;
}

/* null if it is 4 times as wide as the model, which is the class's default. */
static int put_inner(struct config *config, const struct config_row *row)
{
	const struct model_tensor *const tensor =
		hf_tensor(config->checkpoint->model, row->source);

	if (!tensor || tensor->info->dims[row->n] !=
			       4 * config->dimensions.hidden)
		return put_size(config, row);
	json_member_string(&config->json, row->key, NULL);
	return 0;
}

/* 1 over the square root of a head, as llama.cpp has it, if not in the file. */
static int put_attention_scale(struct config *config,
			       const struct config_row *row)
{
	const uint64_t head = config->dimensions.head;

	if (metadata_find(config->metadata, row->source))
		return config_put_real(config, row);
	json_member_float(&config->json, row->key,
			  (float)(1 / sqrt((double)head)));
	return 0;
}

/* Of queries, keys and values, fused or not. */
static int put_attention_bias(struct config *config,
			      const struct config_row *row)
{
	const struct model *const model = config->checkpoint->model;

	json_member_bool(&config->json, row->key,
			 hf_tensor(model, "blk.#.attn_q.bias") ||
			 hf_tensor(model, "blk.#.attn_qkv.bias"));
	return 0;
}

/* Whether queries are grouped by their keys: with a norm for the attention and
 * one for the MLP, as the source says, or with one for both. */
static int put_grouped(struct config *config, const struct config_row *row)
{
	json_member_bool(&config->json, row->key,
			 hf_tensor(config->checkpoint->model, row->source) ||
			 config->dimensions.kv_heads > 1);
	return 0;
}

static int put_parallel_norms(struct config *config,
			      const struct config_row *row)
{
	if (hf_tensor(config->checkpoint->model, row->source))
		json_member_unsigned(&config->json, row->key, 2);
	else if (config->dimensions.kv_heads > 1)
		json_member_unsigned(&config->json, row->key, 1);
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

static int put_dtype(struct config *config, const struct config_row *row)
{
	json_member_string(&config->json, row->key,
			   hf_config_dtype(config->checkpoint->type));
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
static int put_mla_nope(struct config *config, const struct config_row *row)
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
	json_member_unsigned(&config->json, row->key, all - rope);
	return 0;
}

static int put_mla_value(struct config *config, const struct config_row *row)
{
	static const char *const keys[] = { ".attention.value_length_mla",
					    ".attention.value_length" };
	uint64_t value;

	if (read_first(config, keys, &value))
		return -1;
	json_member_unsigned(&config->json, row->key, value);
	return 0;
}

static int put_scoring(struct config *config, const struct config_row *row)
{
	uint64_t function;
	const int found = metadata_unsigned(config->metadata, row->source, 2,
					    &function, config->err);

	if (found < 0)
		return -1;
	if (!found || !function)
		return config_put_literal(config, row);
	json_member_string(&config->json, row->key,
			   function == 1 ? "softmax" : "sigmoid");
	return 0;
}

static int put_topk_method(struct config *config, const struct config_row *row)
{
	uint64_t groups = 1;

	if (metadata_unsigned(config->metadata, row->source, UINT64_MAX,
			      &groups, config->err) < 0)
		return -1;
	json_member_string(&config->json, row->key,
			   groups > 1 ? "group_limited_greedy" : "greedy");
	return 0;
}

/* --------------------------------- the rows ------------------------------- */

/* The words of CONFIG in architectures.def. */
#define LITERAL(json) config_put_literal, .fallback = json
#define ASSUMED(json) config_put_literal, .fallback = json, .assumed = true
#define INTEGER(key) config_put_integer, .source = key
#define INTEGER_OR(key, json) INTEGER(key), .fallback = json
#define WINDOW(key) put_window, .source = key, .fallback = "null"
#define REAL(key) config_put_real, .source = key
#define REAL_OR(key, json) REAL(key), .fallback = json
#define REAL_OR_ASSUMED(key, json) REAL_OR(key, json), .assumed = true
#define FLAG_OR(key, json) config_put_flag, .source = key, .fallback = json
#define OPTIONAL(key) config_put_optional, .source = key
#define COLUMNS(tensor) put_size, .source = tensor, .n = 0
#define ROWS(tensor) put_size, .source = tensor, .n = 1
#define EXPERTS(tensor) put_size, .source = tensor, .n = 2
#define EXISTS(tensor) put_exists, .source = tensor
#define LACKS(tensor) put_exists, .source = tensor, .n = 1
#define TOKEN(key) put_token, .source = key
#define BOS(key) put_bos, .source = key
#define ATTENTION_BIAS put_attention_bias
#define GROUPED(tensor) put_grouped, .source = tensor
#define PARALLEL_NORMS(tensor) put_parallel_norms, .source = tensor
#define DTYPE put_dtype
#define DIMENSION(name) put_dimension, .n = offsetof(struct dimensions, name)
#define N_LAYERS DIMENSION(layers)
#define HIDDEN_SIZE DIMENSION(hidden)
#define VOCABULARY_SIZE DIMENSION(vocabulary)
#define N_HEADS DIMENSION(heads)
#define N_KV_HEADS DIMENSION(kv_heads)
#define HEAD_SIZE DIMENSION(head)
#define UNUSUAL_HEAD_SIZE put_unusual_head
#define ROTARY_PART(key, json) put_rotary_part, .source = key, .fallback = json
#define FULL_ATTENTION_EVERY(i, nth) put_layer_types, .fallback = nth, .n = i
#define UNROTATED_EVERY(i, nth) put_rotary_layers, .fallback = nth, .n = i
#define QUERY_SCALAR(layers) put_query_scalar, .n = layers
#define INNER_SIZE(tensor) put_inner, .source = tensor
#define ATTENTION_SCALE(key) put_attention_scale, .source = key
#define ROPE_SCALING rope_scaling_put
#define ROPE_SCALING_UNROUNDED rope_scaling_put, .n = 1
#define MLA_NOPE put_mla_nope
#define MLA_VALUE put_mla_value
#define SCORING_OR(key, json) put_scoring, .source = key, .fallback = json
#define TOPK_METHOD(key) put_topk_method, .source = key

#define ARCHITECTURE(gguf, name, class, model_type, ...) \
	static const struct config_row name##_rows[] = {
#define CONFIG(key_, ...) { .key = key_, .put = __VA_ARGS__ },
#define END };
#include "hf/architectures.def"

static const struct table {
	const struct config_row *rows;
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
	const struct table *const table =
		&tables[hf_architecture_number(architecture)];
	struct json *const json = &config->json;

	json_member_array(json, "architectures");
	json_string(json, architecture->class_name);
	json_array_end(json);
	json_member_string(json, "model_type", architecture->model_type);
	return config_put_rows(config, table->rows, table->n);
}

/* Such a row has no fallback: the tensors have its value. */
static bool is_size(const struct config_row *row)
{
	return row->put == put_dimension || row->put == put_unusual_head ||
	       row->put == put_size || row->put == put_mla_nope ||
	       row->put == put_mla_value;
}

static int put_sizes(struct config *config)
{
	const struct table *const table =
		&tables[hf_architecture_number(
			config->checkpoint->architecture)];

	for (size_t i = 0; i < table->n; i++)
		if (is_size(&table->rows[i]) &&
		    config_put_rows(config, &table->rows[i], 1))
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
	json_member_unsigned(json, key, id);
}

/* A text also ends with the end of a turn, where that is another token. */
static void put_ends(struct json *json, uint32_t eos, uint32_t eot)
{
	if (eot == TOKEN_NONE || eot == eos) {
		put_id(json, "eos_token_id", eos);
		return;
	}
	json_member_array(json, "eos_token_id");
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

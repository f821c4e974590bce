#include "hf/rope_scaling.h"

#include <math.h>
#include <stdlib.h>

#include "base/escape.h"
#include "base/number.h"
#include "hf/rope_llama3.h"

#define SCALING ".rope.scaling."

/* -------------------------- by factors in tensors ------------------------- */

static void put_factors(struct json *json, const char *key,
			const struct hf_values *factors)
{
	json_member_array(json, key);
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

static int put_longrope(struct config *config, const struct config_row *row,
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
	json_member_object(json, row->key);
	json_member_string(json, "type", "longrope");
	put_factors(json, "long_factor", longer);
	put_factors(json, "short_factor", shorter);
	json_object_end(json);
	return 0;
}

static int put_llama3(struct config *config, const struct config_row *row,
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
	json_member_object(json, row->key);
	json_member_string(json, "rope_type", "llama3");
	json_member_float(json, "factor", (float)scaling.factor);
	json_member_float(json, "low_freq_factor",
			  (float)scaling.low_freq_factor);
	json_member_float(json, "high_freq_factor",
			  (float)scaling.high_freq_factor);
	json_member_unsigned(json, "original_max_position_embeddings",
			     scaling.original_context);
	json_object_end(json);
	return 0;
}

/* ---------------------------- by the metadata ----------------------------- */

/* A multiplier of the logarithm, a tenth of which the converter stores; the
 * file has only one of the two, which are equal in all published models. */
static int put_mscale(struct config *config, const struct config_row *row)
{
	char tenth[NUMBER_SIZE];
	float value;
	const int found = metadata_float(config->metadata, row->source, &value,
					 config->err);

	if (found <= 0)
		return found;
	number_float(tenth, value); /* as it was before it became F32 */
	json_member_float(&config->json, row->key,
			  (float)(strtod(tenth, NULL) * 10));
	return 0;
}

static const struct config_row yarn[] = {
	{ "factor", config_put_real, .source = SCALING "factor" },
	{ "original_max_position_embeddings", config_put_optional,
	  .source = SCALING "original_context_length" },
	{ "beta_fast", config_put_optional,
	  .source = SCALING "yarn_beta_fast" },
	{ "beta_slow", config_put_optional,
	  .source = SCALING "yarn_beta_slow" },
	{ "attention_factor", config_put_optional,
	  .source = SCALING "yarn_attn_factor" },
	{ "mscale", put_mscale, .source = SCALING "yarn_log_multiplier" },
	{ "mscale_all_dim", put_mscale,
	  .source = SCALING "yarn_log_multiplier" },
};

static int put_linear(struct config *config, const struct config_row *row,
		      const char *source)
{
	const struct config_row factor = { "factor", config_put_real,
					   .source = source };

	json_member_object(&config->json, row->key);
	json_member_string(&config->json, "rope_type", "linear");
	if (config_put_real(config, &factor))
		return -1;
	json_object_end(&config->json);
	return 0;
}

static int put_yarn(struct config *config, const struct config_row *row)
{
	json_member_object(&config->json, row->key);
	json_member_string(&config->json, "rope_type", "yarn");
	if (config_put_rows(config, yarn, sizeof(yarn) / sizeof(*yarn)))
		return -1;
	if (row->n)
		json_member_bool(&config->json, "truncate", false);
	json_object_end(&config->json);
	return 0;
}

static int put_named(struct config *config, const struct config_row *row,
		     struct text type)
{
	const struct gguf_kv *const kv =
		metadata_find(config->metadata, SCALING "type");

	if (text_is(type, "linear"))
		return put_linear(config, row, SCALING "factor");
	if (text_is(type, "yarn"))
		return put_yarn(config, row);
	return metadata_refuse(config->metadata, kv, config->err,
			       "is '%s'; only none, linear, yarn and, with "
			       "factors in tensors, longrope are supported",
			       ESCAPED(type));
}

int rope_scaling_put(struct config *config, const struct config_row *row)
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
	if (found && !text_is(type, "none"))
		return put_named(config, row, type);
	if (factors)
		return put_llama3(config, row, factors);
	if (metadata_find(config->metadata, ".rope.scale_linear")) /* old */
		return put_linear(config, row, ".rope.scale_linear");
	return 0;
}

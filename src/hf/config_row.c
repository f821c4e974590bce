#include "hf/config_row.h"

#include "base/escape.h"

int config_put_rows(struct config *config, const struct config_row *rows,
		    size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].put(config, &rows[i]))
			return -1;
	return 0;
}

int config_put_literal(struct config *config, const struct config_row *row)
{
	json_member_literal(&config->json, row->key, row->fallback);
	if (row->assumed)
		CONFIG_NOTE_ASSUMED(config, row, "%s", row->fallback);
	return 0;
}

int config_put_fallback(struct config *config, const struct config_row *row)
{
	const struct metadata *const metadata = config->metadata;

	if (row->fallback)
		return config_put_literal(config, row);
	return error_set(config->err, "'%s' has no '%s%s', which config.json "
			 "needs for '%s'; use '--config-from' to copy another "
			 "config.json", metadata->file,
			 *row->source != '.' ? "" :
			 ESCAPED(metadata->architecture),
			 row->source, row->key);
}

int config_put_integer(struct config *config, const struct config_row *row)
{
	uint64_t value;
	const int found = metadata_unsigned(config->metadata, row->source,
					    INT64_MAX, &value, config->err);

	if (found < 0)
		return -1;
	if (!found)
		return config_put_fallback(config, row);
	json_member_unsigned(&config->json, row->key, value);
	return 0;
}

int config_put_real(struct config *config, const struct config_row *row)
{
	float value;
	const int found = metadata_float(config->metadata, row->source, &value,
					 config->err);

	if (found < 0)
		return -1;
	if (!found)
		return config_put_fallback(config, row);
	json_member_float(&config->json, row->key, value);
	return 0;
}

int config_put_flag(struct config *config, const struct config_row *row)
{
	bool value;
	const int found = metadata_bool(config->metadata, row->source, &value,
					config->err);

	if (found < 0)
		return -1;
	if (!found)
		return config_put_fallback(config, row);
	json_member_bool(&config->json, row->key, value);
	return 0;
}

int config_put_optional(struct config *config, const struct config_row *row)
{
	const struct gguf_kv *const kv =
		metadata_find(config->metadata, row->source);

	if (!kv)
		return 0;
	return kv->type == GGUF_F32 ? config_put_real(config, row) :
				      config_put_integer(config, row);
}

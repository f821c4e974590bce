/* config_row.h - a key of config.json, and where its value comes from. */
#ifndef HF_CONFIG_ROW_H
#define HF_CONFIG_ROW_H

#include "base/json.h"
#include "hf/checkpoint.h"
#include "hf/dimensions.h"

/* A config.json that is being written. */
struct config {
	const struct hf_checkpoint *checkpoint;
	const struct metadata *metadata; /* the checkpoint's */
	struct dimensions dimensions;
	struct json json; /* in an object */
	struct error *err;
};

struct config_row {
	const char *key;

	/* Writes the key and its value, or neither. */
	int (*put)(struct config *config, const struct config_row *row);
	const char *source;   /* a metadata key, or names of tensors */
	const char *fallback; /* JSON, if the source is missing; NULL: that is
				 an error */
	bool assumed; /* the fallback may be wrong: there is a note */
	unsigned n;   /* for some functions */
};

int config_put_rows(struct config *config, const struct config_row *rows,
		    size_t n);

/* Writes the fallback, whatever the source. */
int config_put_literal(struct config *config, const struct config_row *row);

/* Writes the fallback, or fails if there is none: the source is missing. */
int config_put_fallback(struct config *config, const struct config_row *row);

/* Each writes the metadata's value, or the fallback. */
int config_put_integer(struct config *config, const struct config_row *row);
int config_put_real(struct config *config, const struct config_row *row);
int config_put_flag(struct config *config, const struct config_row *row);

/* Writes the metadata's number, or nothing if it has none. */
int config_put_optional(struct config *config, const struct config_row *row);

/* Says in the checkpoint's notes what was assumed for the row. */
#define CONFIG_NOTE_ASSUMED(config, row, format, ...)                        \
	notes_detail((config)->checkpoint->notes,                            \
		     "config.json: %s is not in the file; assuming " format, \
		     (row)->key, __VA_ARGS__)

#endif

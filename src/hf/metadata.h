/* metadata.h - typed values of a model's metadata. */
#ifndef HF_METADATA_H
#define HF_METADATA_H

#include "model/gguf.h"

struct metadata {
	const struct gguf *gguf;
	const char *file; /* for messages: escaped */
	struct text architecture;
};

/* Fails if the model does not name its architecture. */
int metadata_init(struct metadata *metadata, const struct gguf *gguf,
		  const char *file, struct error *err);

/*
 * A key that starts with "." is one of the architecture's, such as
 * "llama.block_count". Each function returns 1 and the value, or 0 if there is
 * no such key, or -1 if it is of another type or out of range.
 */
int metadata_unsigned(const struct metadata *metadata, const char *key,
		      uint64_t max, uint64_t *value, struct error *err);
int metadata_float(const struct metadata *metadata, const char *key,
		   float *value, struct error *err);
int metadata_bool(const struct metadata *metadata, const char *key, bool *value,
		  struct error *err);
int metadata_text(const struct metadata *metadata, const char *key,
		  struct text *text, struct error *err);

/* An array whose items have the type `type`, or that of the same width which
 * differs in its sign. */
int metadata_array(const struct metadata *metadata, const char *key,
		   enum gguf_type type, struct gguf_array *array,
		   struct error *err);

/* The entry, or NULL. */
const struct gguf_kv *metadata_find(const struct metadata *metadata,
				    const char *key);

/* Sets an error that names the entry and where its value is in the file. */
int metadata_refuse(const struct metadata *metadata, const struct gguf_kv *kv,
		    struct error *err, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif

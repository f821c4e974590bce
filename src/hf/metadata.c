#include "hf/metadata.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/escape.h"

int metadata_init(struct metadata *metadata, const struct gguf *gguf,
		  const char *file, struct error *err)
{
	int found;

	*metadata = (struct metadata){ .gguf = gguf, .file = file };
	found = metadata_text(metadata, "general.architecture",
			      &metadata->architecture, err);
	if (found)
		return found < 0 ? -1 : 0;
	return error_set(err, "'%s' has no 'general.architecture'", file);
}

const struct gguf_kv *metadata_find(const struct metadata *metadata,
				    const char *key)
{
	const struct gguf *const gguf = metadata->gguf;
	const struct text prefix = *key == '.' ? metadata->architecture :
						 (struct text){ "", 0 };
	const struct text rest = text_of(key);

	for (size_t i = 0; i < gguf->n_kv; i++) {
		const struct text name = gguf->kv[i].key;

		if (name.len == prefix.len + rest.len &&
		    !memcmp(name.data, prefix.data, prefix.len) &&
		    !memcmp(name.data + prefix.len, rest.data, rest.len))
			return &gguf->kv[i];
	}
	return NULL;
}

int metadata_refuse(const struct metadata *metadata, const struct gguf_kv *kv,
		    struct error *err, const char *format, ...)
{
	char why[512];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	return error_set(err, "'%s': metadata '%s' at offset %zu %s",
			 metadata->file, ESCAPED(kv->key),
			 (size_t)((const unsigned char *)kv->value.data -
				  metadata->gguf->header), why);
}

static int refuse_type(const struct metadata *metadata,
		       const struct gguf_kv *kv, const char *wanted,
		       struct error *err)
{
	return metadata_refuse(metadata, kv, err, "is of type %s, not %s",
			       gguf_type_name(kv->type), wanted);
}

int metadata_unsigned(const struct metadata *metadata, const char *key,
		      uint64_t max, uint64_t *value, struct error *err)
{
	const struct gguf_kv *const kv = metadata_find(metadata, key);

	if (!kv)
		return 0;
	if (!gguf_unsigned(kv, value))
		return refuse_type(metadata, kv, "an integer of at least 0",
				   err);
	if (*value > max)
		return metadata_refuse(metadata, kv, err, "is %" PRIu64
				       ", more than %" PRIu64, *value, max);
	return 1;
}

/* Returns 1 and the entry, 0, or -1, as the functions below do. */
static int find_type(const struct metadata *metadata, const char *key,
		     enum gguf_type type, const struct gguf_kv **kv,
		     struct error *err)
{
	*kv = metadata_find(metadata, key);
	if (!*kv)
		return 0;
	if ((*kv)->type != type)
		return refuse_type(metadata, *kv, gguf_type_name(type), err);
	return 1;
}

int metadata_float(const struct metadata *metadata, const char *key,
		   float *value, struct error *err)
{
	const struct gguf_kv *kv;
	const int found = find_type(metadata, key, GGUF_F32, &kv, err);

	if (found <= 0)
		return found;
	*value = bytes_load_f32(kv->value.data);
	if (!isfinite(*value))
		return metadata_refuse(metadata, kv, err, "is not finite");
	return 1;
}

int metadata_bool(const struct metadata *metadata, const char *key, bool *value,
		  struct error *err)
{
	const struct gguf_kv *kv;
	const int found = find_type(metadata, key, GGUF_BOOL, &kv, err);

	if (found > 0)
		*value = *kv->value.data;
	return found;
}

int metadata_text(const struct metadata *metadata, const char *key,
		  struct text *text, struct error *err)
{
	const struct gguf_kv *kv;
	const int found = find_type(metadata, key, GGUF_STRING, &kv, err);

	if (found > 0)
		*text = gguf_string(kv);
	return found;
}

static enum gguf_type without_sign(enum gguf_type type)
{
	return type == GGUF_I32 ? GGUF_U32 : type;
}

int metadata_array(const struct metadata *metadata, const char *key,
		   enum gguf_type type, struct gguf_array *array,
		   struct error *err)
{
	const struct gguf_kv *kv;
	const int found = find_type(metadata, key, GGUF_ARRAY, &kv, err);

	if (found <= 0)
		return found;
	*array = gguf_array(kv->value);
	if (without_sign(array->type) != without_sign(type))
		return metadata_refuse(metadata, kv, err,
				       "is an array of %s, not of %s",
				       gguf_type_name(array->type),
				       gguf_type_name(type));
	return 1;
}

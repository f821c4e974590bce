/*
 * hf_model.h - small models with the metadata and the tensors that a test of
 * src/hf needs.
 *
 *   struct hf_model m = { 0 };
 *   hf_text(&m, "general.architecture", "llama");
 *   hf_weights(&m, "token_embd.weight", 32, 4, 1);
 *   … hf_open(&m, &model) …
 *   hf_release(&m, &model);
 */
#ifndef HF_MODEL_H
#define HF_MODEL_H

#include "gguf_builder.h"
#include "model/model.h"

struct hf_model {
	struct builder kvs;
	struct builder infos;
	uint64_t n_kv;
	uint64_t n_tensors;
	uint64_t bytes; /* of tensors of zeros */
	int fd;
};

static inline struct builder *hf_key_of(struct hf_model *m, const char *key,
					uint32_t type)
{
	build_key(&m->kvs, key, type);
	m->n_kv++;
	return &m->kvs;
}

static inline void hf_text(struct hf_model *m, const char *key,
			   const char *text)
{
	build_string(hf_key_of(m, key, GGUF_STRING), text);
}

static inline void hf_u32(struct hf_model *m, const char *key, uint32_t value)
{
	build_integer(hf_key_of(m, key, GGUF_U32), value, 4);
}

static inline void hf_bool(struct hf_model *m, const char *key, bool value)
{
	build_integer(hf_key_of(m, key, GGUF_BOOL), value, 1);
}

static inline void hf_f32(struct hf_model *m, const char *key, float value)
{
	build_bytes(hf_key_of(m, key, GGUF_F32), &value, 4);
}

static inline void hf_texts(struct hf_model *m, const char *key, size_t n,
			    const char *const *texts)
{
	build_array(hf_key_of(m, key, GGUF_ARRAY), GGUF_STRING, n);
	for (size_t i = 0; i < n; i++)
		build_string(&m->kvs, texts[i]);
}

static inline void hf_i32s(struct hf_model *m, const char *key, size_t n,
			   const int32_t *values)
{
	build_array(hf_key_of(m, key, GGUF_ARRAY), GGUF_I32, n);
	build_bytes(&m->kvs, values, n * sizeof(*values));
}

static inline void hf_f32s(struct hf_model *m, const char *key, size_t n,
			   const float *values)
{
	build_array(hf_key_of(m, key, GGUF_ARRAY), GGUF_F32, n);
	build_bytes(&m->kvs, values, n * sizeof(*values));
}

/* A tensor of F32 zeros; dimensions from the fastest on. */
static inline void hf_weights(struct hf_model *m, const char *name,
			      uint64_t dim0, uint64_t dim1, uint64_t dim2)
{
	build_tensor(&m->infos, name, dim2 > 1 ? 3 : 2,
		     (uint64_t[]){ dim0, dim1, dim2 }, 0, m->bytes);
	m->n_tensors++;
	m->bytes += (dim0 * dim1 * dim2 * 4 + 31) / 32 * 32;
}

static inline int hf_open(struct hf_model *m, struct model *model,
			  struct error *err)
{
	char path[BUILDER_PATH_SIZE];
	const char *const paths[] = { path };
	struct builder b = { 0 };

	build_header(&b, 3, m->n_tensors, m->n_kv);
	build_bytes(&b, m->kvs.data, m->kvs.len);
	build_bytes(&b, m->infos.data, m->infos.len);
	build_zeros(&b, -b.len % 32);
	build_zeros(&b, m->bytes);
	m->fd = builder_open(&b, path);
	builder_release(&b);
	return model_open(model, paths, 1, 1 << 20, err);
}

static inline void hf_release(struct hf_model *m, struct model *model)
{
	model_release(model);
	close(m->fd);
	builder_release(&m->kvs);
	builder_release(&m->infos);
	*m = (struct hf_model){ .fd = -1 };
}

/* What was written to a stream of open_memstream. */
struct written {
	char *text;
	size_t len;
	FILE *stream;
};

static inline void written_open(struct written *written)
{
	written->stream = open_memstream(&written->text, &written->len);
	if (!written->stream)
		abort();
}

static inline const char *written_text(struct written *written)
{
	fflush(written->stream);
	return written->text;
}

static inline void written_close(struct written *written)
{
	fclose(written->stream);
	free(written->text);
}

#endif

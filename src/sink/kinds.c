#include "sink/kinds.h"

#include <string.h>
#include <strings.h>

static const struct sink_kind kinds[] = {
	{ "raw", NULL, .open_file = sink_raw_open },
	{ "gguf", ".gguf", .open_file = sink_gguf_open, .keeps_f32 = true },
	{ "safetensors", ".safetensors", .open_file = sink_safetensors_open,
	  .open_folder = sink_shards_open, .divide = sink_shards_divide },
	{ "npz", ".npz", .open_file = sink_npz_open },
	{ "dir", "/", .open_folder = sink_dir_open },
	{ "hf", NULL, .open_folder = sink_shards_open,
	  .divide = sink_shards_divide, .is_checkpoint = true },
};

#define N_KINDS (sizeof(kinds) / sizeof(*kinds))

const struct sink_kind *sink_kind_at(size_t i)
{
	return i < N_KINDS ? &kinds[i] : NULL;
}

const struct sink_kind *sink_kind_by_name(const char *name)
{
	for (size_t i = 0; i < N_KINDS; i++)
		if (!strcasecmp(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}

static bool ends_in(const char *path, const char *suffix)
{
	const size_t len = strlen(path), suffix_len = strlen(suffix);

	return len >= suffix_len &&
	       !strcasecmp(path + len - suffix_len, suffix);
}

bool sink_kind_is_folder(const struct sink_kind *kind, const char *path)
{
	return kind->open_folder && (!kind->open_file || ends_in(path, "/"));
}

const struct sink_kind *sink_kind_of_path(const char *path)
{
	for (size_t i = 0; i < N_KINDS; i++)
		if (kinds[i].suffix && ends_in(path, kinds[i].suffix))
			return &kinds[i];
	return &kinds[0];
}

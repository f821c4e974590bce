#include "sink/sink.h"

#include <string.h>

const char *sink_kind_name(enum sink_kind kind)
{
	static const char *const names[] = { "raw", "gguf", "safetensors",
					     "npz", "dir" };

	return names[kind];
}

enum sink_kind sink_kind_of_path(const char *path)
{
	const char *const dot = strrchr(path, '.');
	const size_t len = strlen(path);

	if (len && path[len - 1] == '/')
		return SINK_DIR;
	for (enum sink_kind kind = SINK_GGUF; dot && kind < SINK_DIR; kind++)
		if (!strcmp(dot + 1, sink_kind_name(kind)))
			return kind;
	return SINK_RAW;
}

#include "sink/file.h"

struct sink *sink_raw_open(struct output *output, const struct plan *plan,
			   struct error *err)
{
	static const struct sink_file_kind kind = { .before = NULL };
	struct sink_file *const file =
		sink_file_new(sizeof(*file), &kind, output, err);

	if (!file)
		return NULL;
	if (sink_file_open(file, plan->dst_bytes, plan->dst_bytes, err))
		return sink_file_drop(file);
	return sink_file_start(file, 0);
}

#include "sink/file.h"
#include "sink/kinds.h"

struct sink *sink_raw_open(struct output *output, struct plan *plan,
			   const struct model *model, struct error *err)
{
	static const struct sink_file_kind kind = { .before = NULL };
	struct sink_file *const file =
		sink_file_new(sizeof(*file), &kind, output, err);

	(void)model;
	if (!file)
		return NULL;
	if (sink_file_open(file, plan, plan->dst_bytes, plan->dst_bytes,
			   err))
		return sink_file_drop(file);
	return sink_file_start(file, 0);
}

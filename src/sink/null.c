#include <stdlib.h>

#include "sink/sink.h"

static int write_batch(struct sink *sink, const struct work_batch *batch,
		       const void *bytes, struct error *err)
{
	(void)sink;
	(void)batch;
	(void)bytes;
	(void)err;
	return 0;
}

static int end(struct sink *sink, struct error *err)
{
	(void)err;
	free(sink);
	return 0;
}

static void abort_sink(struct sink *sink)
{
	free(sink);
}

struct sink *sink_null_open(struct error *err)
{
	struct sink *const sink = malloc(sizeof(*sink));

	if (!sink) {
		error_errno(err, "cannot open a sink");
		return NULL;
	}
	*sink = (struct sink){
		.any_order = true,
		.parts_only = true,
		.write = write_batch,
		.end = end,
		.abort = abort_sink,
	};
	return sink;
}

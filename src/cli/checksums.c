#include "cli/checksums.h"

#include <stdlib.h>

#include "cpu/rows.h"
#include "io/output_stream.h"
#include "observe/checksum.h"

int checksums_open(struct checksums *sums, const struct model *model,
		   struct error *err)
{
	const size_t n = sums->plan->n_tensors;

	if (manifest_check_names(sums->plan, err))
		return -1;
	sums->sums = calloc(n + 1, sums->checksum->bytes);
	if (!sums->sums)
		return error_errno(err, "cannot keep %zu checksums", n);
	sums->lines = output_open("-", false, &model->files, err);
	if (!sums->lines) {
		free(sums->sums);
		return -1;
	}
	return 0;
}

struct sink *checksums_sink(struct checksums *sums, struct sink *inner,
			    struct error *err)
{
	const struct cpu_rows *const rows = cpu_rows_chosen(err);

	if (!rows) {
		inner->abort(inner);
		return NULL;
	}
	return sink_checksum_open(inner, sums->plan, sums->checksum,
				  rows->blake3, sums->sums, err);
}

static int write_lines(struct checksums *sums, FILE *stream, struct error *err)
{
	if (sums->manifest)
		return manifest_compare(sums->manifest, stream, sums->plan,
					sums->sums, sums->quiet, err);
	return manifest_print(stream, sums->plan, sums->checksum, sums->sums,
			      sums->untagged, err);
}

int checksums_finish(struct checksums *sums, struct error *err)
{
	struct output_stream text;
	struct error different; /* unless the lines can't be written */
	int result;

	if (output_stream_open(&text, sums->lines, err))
		goto out_abort;
	result = write_lines(sums, text.stream, &different);
	if (output_stream_close(&text))
		goto out_abort;
	free(sums->sums);
	if (output_finish(sums->lines, err))
		return -1;
	if (result)
		*err = different;
	return result;

out_abort:
	checksums_abort(sums);
	return -1;
}

void checksums_abort(struct checksums *sums)
{
	output_abort(sums->lines);
	free(sums->sums);
}

#include "cli/checksums.h"

#include <stdlib.h>

#include "cpu/rows.h"
#include "io/output_stream.h"
#include "observe/checksum.h"

static int write_lines(struct checksums *sums, FILE *stream, struct error *err)
{
	if (sums->manifest)
		return manifest_compare(sums->manifest, stream, sums->plan,
					sums->sums, sums->quiet, err);
	return manifest_print(stream, sums->plan, sums->checksum, sums->sums,
			      sums->untagged, err);
}

/* Ends sums->lines, even on error. */
static int finish_lines(struct checksums *sums, struct error *err)
{
	struct output *const lines = sums->lines;
	struct output_stream text;
	struct error different; /* unless the lines can't be written */
	int result;

	if (output_stream_open(&text, lines, err))
		return -1;
	result = write_lines(sums, text.stream, &different);
	if (output_stream_close(&text))
		return -1;
	sums->lines = NULL;
	if (output_finish(lines, err))
		return -1;
	if (result)
		*err = different;
	return result;
}

static int finish_verdict(struct observer *observer, struct error *err)
{
	return finish_lines((struct checksums *)((char *)observer -
			    offsetof(struct checksums, verdict)), err);
}

int checksums_open(struct checksums *sums, const struct output_options *how,
		   struct pass *pass, struct error *err)
{
	const size_t n = sums->plan->n_tensors;

	sums->sums = calloc(n + 1, sums->checksum->bytes);
	if (!sums->sums)
		return error_errno(err, "cannot keep %zu checksums", n);
	sums->lines = output_open("-", how, err);
	if (!sums->lines)
		goto out_release;
	sums->observer = checksum_observer_open(sums->plan, sums->checksum,
						pass->rows->blake3, sums->sums,
						err);
	if (!sums->observer)
		goto out_release;
	pass_add(pass, sums->observer);
	if (sums->manifest) {
		sums->verdict = (struct observer){ .any_order = true,
						   .finish = finish_verdict };
		pass_add(pass, &sums->verdict);
	}
	return 0;

out_release:
	checksums_release(sums);
	return -1;
}

int checksums_print(struct checksums *sums, struct error *err)
{
	return sums->manifest ? 0 : finish_lines(sums, err);
}

void checksums_release(struct checksums *sums)
{
	if (sums->observer)
		sums->observer->close(sums->observer);
	if (sums->lines)
		output_abort(sums->lines);
	free(sums->sums);
}

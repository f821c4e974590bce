/* checksums.h - what --checksum and --check do around a conversion. */
#ifndef CLI_CHECKSUMS_H
#define CLI_CHECKSUMS_H

#include "cli/manifest.h"
#include "io/output.h"
#include "sink/sink.h"

struct checksums {
	const struct plan *plan;
	const struct checksum *checksum;
	struct manifest *manifest; /* to compare with; NULL: to print */
	bool untagged;             /* of what is printed */
	bool quiet;                /* of what is compared: only failures */
	unsigned char *sums;
	struct output *lines; /* standard output */
};

/*
 * Opens standard output, and fails where a tensor can have no line. All but
 * sums and lines were set by the caller, who keeps what they point to. After
 * success checksums_finish or checksums_abort must follow.
 */
int checksums_open(struct checksums *sums, const struct model *model,
		   struct error *err);

/* A sink that passes everything on to `inner`, which it takes over, also on
 * error, and fills sums->sums. NULL on error. */
struct sink *checksums_sink(struct checksums *sums, struct sink *inner,
			    struct error *err);

/* After the end of that sink: prints or compares. An error that differs where
 * the manifest does. */
int checksums_finish(struct checksums *sums, struct error *err);
void checksums_abort(struct checksums *sums);

#endif

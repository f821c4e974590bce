/* checksums.h - what --checksum and --check do around a pass. */
#ifndef CLI_CHECKSUMS_H
#define CLI_CHECKSUMS_H

#include "cli/manifest.h"
#include "io/output.h"
#include "pass/pass.h"

struct checksums {
	const struct plan *plan;
	const struct checksum *checksum;
	struct manifest *manifest; /* to compare with; NULL: to print */
	bool untagged;             /* of what is printed */
	bool quiet;                /* of what is compared: only failures */

	unsigned char *sums;
	struct output *lines;      /* standard output */
	struct observer *observer; /* fills sums */
	struct observer verdict;   /* compares them with the manifest */
};

/*
 * Opens standard output, fails if a tensor can have no line, and adds observers
 * to the pass. All but the last four were set by the caller, who keeps what
 * they point to. After success checksums_release must follow.
 */
int checksums_open(struct checksums *sums, const struct output_options *how,
		   struct pass *pass, struct error *err);

/* After the pass: prints the checksums, unless they were compared. */
int checksums_print(struct checksums *sums, struct error *err);
void checksums_release(struct checksums *sums);

#endif

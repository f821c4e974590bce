/* checksums.h - the part of --checksum and --check around a pass. */
#ifndef CLI_CHECKSUMS_H
#define CLI_CHECKSUMS_H

#include "cli/manifest.h"
#include "io/output.h"
#include "pass/pass.h"

struct checksums {
	const struct plan *plan;
	const struct checksum *checksum;
	struct manifest *manifest; /* to compare with; NULL: to print */
	bool untagged;             /* print lines without tags */
	bool quiet;                /* when comparing, print only failures */

	unsigned char *sums;
	struct output *lines;      /* standard output */
	struct observer *observer; /* fills sums */
	struct observer verdict;   /* compares them with the manifest */
};

/*
 * Opens standard output, fails if a tensor cannot have a line, and adds
 * observers to the pass. The caller has set all members except the last four,
 * and keeps what they point to. After success, checksums_release must follow.
 */
int checksums_open(struct checksums *sums, const struct output_options *how,
		   struct pass *pass, struct error *err);

/* Called after the pass. Prints the checksums, unless they were compared. */
int checksums_print(struct checksums *sums, struct error *err);
void checksums_release(struct checksums *sums);

#endif

/* checksum.h - observes a checksum of each tensor's output. */
#ifndef OBSERVE_CHECKSUM_H
#define OBSERVE_CHECKSUM_H

#include "hash/checksum.h"
#include "pass/observer.h"

/*
 * sums, the caller's, has room for checksum->bytes for each tensor of the plan,
 * by its index, and is filled when all batches were committed; an empty tensor
 * has the checksum of nothing. `lanes` hash the parts of a checksum that is
 * joined from parts. NULL on error.
 */
struct observer *checksum_observer_open(const struct plan *plan,
					const struct checksum *checksum,
					const struct blake3_lanes *lanes,
					unsigned char *sums,
					struct error *err);

#endif

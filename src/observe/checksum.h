/* checksum.h - an observer that computes a checksum per tensor. */
#ifndef OBSERVE_CHECKSUM_H
#define OBSERVE_CHECKSUM_H

#include "hash/checksum.h"
#include "pass/observer.h"

/*
 * `sums` is owned by the caller and has checksum->bytes per tensor of the plan,
 * by index. It is filled when all batches have been committed; an empty tensor
 * gets the checksum of no bytes. `lanes` hash the parts of a checksum that is
 * joined from parts. NULL on error.
 */
struct observer *checksum_observer_open(const struct plan *plan,
					const struct checksum *checksum,
					const struct blake3_lanes *lanes,
					unsigned char *sums,
					struct error *err);

#endif

/* checksum.h - one checksum a tensor, on the way to another sink. */
#ifndef OBSERVE_CHECKSUM_H
#define OBSERVE_CHECKSUM_H

#include "hash/checksum.h"
#include "sink/sink.h"

/*
 * Passes everything on to `inner`, which it takes over, also on error. sums,
 * the caller's, has room for checksum->bytes a tensor, in the order of plan,
 * and is filled when `end` returns; an empty tensor has the checksum of
 * nothing. `lanes` hash the parts of a checksum that is joined of such. plan,
 * whose tensors must be in the order of the model's table, has to outlive the
 * sink. NULL on error.
 */
struct sink *sink_checksum_open(struct sink *inner, const struct plan *plan,
				const struct checksum *checksum,
				const struct blake3_lanes *lanes,
				unsigned char *sums, struct error *err);

#endif

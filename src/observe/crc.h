/* crc.h - an observer that computes the CRC-32 of each tensor's output. */
#ifndef OBSERVE_CRC_H
#define OBSERVE_CRC_H

#include "pass/observer.h"

/*
 * Continues the CRC-32 (zlib's) in crcs[index] with the values of each tensor.
 * `crcs` is owned by the caller. NULL on error.
 */
struct observer *crc_observer_open(uint32_t *crcs, struct error *err);

#endif

/* crc.h - observes the CRC-32 of each tensor's output. */
#ifndef OBSERVE_CRC_H
#define OBSERVE_CRC_H

#include "pass/observer.h"

/*
 * Continues crcs[index], the caller's, by the values of each tensor: when all
 * of one were committed, it has the CRC-32 (zlib's) of what was in it before
 * and then the values. NULL on error.
 */
struct observer *crc_observer_open(uint32_t *crcs, struct error *err);

#endif

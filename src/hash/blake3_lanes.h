/* blake3_lanes.h - BLAKE3 of several chunks at once, by instruction set. */
#ifndef HASH_BLAKE3_LANES_H
#define HASH_BLAKE3_LANES_H

#include <stddef.h>
#include <stdint.h>

/*
 * The functions of blake3_lanes.c for one instruction set. They allocate
 * nothing and keep no state, so any thread may call them. A value is the
 * chaining value of a node that is not the root.
 */
struct blake3_lanes {
	/* n whole chunks, the first of which is number `counter` → their
	 * values. Bytes need no alignment. */
	void (*chunks)(const void *bytes, size_t n, uint64_t counter,
		       uint32_t (*values)[8]);

	/* 2 · n values → those of n parents; can work in place. */
	void (*parents)(const uint32_t (*children)[8], size_t n,
			uint32_t (*values)[8]);
};

#endif

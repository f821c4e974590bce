/* blake3_lanes.h - BLAKE3 of many chunks side by side, for one instruction
 * set. */
#ifndef HASH_BLAKE3_LANES_H
#define HASH_BLAKE3_LANES_H

#include <stddef.h>
#include <stdint.h>

/*
 * What blake3_lanes.c gives for one instruction set. The functions allocate
 * nothing and keep no state: any thread may call them. A value is the chaining
 * value of a node that isn't the root.
 */
struct blake3_lanes {
	/* n whole chunks, of which the first has the number `counter` → their
	 * values. Bytes need no alignment. */
	void (*chunks)(const void *bytes, size_t n, uint64_t counter,
		       uint32_t (*values)[8]);

	/* 2 · n values → those of n parents; in place too. */
	void (*parents)(const uint32_t (*children)[8], size_t n,
			uint32_t (*values)[8]);
};

#endif

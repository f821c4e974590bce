/* checksum.h - the checksums of a tensor's bytes, in one table. */
#ifndef HASH_CHECKSUM_H
#define HASH_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct blake3_part;

#define CHECKSUM_MAX_BYTES 32 /* of every algorithm, at most: asserted */

/*
 * An algorithm. Its state, which open makes and close frees, is used by one
 * thread at a time; begin, then update in the order of the bytes, then end make
 * one checksum after another. Each gives NULL or false where the library fails.
 */
struct checksum {
	const char *name;   /* as --checksum takes it */
	const char *tag;    /* "TAG (NAME) = HEX" */
	const char *prefix; /* "PREFIXhex  NAME", where that needs one */
	size_t bytes;       /* of a checksum; what is printed is this, in hex */

	void *(*open)(void);
	bool (*begin)(void *state, uint64_t total); /* bytes to come */
	bool (*update)(void *state, const void *bytes, size_t n);
	/* In the place of update, where it isn't NULL: the bytes were hashed by
	 * parts, which blake3.h describes. */
	void (*join)(void *state, const struct blake3_part *part);
	bool (*end)(void *state, unsigned char *sum);
	void (*close)(void *state);
};

/* Algorithm number `i`; NULL past the end. */
const struct checksum *checksum_at(size_t i);

/* The algorithm of that name, in either case, or NULL. */
const struct checksum *checksum_by_name(const char *name);

/* What --checksum takes by itself. */
const struct checksum *checksum_default(void);

#endif

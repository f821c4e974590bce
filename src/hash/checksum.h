/* checksum.h - the table of checksum algorithms. */
#ifndef HASH_CHECKSUM_H
#define HASH_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct blake3_part;

#define CHECKSUM_MAX_BYTES 32 /* of every algorithm, at most: asserted */

/*
 * An algorithm. open allocates its state and close frees it; one thread at a
 * time may use it. Each checksum takes a begin, updates in the order of the
 * bytes, and an end. The functions return NULL or false if the library fails.
 */
struct checksum {
	const char *name;   /* as --checksum takes it */
	const char *tag;    /* "TAG (NAME) = HEX" */
	const char *prefix; /* "PREFIXhex  NAME", where that needs one */
	size_t bytes;       /* of a checksum, which is printed in hex */

	void *(*open)(void);
	bool (*begin)(void *state, uint64_t total); /* bytes to come */
	bool (*update)(void *state, const void *bytes, size_t n);
	/* If not NULL, used instead of update, for bytes that were hashed in
	 * parts (see blake3.h). */
	void (*join)(void *state, const struct blake3_part *part);
	bool (*end)(void *state, unsigned char *sum);
	void (*close)(void *state);
};

/* Algorithm number `i`; NULL past the end. */
const struct checksum *checksum_at(size_t i);

/* The algorithm of that name, in either case, or NULL. */
const struct checksum *checksum_by_name(const char *name);

/* The algorithm of --checksum without an argument. */
const struct checksum *checksum_default(void);

#endif

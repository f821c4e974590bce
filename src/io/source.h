/* source.h - a file or a pipe to read from. */
#ifndef IO_SOURCE_H
#define IO_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"

/* What is copied of a stream while it is read: n bytes at `offset`. */
struct source_tap {
	struct source_tap *next;
	uint64_t offset;
	size_t n;
	char *to;
};

/* Offsets count from the first byte of the model. */
struct source {
	int fd;
	char *name;     /* for messages: escaped; "standard input" for "-" */
	bool seekable;  /* a regular file whose size is known, or a block
			   device */
	uint64_t size;  /* where the file ended when opened; only if seekable */
	struct stat opened; /* what it was then */
	uint64_t start; /* where offset 0 is in fd (standard input may be a
			   file that was read from before) */

	/* The least offset that can be read: of a stream, the one that comes
	 * next. */
	uint64_t position;

	/* Streams only: what was read too far, its last ahead_len bytes. */
	unsigned char *ahead;
	size_t ahead_size;
	size_t ahead_len;
	struct source_tap *taps;
	uint64_t end; /* where the stream must end; 0: anywhere */
	uint64_t least; /* it holds something up to here, for a message if it
			   ends before; 0: not known */
};

/* Opens PATH, or standard input for "-". A directory or a terminal is an
 * error. The caller closes src after success. */
int source_open(struct source *src, const char *path, struct error *err);
void source_close(struct source *src);

/*
 * Reads exactly n bytes at `offset`; fewer there is an error that names the
 * file and the offset where it ends, also when it shrank. Threads may call it
 * side by side for a seekable source. From a stream, offsets must not go back:
 * what lies between is read and dropped.
 */
int source_read(struct source *src, uint64_t offset, void *buf, size_t n,
		struct error *err);

/*
 * Asks the kernel to read n bytes at `offset` into the page cache, and does not
 * wait for them. Nothing for a stream, and for what is past the end. The kernel
 * may do less: of each call, Linux reads no more than the larger of the disk's
 * read_ahead_kb and max_sectors_kb, which is SOURCE_AHEAD or more by default.
 * Several threads may call it, also while others read.
 */
#define SOURCE_AHEAD ((size_t)128 << 10)
void source_read_ahead(const struct source *src, uint64_t offset, uint64_t n);

/* Adds a tap to a stream, for bytes that are still to be read; even those that
 * are skipped are copied. The tap, and what it copies to, must outlast the
 * reading. */
void source_tap(struct source *src, struct source_tap *tap);

/* Reads what is left of the tap's bytes, unless all of them were read. */
int source_tap_finish(struct source *src, const struct source_tap *tap,
		      struct error *err);

/* As source_read, but the end of the file is no error. Returns the number of
 * bytes, less than n only at the end; -1 on error. */
ptrdiff_t source_read_upto(struct source *src, uint64_t offset, void *buf,
			   size_t n, struct error *err);

/*
 * Says that the source has exactly n bytes; nothing may have been put back. Of
 * a seekable one that is checked at once. A stream that goes on is an error of
 * the read that gets its last byte; here, where n is 0.
 */
int source_end_at(struct source *src, uint64_t n, struct error *err);

/* Fails if the file may have been written to since it was opened: what was read
 * of it need not belong together. */
int source_check_unchanged(const struct source *src, struct error *err);

/* Takes up to n bytes more from a stream, for 0.1 s at most. */
void source_drain(struct source *src, size_t n);

/* Puts the last n bytes read from a stream back; nothing for a seekable one. */
int source_unread(struct source *src, const void *buf, size_t n,
		  struct error *err);

/*
 * Makes a stream seekable: what is left of it goes to an unlinked file in
 * $TMPDIR; by default in /tmp, or in /var/tmp if /tmp is memory. Offsets stay
 * as they are; those before the present position can't be read any more.
 * Nothing for a seekable one.
 */
int source_spool(struct source *src, struct error *err);

#endif

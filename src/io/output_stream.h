/* output_stream.h - a stream of stdio into an output, or one that counts. */
#ifndef IO_OUTPUT_STREAM_H
#define IO_OUTPUT_STREAM_H

#include <stdio.h>

#include "io/output.h"

#define OUTPUT_STREAM_BYTES (64 << 10) /* of its buffer */

/* Must not move while it is open. One thread at a time. */
struct output_stream {
	FILE *stream;
	struct output *output; /* NULL: the bytes are only counted */
	uint64_t offset; /* in the output, of what leaves the buffer next */
	struct error *err; /* gets the first error; may be set to another one
			      where that will be gone */
	bool failed;
	char *buffer;
};

/* The output must outlive the stream, and is not closed by it. */
int output_stream_open(struct output_stream *s, struct output *output,
		       struct error *err);

/* Writes what is in the buffer; the offset is then that of the next byte. -1
 * where that, or any write before, failed. */
int output_stream_flush(struct output_stream *s);
int output_stream_close(struct output_stream *s);

/* Goes to an offset: what comes next is written there. */
void output_stream_seek(struct output_stream *s, uint64_t offset);

/* Bytes of any number, that are copied only where they are few. */
void output_stream_put(struct output_stream *s, const void *bytes, size_t n);

/* Little-endian. */
void output_stream_put_u16(struct output_stream *s, uint16_t value);
void output_stream_put_u32(struct output_stream *s, uint32_t value);
void output_stream_put_u64(struct output_stream *s, uint64_t value);
void output_stream_put_zeros(struct output_stream *s, uint64_t n);

#endif

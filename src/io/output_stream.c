#include "io/output_stream.h"

#include <endian.h>
#include <stdlib.h>

/* Shorter pieces are copied to the buffer, so that they share a write. */
#define LEAST_DIRECT (16 << 10)

static int write_out(struct output_stream *s, const void *bytes, size_t n)
{
	if (!s->failed && s->output &&
	    output_write_at(s->output, s->offset, bytes, n, s->err))
		s->failed = true;
	s->offset += n;
	return s->failed ? -1 : 0;
}

static ssize_t write_text(void *cookie, const char *bytes, size_t n)
{
	return write_out(cookie, bytes, n) ? 0 : (ssize_t)n;
}

int output_stream_open(struct output_stream *s, struct output *output,
		       struct error *err)
{
	static const cookie_io_functions_t functions = { .write = write_text };

	s->output = output;
	s->offset = 0;
	s->err = err;
	s->failed = false;
	s->buffer = malloc(OUTPUT_STREAM_BYTES);
	s->stream = s->buffer ? fopencookie(s, "w", functions) : NULL;
	if (!s->stream) {
		free(s->buffer);
		return error_errno(err, "cannot write '%s'",
				   output ? output_name(output) : "a header");
	}
	setvbuf(s->stream, s->buffer, _IOFBF, OUTPUT_STREAM_BYTES);
	return 0;
}

int output_stream_flush(struct output_stream *s)
{
	(void)fflush(s->stream);
	return s->failed ? -1 : 0;
}

int output_stream_close(struct output_stream *s)
{
	(void)fclose(s->stream);
	free(s->buffer);
	return s->failed ? -1 : 0;
}

void output_stream_seek(struct output_stream *s, uint64_t offset)
{
	(void)output_stream_flush(s);
	s->offset = offset;
}

void output_stream_put(struct output_stream *s, const void *bytes, size_t n)
{
	if (n < LEAST_DIRECT)
		fwrite_unlocked(bytes, 1, n, s->stream);
	else if (!output_stream_flush(s))
		(void)write_out(s, bytes, n);
}

static void put_integer(struct output_stream *s, uint64_t value, size_t n)
{
	value = htole64(value);
	fwrite_unlocked(&value, 1, n, s->stream);
}

void output_stream_put_u16(struct output_stream *s, uint16_t value)
{
	put_integer(s, value, sizeof(value));
}

void output_stream_put_u32(struct output_stream *s, uint32_t value)
{
	put_integer(s, value, sizeof(value));
}

void output_stream_put_u64(struct output_stream *s, uint64_t value)
{
	put_integer(s, value, sizeof(value));
}

void output_stream_put_zeros(struct output_stream *s, uint64_t n)
{
	static const char zeros[4096];

	while (n) {
		const size_t some = n < sizeof(zeros) ? (size_t)n :
							sizeof(zeros);

		output_stream_put(s, zeros, some);
		n -= some;
	}
}

/* file.h - what the sinks have in common that write one file. */
#ifndef SINK_FILE_H
#define SINK_FILE_H

#include "io/output_stream.h"
#include "pass/sink.h"

struct sink_file;

/*
 * What such a file has beside the tensors' values, of which each is at its
 * dst_offset. All are optional, write to file->stream, and leave errors there.
 */
struct sink_file_kind {
	/* Before the first value of a tensor that has some: so many bytes. */
	uint64_t (*before_bytes)(const struct sink_file *file,
				 const struct plan_tensor *tensor);
	void (*before)(struct sink_file *file,
		       const struct plan_tensor *tensor);

	/* After the last one. Returns the number of bytes. */
	uint64_t (*after)(struct sink_file *file,
			  const struct plan_tensor *tensor);

	/* At the end of the file; the stream is there already. */
	void (*trailer)(struct sink_file *file);

	/* Frees what else the sink has. */
	void (*release)(struct sink_file *file);
};

/* The first member of each such sink. */
struct sink_file {
	struct sink sink; /* first */
	const struct sink_file_kind *kind;
	struct output *output;
	struct output_stream stream;
	uint64_t position; /* where the stream is */
	uint64_t end;      /* of the values, and of what is after each */
};

/*
 * The way to a sink: new, then open, write to file->stream what comes before
 * the tensors, and say with start how many bytes that were. Where new fails,
 * and start, they have closed the output; where something else fails, and open
 * too, drop does.
 */

/* A zeroed struct of `size` bytes with the sink_file in front, whose output is
 * `output`. NULL on error. */
void *sink_file_new(size_t size, const struct sink_file_kind *kind,
		    struct output *output, struct error *err);

/* For a file of `bytes` bytes, whose trailer is at `end`. */
int sink_file_open(struct sink_file *file, uint64_t end, uint64_t bytes,
		   struct error *err);

/* The sink, or NULL where the bytes could not be written. */
struct sink *sink_file_start(struct sink_file *file, uint64_t bytes);

/* Frees a file that is not open. NULL, so that a caller can return it. */
struct sink *sink_file_drop(struct sink_file *file);

/*
 * Refuses tensors that another kind of file, called `what`, cannot hold: those
 * that stay quantized, BF16 unless `bf16`, and names that aren't UTF-8. The
 * message says to use `instead`.
 */
int sink_file_check(const struct plan *plan, const char *what, bool bf16,
		    const char *instead, struct error *err);

/* Writes `put` nowhere, to learn how many bytes it makes. */
int sink_file_measure(struct sink_file *file,
		      void (*put)(struct sink_file *file), uint64_t *bytes,
		      struct error *err);

#endif

/* file.h - the common part of sinks that write one file. */
#ifndef SINK_FILE_H
#define SINK_FILE_H

#include "io/output_stream.h"
#include "pass/sink.h"

struct sink_file;

/*
 * What such a file contains besides the tensors' values, which are at their
 * dst_offset. All functions are optional, write to file->stream, and leave
 * errors there.
 */
struct sink_file_kind {
	/* Written before the first value of a tensor that is not empty. */
	uint64_t (*before_bytes)(const struct sink_file *file,
				 const struct plan_tensor *tensor);
	void (*before)(struct sink_file *file,
		       const struct plan_tensor *tensor);

	/* Written after the last value. Returns the number of bytes. */
	uint64_t (*after)(struct sink_file *file,
			  const struct plan_tensor *tensor);

	/* Written at the end of the file, where the stream already is. */
	void (*trailer)(struct sink_file *file);

	/* Frees the rest of the sink. */
	void (*release)(struct sink_file *file);
};

/* The first member of each such sink. */
struct sink_file {
	struct sink sink; /* first */
	const struct sink_file_kind *kind;
	struct output *output;
	struct output_stream stream;
	uint64_t position; /* of the stream */
	uint64_t end;      /* of the values, and of what follows each */
};

/*
 * To make a sink: call new, then open; write to file->stream what comes before
 * the tensors; call start with its number of bytes. If new or start fails, it
 * has closed the output. If open or anything else fails, call drop.
 */

/* A zeroed struct of `size` bytes that starts with the sink_file, which writes
 * to `output`. NULL on error. */
void *sink_file_new(size_t size, const struct sink_file_kind *kind,
		    struct output *output, struct error *err);

/* Opens a file of `bytes` bytes, with its trailer at `end`, for the tensors of
 * the plan. */
int sink_file_open(struct sink_file *file, const struct plan *plan,
		   uint64_t end, uint64_t bytes, struct error *err);

/* Returns the sink, or NULL if the bytes could not be written. */
struct sink *sink_file_start(struct sink_file *file, uint64_t bytes);

/* Frees a file that is not open. Returns NULL, for the caller to return. */
struct sink *sink_file_drop(struct sink_file *file);

/*
 * Refuses tensors that a kind of file, called `what`, cannot hold: quantized
 * ones, BF16 unless `bf16`, and names that are not UTF-8. The message suggests
 * `instead`.
 */
int sink_file_check(const struct plan *plan, const char *what, bool bf16,
		    const char *instead, struct error *err);

/* Calls `put` without writing anything, to count its bytes. */
int sink_file_measure(struct sink_file *file,
		      void (*put)(struct sink_file *file), uint64_t *bytes,
		      struct error *err);

#endif

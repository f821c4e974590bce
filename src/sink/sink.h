/* sink.h - where the values go: one implementation per kind of output. */
#ifndef SINK_SINK_H
#define SINK_SINK_H

#include "io/output.h"
#include "pass/plan.h"

/*
 * write is called by one thread at a time; each call has the bytes of one
 * batch, which go on where those of the last ended, unless any_order: then
 * tensors may come in another order than that of the plan. After an error only
 * abort may follow. end and abort free the sink and close its output; abort
 * leaves nothing behind.
 */
struct sink {
	bool any_order;

	/* Not NULL: prepare and write get each item with its BLAKE3 part, from
	 * these functions or from the device. */
	const struct blake3_lanes *blake3;

	/* With blake3: nobody reads the bytes. A device that hashes them keeps
	 * them; what prepare and write get then is unspecified. */
	bool parts_only;

	/* Optional: what of a batch needs no order. The thread that converted
	 * it calls this before its turn to be written, while the bytes are in
	 * its cache; threads call it side by side. After an error the batch is
	 * not written. */
	int (*prepare)(struct sink *sink, struct work_batch *batch,
		       const void *bytes, struct error *err);

	int (*write)(struct sink *sink, const struct work_batch *batch,
		     const void *bytes, struct error *err);
	int (*end)(struct sink *sink, struct error *err);
	void (*abort)(struct sink *sink);
};

enum sink_kind {
	SINK_RAW,
	SINK_GGUF,
	SINK_SAFETENSORS,
	SINK_NPZ,
	SINK_DIR,
	SINK_KIND_COUNT
};

/* "raw", "gguf", "safetensors", "npz", "dir". */
const char *sink_kind_name(enum sink_kind kind);

/* The kind that a path asks for by its end; raw where it asks for none. */
enum sink_kind sink_kind_of_path(const char *path);

/*
 * The sinks of one file. Each takes `output` over, also on error, and gives
 * each tensor of the plan, which it borrows as it does the model, its
 * dst_offset in that file. NULL on error.
 */

/* The tensors' bytes, one after the other. */
struct sink *sink_raw_open(struct output *output, const struct plan *plan,
			   struct error *err);

/* A GGUF file with the model's metadata. */
struct sink *sink_gguf_open(struct output *output, struct plan *plan,
			    const struct model *model, struct error *err);

/* A file of the safetensors library, in which each tensor is aligned. */
struct sink *sink_safetensors_open(struct output *output, struct plan *plan,
				   const struct model *model,
				   struct error *err);

/* A zip file of NumPy's. */
struct sink *sink_npz_open(struct output *output, struct plan *plan,
			   struct error *err);

/*
 * A folder, with a file of the name by file_name.h for each tensor; each has
 * dst_offset 0. It appears when it is complete. One that exists must be empty
 * unless `force`, which replaces files of the same names in it, at the end; but
 * never one of `inputs`. NULL on error.
 */
struct sink *sink_dir_open(const char *path, bool force, struct plan *plan,
			   const struct file_set *inputs, struct error *err);

/* Which values count as equal to those that are expected. */
struct tolerance {
	bool given; /* else those of the same bits, and no other */
	/* One of two is enough: at most `ulp` steps from float to float, or a
	 * difference of at most atol + rtol·|expected|. */
	uint64_t ulp;
	double rtol, atol;
};

/*
 * Nowhere: the values are compared with those in the file at `path` ("-":
 * standard input), which must have the size of the raw output, and its layout.
 * The tolerance is for floats; of these, within it, NaN equals NaN, and an
 * infinity only the same. All else, and the blocks of quants, must have the
 * same bits.
 *
 * Where tensors differ, end gives an error that differs, and before it writes
 * a line for each of them to `report`, which the sink takes over, also on
 * error; NULL: no lines. The plan must outlast the sink. NULL on error.
 */
struct sink *sink_expect_open(const char *path,
			      const struct tolerance *tolerance,
			      struct output *report, const struct plan *plan,
			      struct error *err);

/* Nowhere: what counts is how the values were made. NULL on error. */
struct sink *sink_null_open(struct error *err);

#endif

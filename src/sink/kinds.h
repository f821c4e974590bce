/* kinds.h - the kinds of output, one row each. */
#ifndef SINK_KINDS_H
#define SINK_KINDS_H

#include "io/output.h"
#include "pass/sink.h"

/*
 * A kind of output. Each open function gives the tensors of the plan their
 * dst_offset; the sink borrows plan and model. NULL on error.
 */
struct sink_kind {
	const char *name;   /* as --format takes it */
	const char *suffix; /* of a path that asks for it; NULL: none does */
	bool keeps_f32;     /* what llama.cpp needs as F32: see pass/keep.h */

	/* Writes one file, or to a pipe. Takes `output` over, also on error.
	 * NULL: this kind is a folder. */
	struct sink *(*open_file)(struct output *output, struct plan *plan,
				  const struct model *model,
				  struct error *err);

	/* Writes a folder at `path`, which appears when it is complete. One
	 * that exists must be empty unless the options, which the sink borrows,
	 * have `force`: files of the same names are then replaced at the end,
	 * but no input and no other output. NULL: this kind is one file. */
	struct sink *(*open_folder)(const char *path,
				    const struct output_options *options,
				    struct plan *plan, struct error *err);
};

/* Kind number `i`; NULL past the end. The first one is raw. */
const struct sink_kind *sink_kind_at(size_t i);

/* The kind of that name, in either case, or NULL. */
const struct sink_kind *sink_kind_by_name(const char *name);

/* The kind that the end of a path asks for; raw if it asks for none. */
const struct sink_kind *sink_kind_of_path(const char *path);

/* The tensors' bytes, one after the other. */
struct sink *sink_raw_open(struct output *output, struct plan *plan,
			   const struct model *model, struct error *err);

/* A GGUF file with the model's metadata. */
struct sink *sink_gguf_open(struct output *output, struct plan *plan,
			    const struct model *model, struct error *err);

/* A file of the safetensors library, in which each tensor is aligned. */
struct sink *sink_safetensors_open(struct output *output, struct plan *plan,
				   const struct model *model,
				   struct error *err);

/* A zip file of NumPy arrays. */
struct sink *sink_npz_open(struct output *output, struct plan *plan,
			   const struct model *model, struct error *err);

/* A file for each tensor, of the name by file_name.h; its dst_offset is 0. */
struct sink *sink_dir_open(const char *path,
			   const struct output_options *options,
			   struct plan *plan, struct error *err);

#endif

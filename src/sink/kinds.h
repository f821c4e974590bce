/* kinds.h - the table of output kinds. */
#ifndef SINK_KINDS_H
#define SINK_KINDS_H

#include "io/output.h"
#include "pass/sink.h"

struct hf_checkpoint;

/* The folder to write. Everything is borrowed. */
struct sink_folder {
	const char *path;
	const struct output_options *options;
	uint64_t max_shard_size; /* bytes of tensors in a shard */
	const struct hf_checkpoint *checkpoint; /* whose tensors the plan has;
						   NULL: it has the model's */
};

/*
 * An output kind. The open function sets the dst_offset of each tensor in the
 * plan, and returns NULL on error. The sink borrows plan and model.
 */
struct sink_kind {
	const char *name;   /* as --format takes it */
	const char *suffix; /* of a path that asks for it; NULL: none does */
	bool keeps_f32;     /* what llama.cpp needs as F32: see pass/keep.h */
	bool is_checkpoint; /* has the tensors that hf/mapping.h makes */

	/* Returns the number of the file that gets each tensor, for the caller
	 * to free; NULL on error. Without this function, there is one file, or
	 * one per tensor. */
	size_t *(*divide)(const struct plan *plan, uint64_t max_shard_size,
			  struct error *err);

	/* Opens a sink for one file or pipe. Takes over `output`, even on
	 * error. NULL if this kind is always a folder. */
	struct sink *(*open_file)(struct output *output, struct plan *plan,
				  const struct model *model,
				  struct error *err);

	/* Opens a sink for a folder, which appears when it is complete. An
	 * existing folder must be empty, unless the options have `force`: then
	 * files of the same names are replaced at the end, but never an input
	 * or another output. If the plan is a part, files of other parts may be
	 * there. NULL if this kind is always one file. A kind with both
	 * functions writes a folder if the path ends in a slash. */
	struct sink *(*open_folder)(const struct sink_folder *folder,
				    struct plan *plan,
				    const struct model *model,
				    struct error *err);
};

/* Whether an output of this kind at `path` is a folder. */
bool sink_kind_is_folder(const struct sink_kind *kind, const char *path);

/* Kind number `i`; NULL past the end. The first one is raw. */
const struct sink_kind *sink_kind_at(size_t i);

/* The kind of that name, in either case, or NULL. */
const struct sink_kind *sink_kind_by_name(const char *name);

/* The kind that the suffix of a path selects, or raw. */
const struct sink_kind *sink_kind_of_path(const char *path);

/* The tensors' bytes, without gaps. */
struct sink *sink_raw_open(struct output *output, struct plan *plan,
			   const struct model *model, struct error *err);

/* The bytes of the GGUF file that the model would become, with its metadata and
 * padding; 0 if it cannot be one. Some tensors may be F32 there: see keep.h. */
int sink_gguf_size(const struct plan *plan, const struct model *model,
		   uint64_t *bytes, struct error *err);

/* A GGUF file with the model's metadata. */
struct sink *sink_gguf_open(struct output *output, struct plan *plan,
			    const struct model *model, struct error *err);

/* A safetensors file, in which each tensor is aligned. */
struct sink *sink_safetensors_open(struct output *output, struct plan *plan,
				   const struct model *model,
				   struct error *err);

/* A zip file of NumPy arrays. */
struct sink *sink_npz_open(struct output *output, struct plan *plan,
			   const struct model *model, struct error *err);

/* A folder with one file per tensor, named as in file_name.h; each dst_offset
 * is 0. */
struct sink *sink_dir_open(const struct sink_folder *folder, struct plan *plan,
			   const struct model *model, struct error *err);

/* Safetensors files of at most that many bytes of tensors each, unless one is
 * larger; their index; and the other files of a checkpoint. */
struct sink *sink_shards_open(const struct sink_folder *folder,
			      struct plan *plan, const struct model *model,
			      struct error *err);

size_t *sink_shards_divide(const struct plan *plan, uint64_t max_shard_size,
			   struct error *err);

/* Refuses tensors that safetensors cannot hold. */
int sink_safetensors_check(const struct plan *plan, struct error *err);

#endif

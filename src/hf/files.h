/* files.h - the files of a checkpoint beside its weights. */
#ifndef HF_FILES_H
#define HF_FILES_H

#include "hf/checkpoint.h"

struct hf_file {
	const char *name; /* in the folder */

	/* Whether this checkpoint has the file. */
	bool (*applies)(const struct hf_checkpoint *checkpoint,
			const struct hf_file *file);

	/* Writes it. Called once, when the checkpoint has its values. ferror
	 * tells whether all was written: only what is wrong with the model is
	 * an error here. */
	int (*write)(const struct hf_checkpoint *checkpoint,
		     const struct hf_file *file, FILE *stream,
		     struct error *err);
};

/* File `i` of those that the checkpoint has; NULL past the end. */
const struct hf_file *hf_file_of(const struct hf_checkpoint *checkpoint,
				 size_t i);

#endif

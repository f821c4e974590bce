/*
 * manifest.h - prints and reads checksums as lines of text.
 *
 *   BLAKE3 (NAME.f32) = HEX     or, untagged,     HEX  NAME.f32
 *
 * The name is that of the tensor's file (see file_name.h), so that sha256sum,
 * b3sum and xxhsum can check the same lines beside such files.
 */
#ifndef CLI_MANIFEST_H
#define CLI_MANIFEST_H

#include <stdio.h>

#include "hash/checksum.h"
#include "io/source.h"
#include "pass/plan.h"

/* Prints one line per tensor, in the order of the plan; sums has
 * checksum->bytes for each. ferror(stream) tells whether writing failed. -1 on
 * another error. */
int manifest_print(FILE *stream, const struct plan *plan,
		   const struct checksum *checksum, const unsigned char *sums,
		   bool untagged, struct error *err);

struct manifest_line {
	struct text name; /* any bytes */
	const char *hex;
	uint32_t number; /* from 1 */
	bool found;      /* a tensor has that name */
};

struct manifest {
	struct source source;
	char *text;
	struct manifest_line *lines; /* sorted by name */
	size_t n_lines;
	const struct checksum *checksum;
	enum output_type type;
};

/*
 * Reads PATH ("-": standard input). Accepts the lines of sha256sum, b3sum and
 * xxhsum, and CR LF line ends. All lines must have the same algorithm, given by
 * the tag or by the number of digits: 64 for BLAKE3, 16 for XXH64. If `asked`
 * is not NULL, it must be that one, which is also that of lines without a tag.
 *
 * `type` is given by the ends of the names: f32, f16 or bf16 if all names
 * except those of integer tensors end in it, f32 if there are only integers,
 * and native otherwise.
 *
 * A malformed line, a repeated name, or a file without lines is an error that
 * differs. The file may have up to max_bytes, or 1 GiB if that is less; memory
 * is at most 4 times that. The caller releases the manifest after success.
 */
int manifest_read(struct manifest *manifest, const char *path,
		  const struct checksum *asked, size_t max_bytes,
		  struct error *err);
void manifest_release(struct manifest *manifest);

/* For struct plan_globs: the output type with which the tensor has a line in
 * the manifest, which is `context`; if it has none, the manifest's `type`. */
enum output_type manifest_type_of(const void *context,
				  const struct model_tensor *tensor);

/*
 * Compares the checksums of the plan's tensors, given as for manifest_print,
 * with the lines. In the order of the plan, prints "NAME: OK" (unless quiet),
 * "NAME: FAILED" or, if its line is missing, "NAME: FAILED, no line". Then
 * prints "NAME: FAILED, no tensor" for the remaining lines, by name. Returns 0
 * if all match, otherwise -1 and an error that differs and has the counts, or
 * another error. ferror(stream) is as above.
 */
int manifest_compare(struct manifest *manifest, FILE *stream,
		     const struct plan *plan, const unsigned char *sums,
		     bool quiet, struct error *err);

#endif

/*
 * manifest.h - checksums as lines of text, printed, and read to compare.
 *
 *   BLAKE3 (NAME.f32) = HEX     or, untagged,     HEX  NAME.f32
 *
 * The name is that of the tensor's file (file_name.h), so that sha256sum, b3sum
 * and xxhsum check the same lines where such files are.
 */
#ifndef CLI_MANIFEST_H
#define CLI_MANIFEST_H

#include <stdio.h>

#include "hash/checksum.h"
#include "io/source.h"
#include "pass/plan.h"

/* Whether each tensor has a name for its line: 0, or -1 and an error. */
int manifest_check_names(const struct plan *plan, struct error *err);

/* A line a tensor, in the order of the plan; sums has checksum->bytes for each.
 * ferror(stream) tells whether all was written. -1 on another error. */
int manifest_print(FILE *stream, const struct plan *plan,
		   const struct checksum *checksum, const unsigned char *sums,
		   bool untagged, struct error *err);

struct manifest_line {
	struct text name; /* at most FILE_NAME_MAX bytes, of any value */
	const char *hex;
	uint32_t number; /* from 1 */
	bool found;      /* a tensor of that name */
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
 * Reads PATH ("-": standard input), also with CR LF at the ends of lines, and
 * as sha256sum, b3sum and xxhsum print them. All lines must have one algorithm:
 * what the tag says, or the digits, 64 being BLAKE3 and 16 XXH64; where `asked`
 * is not NULL that one, which 64 or 16 digits then may mean, too.
 *
 * `type` comes from the ends of the names: f32, f16 or bf16 if they have no
 * other end but that one and those of integers, which are copied whatever the
 * type; f32 if there are only integers; otherwise native.
 *
 * A malformed line, one that repeats a name, or none at all is an error that
 * differs. The file may have max_bytes, or 1 GiB if that is less; all takes 4
 * times as much at most. The caller releases it after success.
 */
int manifest_read(struct manifest *manifest, const char *path,
		  const struct checksum *asked, size_t max_bytes,
		  struct error *err);
void manifest_release(struct manifest *manifest);

/* The type to which a tensor must be converted to have a line in the manifest,
 * `context`, which gets `type` if none has one: for struct plan_globs. */
enum output_type manifest_type_of(const void *context,
				  const struct model_tensor *tensor);

/*
 * Compares the checksums of the plan's tensors, as manifest_print has them,
 * with the lines, and prints "NAME: OK" (not if quiet) or "NAME: FAILED" in the
 * order of the plan, "NAME: FAILED, no line" where one lacks, and then, by
 * name, "NAME: FAILED, no tensor". 0 where all is OK; else -1 and an error that
 * differs and counts, or another one. ferror(stream) as above.
 */
int manifest_compare(struct manifest *manifest, FILE *stream,
		     const struct plan *plan, const unsigned char *sums,
		     bool quiet, struct error *err);

#endif

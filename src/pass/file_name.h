/* file_name.h - the file name of a tensor, also used in checksum lines. */
#ifndef PASS_FILE_NAME_H
#define PASS_FILE_NAME_H

#include "pass/plan.h"

/*
 * Returns NAME.TYPE, a relative path of at most FILE_NAME_MAX bytes. NAME can
 * be recovered from it, and no two tensors of a model share it. In NAME,
 *
 *   %XX  is a byte in upper-case hexadecimal: a control byte, one that is not
 *        part of printable UTF-8, "%", "/", "\" or the leading "." of a
 *        component
 *   %    alone is the empty name
 *   %/   is nothing; it continues a name after the 255 bytes of a component
 *
 * So no component is ".", "..", hidden, or a file for one tensor and a folder
 * for another, and sha256sum has no byte to escape. The caller frees the name.
 * If it is too long, returns NULL and an error that names the tensor.
 */
#define FILE_NAME_MAX 4000
#define FILE_NAME_MAX_COMPONENT 255
char *file_name_of(const struct plan_tensor *tensor, struct error *err);

/* The same without a limit, for names that no file gets. */
char *file_name_unlimited(const struct plan_tensor *tensor,
			  struct error *err);

#endif

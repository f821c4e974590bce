/* file_name.h - a tensor's name as that of a file, also in checksum lines. */
#ifndef PASS_FILE_NAME_H
#define PASS_FILE_NAME_H

#include "pass/plan.h"

/*
 * NAME.TYPE, a relative path of FILE_NAME_MAX bytes at most, from which NAME
 * can be had again, and which no two tensors of a model share. In NAME,
 *
 *   %XX  is a byte, in upper-case hexadecimal: a control byte, one that isn't
 *        part of printable UTF-8, "%", "/", "\" or a component's leading "."
 *   %    alone is the empty name
 *   %/   is nothing: a component has 255 bytes at most, and goes on in the next
 *
 * So no component is "." or "..", or hidden, or a file for one tensor and a
 * folder for another; and no byte is one that sha256sum escapes. The caller
 * frees it. NULL and an error that names the tensor where it is too long.
 */
#define FILE_NAME_MAX 4000
#define FILE_NAME_MAX_COMPONENT 255
char *file_name_of(const struct plan_tensor *tensor, struct error *err);

#endif

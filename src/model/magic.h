/* magic.h - says what a file is that is not GGUF. */
#ifndef MODEL_MAGIC_H
#define MODEL_MAGIC_H

#include "base/bytes.h"

/*
 * What the file that starts with `head` is, and what to do about it, as the
 * end of a sentence; NULL where its first bytes (4096 are enough) don't tell.
 */
const char *magic_name(struct text head);

#endif

/* magic.h - says what a file is if it is not GGUF. */
#ifndef MODEL_MAGIC_H
#define MODEL_MAGIC_H

#include "base/bytes.h"

/*
 * Says what the file that starts with `head` is and what to do about it, as the
 * end of a sentence; NULL if its first bytes (4096 are enough) don't tell.
 */
const char *magic_name(struct text head);

#endif

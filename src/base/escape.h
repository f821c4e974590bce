/* escape.h - bytes from a file made safe to print. */
#ifndef BASE_ESCAPE_H
#define BASE_ESCAPE_H

#include "base/bytes.h"

/*
 * Writes `text` to `buffer` so that no terminal can be harmed and nothing is
 * lost: printable UTF-8 as it is, a backslash doubled, and every other byte
 * (controls, C1, invalid UTF-8, bidirectional and invisible formatting) as
 * \xHH or \n, \t, \r. Cut at a whole character with "…" at the end where
 * `size` is too small (size ≥ 8). Returns buffer, which is NUL-terminated.
 */
char *escape_text(char *buffer, size_t size, struct text text);

/* What escape_text takes at most for a text that fits uncut. */
#define ESCAPE_SIZE(len) (4 * (len) + 8)

/* The size of a buffer for a name within a message. */
#define ESCAPE_MESSAGE_SIZE 256

/*
 * The length in bytes, 1 to 4, of the character that text starts with, or 0
 * where that is not valid UTF-8: overlong, a surrogate, past U+10FFFF, cut off.
 * *code gets its code point. text must not be empty.
 */
size_t escape_utf8(struct text text, uint32_t *code);

/* Whether all of the text is valid UTF-8. */
bool escape_is_utf8(struct text text);

/* Whether a character can be shown: no control, nothing that is invisible or
 * changes the direction. */
bool escape_is_printable(uint32_t code);

#endif

/* escape.h - makes bytes from a file safe to print. */
#ifndef BASE_ESCAPE_H
#define BASE_ESCAPE_H

#include <stdio.h>

#include "base/bytes.h"

/*
 * Writes `text` to `buffer` without loss, but harmless to a terminal. Printable
 * UTF-8 is kept, a backslash is doubled, and every other byte (controls, C1,
 * invalid UTF-8, bidirectional and invisible formatting) becomes \n, \t, \r or
 * \xHH. If `size`, at least 8, is too small, the text is cut after a whole
 * character and ends in "…". Returns buffer, which is NUL-terminated.
 */
char *escape_text(char *buffer, size_t size, struct text text);

/* Writes all of the text to the stream, escaped in the same way. */
void escape_print(FILE *stream, struct text text);

/* A size that is always enough for escape_text not to cut a text. */
#define ESCAPE_SIZE(len) (4 * (len) + 8)

/* A name for a message, cut after 255 bytes. It stays until the end of the
 * block that the expression is in. */
#define ESCAPE_MESSAGE_SIZE 256
#define ESCAPED(text)                                  \
	escape_text((char[ESCAPE_MESSAGE_SIZE]){ "" }, \
		    ESCAPE_MESSAGE_SIZE, text)

/*
 * Returns the length in bytes, 1 to 4, of the character that text starts with,
 * and sets *code to its code point. Returns 0 if it is not valid UTF-8:
 * overlong, a surrogate, past U+10FFFF, or cut off. text must not be empty.
 */
size_t escape_utf8(struct text text, uint32_t *code);

/* Whether all of the text is valid UTF-8. */
bool escape_is_utf8(struct text text);

/* Whether a character can be shown: it is not a control, is not invisible, and
 * does not change the writing direction. */
bool escape_is_printable(uint32_t code);

#endif

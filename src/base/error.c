#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool continues_character(char byte)
{
	return (byte & 0xc0) == 0x80; /* of UTF-8 */
}

/* Sets the message to the start and the end of a text that is longer than fits:
 * a long path comes first, the reason last. */
static void set_ends(struct error *err, const char *text, size_t len)
{
	static const char ellipsis[] = "…";
	const size_t room = sizeof(err->message) - sizeof(ellipsis);
	size_t first = room / 2, last = room - first;

	while (first && continues_character(text[first]))
		first--;
	while (last && continues_character(text[len - last]))
		last--;
	memcpy(err->message, text, first);
	strcpy(err->message + first, ellipsis);
	memcpy(err->message + strlen(err->message), text + len - last,
	       last + 1);
}

/* Writes behind the first `len` bytes of the message. */
static void __attribute__((format(printf, 3, 0)))
print_at(struct error *err, size_t len, const char *format, va_list args)
{
	const size_t room = sizeof(err->message) - len;
	char *added, *whole;
	va_list again;
	int n;

	va_copy(again, args);
	n = vsnprintf(err->message + len, room, format, args);
	if (n >= 0 && (size_t)n >= room &&
	    vasprintf(&added, format, again) >= 0) {
		n = asprintf(&whole, "%.*s%s", (int)len, err->message, added);
		if (n >= 0) {
			set_ends(err, whole, (size_t)n);
			free(whole);
		}
		free(added);
	}
	va_end(again);
}

static void __attribute__((format(printf, 3, 0)))
set_message(struct error *err, bool differs, const char *format, va_list args)
{
	print_at(err, 0, format, args);
	err->differs = differs;
}

int error_set(struct error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set_message(err, false, format, args);
	va_end(args);
	return -1;
}

int error_differ(struct error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set_message(err, true, format, args);
	va_end(args);
	return -1;
}

int error_append(struct error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_at(err, strlen(err->message), format, args);
	va_end(args);
	return -1;
}

int error_errno(struct error *err, const char *format, ...)
{
	const int saved = errno;
	va_list args;

	va_start(args, format);
	set_message(err, false, format, args);
	va_end(args);
	return error_append(err, ": %s", strerror(saved));
}

#include "hf/notes.h"

#include <stdarg.h>

static void __attribute__((format(printf, 2, 0)))
print_line(FILE *stream, const char *format, va_list args)
{
	if (!stream)
		return;
	fputs("gguf-dequant: ", stream);
	vfprintf(stream, format, args);
	putc('\n', stream);
}

void notes_warn(const struct notes *notes, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_line(notes->warnings, format, args);
	va_end(args);
}

void notes_detail(const struct notes *notes, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_line(notes->details, format, args);
	va_end(args);
}

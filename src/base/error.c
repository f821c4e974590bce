#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void __attribute__((format(printf, 3, 0)))
set_message(struct error *err, bool differs, const char *format, va_list args)
{
	vsnprintf(err->message, sizeof(err->message), format, args);
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
	const size_t len = strlen(err->message);
	va_list args;

	va_start(args, format);
	vsnprintf(err->message + len, sizeof(err->message) - len, format, args);
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

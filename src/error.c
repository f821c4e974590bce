#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err->message, sizeof(err->message), format, args);
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
	vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	return error_append(err, ": %s", strerror(saved));
}

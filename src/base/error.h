/* error.h - an error: written where it is detected, printed by main. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>

/* Long enough for a path, an escaped name and the rest of a sentence. */
#define ERROR_MESSAGE_SIZE 2048

struct error {
	char message[ERROR_MESSAGE_SIZE]; /* no full stop, no newline */
	bool differs; /* not trouble: compared data differ */
};

/*
 * Sets the message. If it is too long, "…" takes the place of its middle.
 * Returns -1, so that a caller can `return error_set(err, …)`. Text from a file
 * must be escaped (see escape.h).
 */
int error_set(struct error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Like error_set, followed by ": " and the message for errno. */
int error_errno(struct error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Appends to the message, with the same limit. Returns -1. */
int error_append(struct error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Like error_set, for compared data that differ. */
int error_differ(struct error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif

/* error.h - one error, written where it is detected, printed by main. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>

/* Long enough for a path, an escaped name and the rest of a sentence. */
#define ERROR_MESSAGE_SIZE 2048

struct error {
	char message[ERROR_MESSAGE_SIZE]; /* no full stop, no newline */
	bool differs; /* no trouble: two data were compared, and differ */
};

/*
 * Writes the message, cut to fit. Returns -1, so that a caller can
 * `return error_set(err, …)`. Text from a file goes through escape.h first.
 */
int error_set(struct error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* As error_set, followed by ": " and what errno says. */
int error_errno(struct error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Adds to the message, cut to fit. Returns -1. */
int error_append(struct error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* As error_set, where two data differ. */
int error_differ(struct error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif

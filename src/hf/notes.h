/* notes.h - what a user should know about the files of a checkpoint. */
#ifndef HF_NOTES_H
#define HF_NOTES_H

#include <stdio.h>

struct notes {
	FILE *warnings; /* NULL: nobody wants them */
	FILE *details;  /* likewise */
};

/* Each prints a line. Text from a file must be escaped (see escape.h). */
void notes_warn(const struct notes *notes, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void notes_detail(const struct notes *notes, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif

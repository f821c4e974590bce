/* text_output.h - an output as a stream, for text. */
#ifndef TEXT_OUTPUT_H
#define TEXT_OUTPUT_H

#include <stdio.h>

#include "output.h"

struct text_output {
	FILE *stream;
	struct output *output;
	struct error *err;
	bool failed;
	char buffer[64 << 10];
};

/* The first error of a write goes to err. The output is not taken over. */
int text_output_open(struct text_output *text, struct output *output,
		     struct error *err);

/* Closes the stream, not the output. -1 where a write failed. */
int text_output_close(struct text_output *text);

#endif

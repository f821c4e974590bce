#include "text_output.h"

static ssize_t write_text(void *cookie, const char *bytes, size_t n)
{
	struct text_output *text = cookie;

	if (!text->failed && output_write(text->output, bytes, n, text->err))
		text->failed = true;
	return text->failed ? 0 : (ssize_t)n;
}

int text_output_open(struct text_output *text, struct output *output,
		     struct error *err)
{
	static const cookie_io_functions_t functions = { .write = write_text };

	text->output = output;
	text->err = err;
	text->failed = false;
	text->stream = fopencookie(text, "w", functions);
	if (!text->stream)
		return error_errno(err, "cannot write '%s'",
				   output_name(output));
	setvbuf(text->stream, text->buffer, _IOFBF, sizeof(text->buffer));
	return 0;
}

int text_output_close(struct text_output *text)
{
	fclose(text->stream);
	return text->failed ? -1 : 0;
}

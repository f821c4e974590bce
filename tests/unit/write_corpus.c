/*
 * write_corpus DIR: writes the corpus of good and bad GGUF files, for tests of
 * the whole program and as seeds for the fuzzer.
 *
 *   DIR/NAME.gguf        the file; format-NAME: two blocks of
 *                        each row of a format
 *   DIR/NAME.error       for a bad file, the message after 'FILE'
 *   DIR/NAME.pipe-error  the message if the file comes from a pipe
 */
#include "gguf_corpus.h"

static void write_file(const char *dir, const char *name, const char *suffix,
		       const void *bytes, size_t n)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s%s", dir, name, suffix);
	file = fopen(path, "wxe");
	if (!file || (n && fwrite(bytes, 1, n, file) != n) || fclose(file)) {
		perror(path);
		exit(2);
	}
}

static void write_message(const char *dir, const char *name, const char *suffix,
			  const char *message)
{
	if (message)
		write_file(dir, name, suffix, message, strlen(message));
}

static void write_format(const char *dir, const struct format *format)
{
	const unsigned rows = format->group_rows ? format->group_rows : 1;
	struct builder b = { 0 };
	char name[64];

	snprintf(name, sizeof(name), "format-%s", format->name);
	build_header(&b, 3, 1, 0);
	build_tensor(&b, "w", 2,
		     (uint64_t[]){ 2 * format->block_weights, rows },
		     format->id, 0);
	build_data(&b, 32, (size_t)format_run_bytes(format, 2 * rows, 2));
	write_file(dir, name, ".gguf", b.data, b.len);
	builder_release(&b);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s DIR\n", argv[0]);
		return 2;
	}
	for (size_t i = 0; i < gguf_corpus_len; i++) {
		const struct gguf_case *const c = &gguf_corpus[i];
		struct builder b = { 0 };

		gguf_case_build(c, &b);
		write_file(argv[1], c->name, ".gguf", b.data, b.len);
		write_message(argv[1], c->name, ".error",
			      gguf_case_message(c, false));
		write_message(argv[1], c->name, ".pipe-error",
			      gguf_case_message(c, true));
		builder_release(&b);
	}
	for (unsigned i = 0; i < FORMAT_COUNT; i++)
		if (format_at(i)->id < FORMAT_OWN_IDS)
			write_format(argv[1], format_at(i));
	return 0;
}

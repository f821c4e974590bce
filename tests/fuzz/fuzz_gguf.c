/*
 * fuzz_gguf.c - feeds the reader what libFuzzer makes up, as a file and as a
 * pipe. The last byte, which a GGUF file may have after its data, chooses how
 * much memory the reader gets.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/escape.h"
#include "model/gguf.h"

#define PIPE_SIZE 65536 /* the least capacity of a pipe */

static volatile unsigned char sum; /* so that no read is optimised away */

static void touch(struct text text)
{
	char name[ESCAPE_MESSAGE_SIZE];

	for (size_t i = 0; i < text.len; i++)
		sum = (unsigned char)(sum + (unsigned char)text.data[i]);
	escape_text(name, sizeof(name), text);
}

static void walk_array(struct text value)
{
	struct gguf_array array = gguf_array(value);

	while (gguf_array_next(&array)) {
		touch(array.item);
		if (array.type == GGUF_ARRAY)
			walk_array(array.item);
	}
}

static void walk(const struct gguf *gguf)
{
	for (size_t i = 0; i < gguf->n_kv; i++) {
		const struct gguf_kv *const kv = &gguf->kv[i];
		uint64_t value;

		touch(kv->key);
		touch(kv->value);
		gguf_unsigned(kv, &value);
		if (kv->type == GGUF_ARRAY)
			walk_array(kv->value);
	}
	for (size_t i = 0; i < gguf->n_tensors; i++)
		touch(gguf->tensors[i].name);
}

static bool read_all(int fd, size_t size, size_t memory)
{
	char path[] = "/proc/self/fd/1234567890";
	struct source src;
	struct gguf gguf;
	struct error err;
	bool accepted;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (source_open(&src, path, &err))
		abort();
	close(fd);
	accepted = !gguf_read(&gguf, &src, memory, &err);
	if (accepted) {
		walk(&gguf);
		if (gguf.memory > memory || gguf.header_len > size)
			abort();
		gguf_release(&gguf);
	}
	source_close(&src);
	return accepted;
}

static int open_bytes(const uint8_t *data, size_t size)
{
	const int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	return fd;
}

static int open_pipe(const uint8_t *data, size_t size)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) ||
	    write(fds[1], data, size) != (ssize_t)size)
		abort();
	close(fds[1]);
	return fds[0];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t last = size ? data[size - 1] : 0;
	const size_t memory = GGUF_READ_AHEAD + 32 * last * last;

	/* From a pipe, fewer faults can be detected, never more. */
	if (read_all(open_bytes(data, size), size, memory) &&
	    size <= PIPE_SIZE && !read_all(open_pipe(data, size), size, memory))
		abort();
	return 0;
}

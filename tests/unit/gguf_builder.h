/*
 * gguf_builder.h - writes GGUF files for tests, byte by byte, including bad
 * ones.
 *
 *   struct builder b = { 0 };
 *   build_header(&b, 3, 1, 1);             n_tensors, n_kv
 *   build_u32(&b, "general.alignment", 32);
 *   build_tensor(&b, "w", 2, (uint64_t[]){ 32, 4 }, 0, 0);
 *   build_data(&b, 32, 512);
 *   … builder_open(&b, path) …
 *   builder_release(&b);
 */
#ifndef GGUF_BUILDER_H
#define GGUF_BUILDER_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "model/gguf.h"

struct builder {
	unsigned char *data;
	size_t len;
	size_t size;
};

static inline void builder_release(struct builder *b)
{
	free(b->data);
	*b = (struct builder){ 0 };
}

/* Appends n zero bytes and returns them. */
static inline void *build_zeros(struct builder *b, size_t n)
{
	if (n > b->size - b->len) {
		b->size = 2 * b->size + n;
		b->data = realloc(b->data, b->size);
		if (!b->data)
			abort();
	}
	b->len += n;
	return n ? memset(b->data + b->len - n, 0, n) : b->data;
}

static inline void build_bytes(struct builder *b, const void *bytes, size_t n)
{
	if (n)
		memcpy(build_zeros(b, n), bytes, n);
}

/* Appends the low n bytes of value, little-endian. */
static inline void build_integer(struct builder *b, uint64_t value, size_t n)
{
	unsigned char *const p = build_zeros(b, n);

	for (size_t i = 0; i < n; i++)
		p[i] = (unsigned char)(value >> 8 * i);
}

static inline void build_string(struct builder *b, const char *string)
{
	build_integer(b, strlen(string), 8);
	build_bytes(b, string, strlen(string));
}

static inline void build_header(struct builder *b, uint32_t version,
				uint64_t n_tensors, uint64_t n_kv)
{
	build_bytes(b, "GGUF", 4);
	build_integer(b, version, 4);
	build_integer(b, n_tensors, 8);
	build_integer(b, n_kv, 8);
}

/* Appends a key and its type; the caller appends the value. */
static inline void build_key(struct builder *b, const char *key, uint32_t type)
{
	build_string(b, key);
	build_integer(b, type, 4);
}

static inline void build_u16(struct builder *b, const char *key, uint16_t value)
{
	build_key(b, key, GGUF_U16);
	build_integer(b, value, 2);
}

static inline void build_u32(struct builder *b, const char *key, uint32_t value)
{
	build_key(b, key, GGUF_U32);
	build_integer(b, value, 4);
}

/* Appends the start of an array: a value, or an item of an array. */
static inline void build_array(struct builder *b, uint32_t type, uint64_t len)
{
	build_integer(b, type, 4);
	build_integer(b, len, 8);
}

static inline void build_tensor(struct builder *b, const char *name,
				uint32_t n_dims, const uint64_t *dims,
				uint32_t type, uint64_t offset)
{
	build_string(b, name);
	build_integer(b, n_dims, 4);
	for (uint32_t i = 0; i < n_dims; i++)
		build_integer(b, dims[i], 8);
	build_integer(b, type, 4);
	build_integer(b, offset, 8);
}

/* Appends zeros up to the alignment, then n bytes of tensor data that vary. */
static inline void build_data(struct builder *b, size_t alignment, size_t n)
{
	unsigned char *p;

	build_zeros(b, -b->len % alignment);
	p = build_zeros(b, n);
	for (size_t i = 0; i < n; i++)
		p[i] = (unsigned char)(i % 251);
}

/* Makes a file in memory and sets `path` to one that opens it. Returns the
 * descriptor, which the caller closes. */
#define BUILDER_PATH_SIZE 32
static inline int builder_open(const struct builder *b, char *path)
{
	const int fd = memfd_create("gguf_builder", MFD_CLOEXEC);

	if (fd < 0 || write(fd, b->data, b->len) != (ssize_t)b->len)
		abort();
	snprintf(path, BUILDER_PATH_SIZE, "/proc/self/fd/%d", fd);
	return fd;
}

/* The same with a pipe that holds the whole file, at most 1 MiB. */
static inline int builder_pipe(const struct builder *b, char *path)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) || fcntl(fds[1], F_SETPIPE_SZ, 1 << 20) < 0 ||
	    fcntl(fds[1], F_SETFL, O_NONBLOCK) ||
	    write(fds[1], b->data, b->len) != (ssize_t)b->len)
		abort();
	close(fds[1]);
	snprintf(path, BUILDER_PATH_SIZE, "/proc/self/fd/%d", fds[0]);
	return fds[0];
}

#endif

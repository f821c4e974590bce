/* bytes.h - checked arithmetic, for all numbers that come from a file. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* GGUF files, blocks and values are. */
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "big-endian machines are not supported"
#endif

/* Text with a length, which may contain any byte, even NUL. Never owned. The
 * data of an empty text may be NULL. */
struct text {
	const char *data;
	size_t len;
};

/* A string as a text, which must not outlive it. */
static inline struct text text_of(const char *string)
{
	return (struct text){ string, strlen(string) };
}

static inline bool bytes_equal(struct text a, struct text b)
{
	return a.len == b.len && (!a.len || !memcmp(a.data, b.data, a.len));
}

static inline bool text_is(struct text text, const char *string)
{
	return bytes_equal(text, text_of(string));
}

/* Writes n bytes as 2 · n digits, in lower case. Returns their end. */
static inline char *bytes_hex(char *digits, const void *bytes, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *const byte = bytes;

	for (size_t i = 0; i < n; i++) {
		*digits++ = hex[byte[i] >> 4];
		*digits++ = hex[byte[i] & 15];
	}
	return digits;
}

/* An order of texts, which is not that of a dictionary: shorter ones first. */
static inline int bytes_compare(struct text a, struct text b)
{
	if (a.len != b.len)
		return a.len < b.len ? -1 : 1;
	return a.len ? memcmp(a.data, b.data, a.len) : 0;
}

/* These return false on overflow, and then *sum or *product is unspecified. */
static inline bool bytes_add(uint64_t a, uint64_t b, uint64_t *sum)
{
	return !__builtin_add_overflow(a, b, sum);
}

static inline bool bytes_mul(uint64_t a, uint64_t b, uint64_t *product)
{
	return !__builtin_mul_overflow(a, b, product);
}

/* n rounded up to a multiple of `alignment`, a power of two. */
static inline bool bytes_align(uint64_t n, uint64_t alignment, uint64_t *up)
{
	if (!bytes_add(n, alignment - 1, up))
		return false;
	*up &= ~(alignment - 1);
	return true;
}

/* Little-endian loads from any address. */
static inline uint16_t bytes_load_u16(const void *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return le16toh(v);
}

static inline uint32_t bytes_load_u32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static inline uint64_t bytes_load_u64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static inline float bytes_load_f32(const void *p)
{
	const uint32_t bits = bytes_load_u32(p);
	float v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

static inline double bytes_load_f64(const void *p)
{
	const uint64_t bits = bytes_load_u64(p);
	double v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

#endif

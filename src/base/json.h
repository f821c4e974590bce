/*
 * json.h - writes JSON as it goes, in constant memory.
 *
 * We do not use a library (jansson, json-c), because these build the whole
 * document in memory, stop at 2^63, and refuse text that is not UTF-8, which a
 * GGUF file may contain.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdio.h>

#include "base/bytes.h"

struct json {
	FILE *stream; /* ferror(stream) tells whether all was written */
	unsigned lines; /* down to this depth each member has a line of its own;
			   deeper, they share one. 0: all is one line */
	unsigned depth;
	bool first; /* the innermost object or array is still empty */
	bool after_key;
};

void json_init(struct json *json, FILE *stream, unsigned lines);

void json_object(struct json *json);
void json_object_end(struct json *json);
void json_array(struct json *json);
void json_array_end(struct json *json);

void json_key(struct json *json, const char *key);
void json_key_text(struct json *json, struct text key);

/* Writes any bytes. A byte that is not part of valid UTF-8 becomes U+DC80 …
 * U+DCFF, which Python's 'surrogateescape' converts back. A NULL string is
 * written as null. */
void json_text(struct json *json, struct text text);
void json_string(struct json *json, const char *string);
void json_unsigned(struct json *json, uint64_t value);
void json_signed(struct json *json, int64_t value);
void json_bool(struct json *json, bool value);
void json_literal(struct json *json, const char *json_value); /* as it is */

/* Writes the shortest decimal that reads back as the same value. JSON has no
 * NaN or infinity; these become the strings "NaN", "Infinity" and
 * "-Infinity". */
void json_float(struct json *json, float value);
void json_double(struct json *json, double value);

/* A key and its value, or what its value begins with. */
static inline void json_member_object(struct json *json, const char *key)
{
	json_key(json, key);
	json_object(json);
}

static inline void json_member_array(struct json *json, const char *key)
{
	json_key(json, key);
	json_array(json);
}

static inline void json_member_text(struct json *json, const char *key,
				    struct text value)
{
	json_key(json, key);
	json_text(json, value);
}

static inline void json_member_string(struct json *json, const char *key,
				      const char *value)
{
	json_key(json, key);
	json_string(json, value);
}

static inline void json_member_unsigned(struct json *json, const char *key,
					uint64_t value)
{
	json_key(json, key);
	json_unsigned(json, value);
}

static inline void json_member_bool(struct json *json, const char *key,
				    bool value)
{
	json_key(json, key);
	json_bool(json, value);
}

static inline void json_member_literal(struct json *json, const char *key,
				       const char *value)
{
	json_key(json, key);
	json_literal(json, value);
}

static inline void json_member_float(struct json *json, const char *key,
				     float value)
{
	json_key(json, key);
	json_float(json, value);
}

#endif

/*
 * json.h - writes JSON as it goes, in constant memory.
 *
 * Ours, because the libraries (jansson, json-c) build the document in memory
 * first, stop at 2^63, and refuse text that isn't UTF-8, which a GGUF may hold.
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
	bool first; /* nothing stands in the innermost object or array yet */
	bool after_key;
};

void json_init(struct json *json, FILE *stream, unsigned lines);

void json_object(struct json *json);
void json_object_end(struct json *json);
void json_array(struct json *json);
void json_array_end(struct json *json);

void json_key(struct json *json, const char *key);
void json_key_text(struct json *json, struct text key);

/* Any bytes: one that isn't part of valid UTF-8 becomes U+DC80 … U+DCFF, which
 * Python's 'surrogateescape' turns back. */
void json_text(struct json *json, struct text text);
void json_string(struct json *json, const char *string);
void json_unsigned(struct json *json, uint64_t value);
void json_signed(struct json *json, int64_t value);
void json_bool(struct json *json, bool value);

/* The shortest decimal that reads back the same; JSON has no NaN and no
 * infinity: those are written as the strings "NaN", "Infinity", "-Infinity". */
void json_float(struct json *json, float value);
void json_double(struct json *json, double value);

#endif

#include "base/json.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/escape.h"
#include "base/number.h"

static void put(const struct json *json, const char *string)
{
	fputs_unlocked(string, json->stream);
}

static void line(const struct json *json)
{
	putc_unlocked('\n', json->stream);
	for (unsigned i = 0; i < json->depth; i++)
		put(json, "  ");
}

/* Writes the separator before the next key or value. */
static void separate(struct json *json)
{
	if (json->after_key) {
		json->after_key = false;
		return;
	}
	if (!json->first)
		putc_unlocked(',', json->stream);
	if (json->depth && json->depth <= json->lines)
		line(json);
	else if (!json->first)
		putc_unlocked(' ', json->stream);
	json->first = false;
}

static void open_container(struct json *json, char bracket)
{
	separate(json);
	putc_unlocked(bracket, json->stream);
	json->depth++;
	json->first = true;
}

static void close_container(struct json *json, char bracket)
{
	json->depth--;
	if (!json->first && json->depth < json->lines)
		line(json);
	putc_unlocked(bracket, json->stream);
	json->first = false;
	if (!json->depth && json->lines)
		putc_unlocked('\n', json->stream);
}

void json_init(struct json *json, FILE *stream, unsigned lines)
{
	*json = (struct json){ .stream = stream, .lines = lines,
			       .first = true };
}

void json_object(struct json *json)
{
	open_container(json, '{');
}

void json_object_end(struct json *json)
{
	close_container(json, '}');
}

void json_array(struct json *json)
{
	open_container(json, '[');
}

void json_array_end(struct json *json)
{
	close_container(json, ']');
}

void json_key_text(struct json *json, struct text key)
{
	json_text(json, key);
	put(json, ": ");
	json->after_key = true;
}

void json_key(struct json *json, const char *key)
{
	json_key_text(json, text_of(key));
}

/* Removes the first character of a text that is not empty. Returns its code
 * point, or 0xDC00 + the byte if it is not valid UTF-8. */
static uint32_t next_char(struct text *text)
{
	uint32_t code;
	size_t len = escape_utf8(*text, &code);

	if (!len) {
		code = 0xdc00U + (unsigned char)*text->data;
		len = 1;
	}
	text->data += len;
	text->len -= len;
	return code;
}

static bool is_plain(unsigned char c)
{
	return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

static void put_unit(const struct json *json, uint32_t unit)
{
	const unsigned char bytes[] = { (unsigned char)(unit >> 8),
					(unsigned char)unit };
	char escape[6] = "\\u";

	bytes_hex(escape + 2, bytes, sizeof(bytes));
	fwrite_unlocked(escape, 1, sizeof(escape), json->stream);
}

/* Everything that is not ASCII becomes \uXXXX, so that no terminal is harmed
 * and no reader mistakes the encoding. */
static void put_escape(const struct json *json, uint32_t c)
{
	if (c == '"' || c == '\\') {
		putc_unlocked('\\', json->stream);
		putc_unlocked((int)c, json->stream);
	} else if (c == '\n') {
		put(json, "\\n");
	} else if (c < 0x10000) {
		put_unit(json, c);
	} else {
		put_unit(json, 0xd7c0 + (c >> 10));
		put_unit(json, 0xdc00 + (c & 0x3ff));
	}
}

void json_text(struct json *json, struct text text)
{
	separate(json);
	putc_unlocked('"', json->stream);
	while (text.len) {
		size_t n = 0;

		while (n < text.len && is_plain((unsigned char)text.data[n]))
			n++;
		fwrite_unlocked(text.data, 1, n, json->stream);
		text.data += n;
		text.len -= n;
		if (text.len)
			put_escape(json, next_char(&text));
	}
	putc_unlocked('"', json->stream);
}

void json_string(struct json *json, const char *string)
{
	if (string) {
		json_text(json, text_of(string));
	} else {
		separate(json);
		put(json, "null");
	}
}

void json_unsigned(struct json *json, uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRIu64, value);
	separate(json);
	put(json, digits);
}

void json_signed(struct json *json, int64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRId64, value);
	separate(json);
	put(json, digits);
}

void json_literal(struct json *json, const char *json_value)
{
	separate(json);
	put(json, json_value);
}

void json_bool(struct json *json, bool value)
{
	json_literal(json, value ? "true" : "false");
}

/* Appends ".0" to a number that parsers may take for an integer, since -0 would
 * lose its sign. */
static void put_number(struct json *json, const char *number)
{
	separate(json);
	put(json, number);
	if (!strpbrk(number, ".e"))
		put(json, ".0");
}

static bool put_special(struct json *json, double value)
{
	if (isfinite(value))
		return false;
	json_string(json, isnan(value)  ? "NaN" :
			  value < 0	? "-Infinity" :
					  "Infinity");
	return true;
}

void json_float(struct json *json, float value)
{
	char number[NUMBER_SIZE];

	if (!put_special(json, (double)value))
		put_number(json, number_float(number, value));
}

void json_double(struct json *json, double value)
{
	char number[NUMBER_SIZE];

	if (!put_special(json, value))
		put_number(json, number_double(number, value));
}

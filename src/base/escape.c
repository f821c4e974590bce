#include "base/escape.h"

/* Bidirectional and invisible formatting, line and paragraph separators. */
static const struct {
	uint32_t first, last;
} unprintable[] = {
	{ 0x0000, 0x001f },   /* C0 controls */
	{ 0x007f, 0x009f },   /* DEL, C1 controls */
	{ 0x00ad, 0x00ad },   /* soft hyphen */
	{ 0x0600, 0x0605 },   /* Arabic signs around numbers */
	{ 0x061c, 0x061c },   /* Arabic letter mark, bidirectional */
	{ 0x06dd, 0x06dd },   /* Arabic end of ayah */
	{ 0x070f, 0x070f },   /* Syriac abbreviation mark */
	{ 0x0890, 0x0891 },   /* Arabic pound and piastre marks */
	{ 0x08e2, 0x08e2 },   /* Arabic disputed end of ayah */
	{ 0x180e, 0x180e },   /* Mongolian vowel separator */
	{ 0x200b, 0x200f },   /* zero width; left-to-right, right-to-left */
	{ 0x2028, 0x202e },   /* separators; bidirectional embeddings */
	{ 0x2060, 0x206f },   /* word joiner; bidirectional isolates */
	{ 0xfeff, 0xfeff },   /* byte order mark */
	{ 0xfff9, 0xfffb },   /* interlinear annotation */
	{ 0x110bd, 0x110bd }, /* Kaithi number signs */
	{ 0x110cd, 0x110cd },
	{ 0x13430, 0x1343f }, /* Egyptian hieroglyph format controls */
	{ 0x1bca0, 0x1bca3 }, /* shorthand format controls */
	{ 0x1d173, 0x1d17a }, /* musical beams, slurs and phrases */
	{ 0xe0000, 0xe007f }, /* tags */
};

bool escape_is_printable(uint32_t code)
{
	for (size_t i = 0; i < sizeof(unprintable) / sizeof(*unprintable); i++)
		if (code >= unprintable[i].first && code <= unprintable[i].last)
			return false;
	return true;
}

size_t escape_utf8(struct text text, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *s = (const unsigned char *)text.data;
	const size_t len = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 :
			   s[0] < 0xf0 ? 3 : s[0] < 0xf8 ? 4 : 0;

	if (len == 0 || len > text.len)
		return 0;
	*code = len == 1 ? s[0] : s[0] & 0x7fu >> len;
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (s[i] & 0x3f);
	}
	if (*code < least[len] || *code > 0x10ffff || *code >> 11 == 0x1b)
		return 0;
	return len;
}

bool escape_is_utf8(struct text text)
{
	while (text.len) {
		uint32_t code;
		const size_t n = escape_utf8(text, &code);

		if (!n)
			return false;
		text.data += n;
		text.len -= n;
	}
	return true;
}

/* Writes the escape for one byte, at most 4 bytes. Returns its length. */
static size_t escape_byte(char *out, unsigned char byte)
{
	const char letter = byte == '\n' ? 'n' : byte == '\t' ? 't' :
			    byte == '\r' ? 'r' : byte == '\\' ? '\\' : 'x';

	out[0] = '\\';
	out[1] = letter;
	if (letter != 'x')
		return 2;
	bytes_hex(out + 2, &byte, 1);
	return 4;
}

char *escape_text(char *buffer, size_t size, struct text text)
{
	static const char ellipsis[] = "…"; /* 3 bytes and the NUL */
	size_t len = 0;
	size_t cut = 0; /* the last end of a character with room for "…" */

	while (text.len) {
		char piece[16];
		size_t piece_len = 0;
		uint32_t code;
		const size_t utf8_len = escape_utf8(text, &code);
		const size_t n = utf8_len ? utf8_len : 1;

		if (utf8_len && escape_is_printable(code) && code != '\\') {
			memcpy(piece, text.data, n);
			piece_len = n;
		} else {
			for (size_t i = 0; i < n; i++)
				piece_len += escape_byte(
					piece + piece_len,
					(unsigned char)text.data[i]);
		}
		if (len + sizeof(ellipsis) <= size)
			cut = len;
		if (len + piece_len + 1 > size) {
			memcpy(buffer + cut, ellipsis, sizeof(ellipsis));
			return buffer;
		}
		memcpy(buffer + len, piece, piece_len);
		len += piece_len;
		text.data += n;
		text.len -= n;
	}
	buffer[len] = '\0';
	return buffer;
}

/* Bytes of a text that are escaped at once. */
#define PIECE 1024

void escape_print(FILE *stream, struct text text)
{
	char piece[ESCAPE_SIZE(PIECE)];

	while (text.len) {
		size_t n = text.len < PIECE ? text.len : PIECE;

		/* Not within a character of UTF-8. */
		while (n < text.len && n > PIECE - 4 &&
		       (text.data[n] & 0xc0) == 0x80)
			n--;
		fputs(escape_text(piece, sizeof(piece),
				  (struct text){ text.data, n }), stream);
		text.data += n;
		text.len -= n;
	}
}

#include "pass/file_name.h"

#include <stdlib.h>

#include "base/escape.h"

/* "%XX" for each byte of a character, which has 4 at most. */
#define MAX_PIECE 12

struct writer {
	char *path;
	size_t size;
	size_t len;
	size_t component; /* where the present one begins */
};

/* Removes the first character, or byte, of a text that is not empty, and writes
 * what it becomes. `first`: it is at the start of a component. */
static size_t take_piece(struct text *name, bool first, char *piece)
{
	static const char hex[] = "0123456789ABCDEF";
	uint32_t code;
	const size_t utf8_len = escape_utf8(*name, &code);
	const size_t n = utf8_len ? utf8_len : 1;
	const char *const bytes = name->data;
	size_t len = 0;

	name->data += n;
	name->len -= n;
	if (utf8_len && escape_is_printable(code) && code != '%' &&
	    code != '/' && code != '\\' && !(code == '.' && first)) {
		memcpy(piece, bytes, n);
		return n;
	}
	for (size_t i = 0; i < n; i++) {
		const unsigned char byte = (unsigned char)bytes[i];

		piece[len++] = '%';
		piece[len++] = hex[byte >> 4];
		piece[len++] = hex[byte & 15];
	}
	return len;
}

static bool put(struct writer *w, const char *bytes, size_t n)
{
	if (n >= w->size - w->len)
		return false;
	memcpy(w->path + w->len, bytes, n);
	w->len += n;
	w->path[w->len] = '\0';
	return true;
}

/* Appends the name's next character to this component. Starts a new one if it
 * would leave no space for "%" or, at the last character, for `end` bytes. */
static bool put_piece(struct writer *w, struct text *name, size_t end)
{
	const size_t used = w->len - w->component;
	struct text rest = *name;
	char piece[MAX_PIECE];
	size_t n = take_piece(&rest, !used, piece);

	if (used + n + (rest.len ? 1 : end) > FILE_NAME_MAX_COMPONENT) {
		if (!put(w, "%/", 2))
			return false;
		w->component = w->len;
		rest = *name;
		n = take_piece(&rest, true, piece);
	}
	*name = rest;
	return put(w, piece, n);
}

static bool put_name(struct writer *w, const struct plan_tensor *tensor)
{
	struct text name = tensor->tensor->info->name;
	const size_t type_len = strlen(tensor->format->file_name);

	if (!name.len && !put(w, "%", 1))
		return false;
	while (name.len)
		if (!put_piece(w, &name, 1 + type_len))
			return false;
	return put(w, ".", 1) && put(w, tensor->format->file_name, type_len);
}

/* Returns a path of fewer than `size` bytes. */
static char *name_file(const struct plan_tensor *tensor, size_t size,
		       struct error *err)
{
	const struct text name = tensor->tensor->info->name;
	struct writer w = { .path = malloc(size), .size = size };

	if (!w.path) {
		error_errno(err, "cannot name the file of tensor '%s'",
			    ESCAPED(name));
		return NULL;
	}
	if (put_name(&w, tensor))
		return w.path;
	free(w.path);
	error_set(err, "tensor '%s' has a name of %zu bytes, for which a file "
		  "name would have more than %d", ESCAPED(name), name.len,
		  FILE_NAME_MAX);
	return NULL;
}

char *file_name_of(const struct plan_tensor *tensor, struct error *err)
{
	return name_file(tensor, FILE_NAME_MAX + 1, err);
}

/* A byte becomes 3 at most, and each component holds more than 200 of these. */
char *file_name_unlimited(const struct plan_tensor *tensor,
			  struct error *err)
{
	return name_file(tensor, 4 * tensor->tensor->info->name.len + 64, err);
}

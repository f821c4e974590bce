#include "hf/name.h"

#include <inttypes.h>
#include <stdio.h>

/* Takes a decimal number below 2^32 from the front of the text. */
static bool take_number(struct text *text, uint32_t *number)
{
	uint64_t value = 0;
	size_t n = 0;

	while (n < text->len && n < 10 && text->data[n] >= '0' &&
	       text->data[n] <= '9')
		value = value * 10 + (uint64_t)(text->data[n++] - '0');
	if (!n || value > UINT32_MAX || (n > 1 && text->data[0] == '0'))
		return false;
	*number = (uint32_t)value;
	text->data += n;
	text->len -= n;
	return true;
}

static bool take_string(struct text *text, const char *string)
{
	const size_t len = strlen(string);

	if (text->len < len || memcmp(text->data, string, len) != 0)
		return false;
	text->data += len;
	text->len -= len;
	return true;
}

static bool take_ending(struct text *text, bool *is_bias)
{
	*is_bias = take_string(text, "bias");
	return *is_bias || take_string(text, "weight");
}

bool hf_name_matches(const char *pattern, struct text name,
		     struct hf_match *match)
{
	bool matches = true;

	*match = (struct hf_match){ false };
	for (; *pattern && matches; pattern++) {
		switch (*pattern) {
		case '#':
			match->has_layer = true;
			matches = take_number(&name, &match->layer);
			break;
		case '@':
			matches = take_number(&name, &match->part);
			break;
		case '*':
			matches = take_ending(&name, &match->is_bias);
			break;
		default:
			matches = take_string(&name,
					      (char[]){ *pattern, '\0' });
			break;
		}
	}
	return matches && !name.len;
}

void hf_name_make(char name[HF_NAME_SIZE], const char *pattern,
		  const struct hf_match *match)
{
	size_t len = 0;

	for (; *pattern && len < HF_NAME_SIZE; pattern++) {
		char *const to = name + len;
		const size_t size = HF_NAME_SIZE - len;

		if (*pattern == '#')
			len += (size_t)snprintf(to, size, "%" PRIu32,
						match->layer);
		else if (*pattern == '@')
			len += (size_t)snprintf(to, size, "%" PRIu32,
						match->part);
		else if (*pattern == '*')
			len += (size_t)snprintf(to, size, "%s",
						match->is_bias ? "bias" :
								 "weight");
		else
			len += (size_t)snprintf(to, size, "%c", *pattern);
	}
}

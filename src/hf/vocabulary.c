#include "hf/vocabulary.h"

#include <inttypes.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/escape.h"

#define TOKENS "tokenizer.ggml.tokens"
#define TYPES "tokenizer.ggml.token_type"

/* "▁", which SentencePiece has for a space. */
static const char lower_block[] = { '\xe2', '\x96', '\x81' };

static bool is_spaces(struct text text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] != ' ')
			return false;
	return text.len;
}

/* The slot of a text: the one that has it, or a free one. */
static uint32_t *slot_of(const struct vocabulary *vocabulary, struct text text)
{
	uint32_t i = (uint32_t)XXH3_64bits(text.data, text.len);

	for (;; i++) {
		uint32_t *const slot = &vocabulary->slots[i & vocabulary->mask];

		if (*slot == TOKEN_NONE ||
		    bytes_equal(vocabulary->texts[*slot], text))
			return slot;
	}
}

uint32_t vocabulary_find(const struct vocabulary *vocabulary, struct text text)
{
	return *slot_of(vocabulary, text);
}

/* Counts the bytes of an allocation. */
static int reserve(struct vocabulary *vocabulary, size_t bytes, size_t memory,
		   struct error *err)
{
	vocabulary->memory += bytes;
	if (vocabulary->memory <= memory)
		return 0;
	return error_set(err, "the vocabulary of %" PRIu32 " tokens needs %zu "
			 "bytes, but %zu are left of '--memory'", vocabulary->n,
			 vocabulary->memory, memory);
}

static int read_types(struct vocabulary *vocabulary,
		      const struct metadata *metadata, struct error *err)
{
	struct gguf_array array;
	const int found =
		metadata_array(metadata, TYPES, GGUF_I32, &array, err);

	if (found < 0)
		return -1;
	memset(vocabulary->types, TOKEN_NORMAL, vocabulary->n);
	if (!found)
		return 0;
	if (array.left != vocabulary->n)
		return metadata_refuse(metadata, metadata_find(metadata, TYPES),
				       err, "has %" PRIu64 " items, but there "
				       "are %" PRIu32 " tokens", array.left,
				       vocabulary->n);
	for (uint32_t i = 0; gguf_array_next(&array); i++) {
		const uint32_t type = bytes_load_u32(array.item.data);

		if (type > TOKEN_BYTE)
			return metadata_refuse(
				metadata, metadata_find(metadata, TYPES), err,
				"has the type %" PRIu32 " for token %" PRIu32
				"; the last one that is known is %d", type, i,
				TOKEN_BYTE);
		if (type) /* 0 is not defined; old files have it */
			vocabulary->types[i] = (uint8_t)type;
	}
	return 0;
}

static void refuse(struct vocabulary *vocabulary, uint32_t id)
{
	vocabulary->texts[id] = (struct text){ NULL, 0 };
	if (!vocabulary->n_refused++)
		vocabulary->first_refused = id;
}

/* Moves a text to *restored, with U+2581 for each space. */
static struct text restore_spaces(struct text text, char **restored)
{
	const struct text result = { *restored,
				     text.len * sizeof(lower_block) };

	for (size_t i = 0; i < text.len; i++) {
		memcpy(*restored, lower_block, sizeof(lower_block));
		*restored += sizeof(lower_block);
	}
	return result;
}

/* If two tokens have one text, llama.cpp finds the later one by it. */
static void enter(struct vocabulary *vocabulary, uint32_t id)
{
	const struct text text = vocabulary->texts[id];
	uint32_t *slot;

	if (vocabulary->types[id] == TOKEN_UNUSED) {
		vocabulary->texts[id] = (struct text){ NULL, 0 };
		return;
	}
	if (!text.len || text.len > TOKEN_MAX_BYTES || !escape_is_utf8(text)) {
		refuse(vocabulary, id);
		return;
	}
	slot = slot_of(vocabulary, text);
	if (*slot != TOKEN_NONE) {
		const uint32_t earlier = *slot;

		*slot = id;
		refuse(vocabulary, earlier);
	}
	*slot = id;
}

static bool is_restored(const struct vocabulary *vocabulary, uint32_t id,
			struct text text)
{
	return vocabulary->types[id] == TOKEN_USER_DEFINED && is_spaces(text);
}

/* Bytes of the texts whose spaces are restored. */
static size_t restored_bytes(const struct vocabulary *vocabulary,
			     struct gguf_array array)
{
	size_t bytes = 0;

	for (uint32_t i = 0; gguf_array_next(&array); i++)
		if (is_restored(vocabulary, i, array.item))
			bytes += array.item.len * sizeof(lower_block);
	return bytes;
}

static int read_texts(struct vocabulary *vocabulary, struct gguf_array array,
		      bool restore, size_t memory, struct error *err)
{
	const size_t bytes = restore ? restored_bytes(vocabulary, array) : 0;
	char *restored;

	if (reserve(vocabulary, bytes, memory, err))
		return -1;
	vocabulary->restored = malloc(bytes + 1);
	if (!vocabulary->restored)
		return error_errno(err, "cannot read the tokens");
	restored = vocabulary->restored;
	for (uint32_t i = 0; gguf_array_next(&array); i++) {
		vocabulary->texts[i] =
			restore && is_restored(vocabulary, i, array.item) ?
				restore_spaces(array.item, &restored) :
				array.item;
		enter(vocabulary, i);
	}
	return 0;
}

static int allocate(struct vocabulary *vocabulary, size_t memory,
		    struct error *err)
{
	size_t slots = 2;

	while (slots < 2 * (size_t)vocabulary->n)
		slots *= 2;
	vocabulary->mask = (uint32_t)(slots - 1);
	if (reserve(vocabulary, vocabulary->n * (sizeof(*vocabulary->texts) +
						 sizeof(*vocabulary->types)) +
		    slots * sizeof(*vocabulary->slots), memory, err))
		return -1;
	vocabulary->texts = calloc(vocabulary->n, sizeof(struct text));
	vocabulary->types = malloc(vocabulary->n);
	vocabulary->slots = malloc(slots * sizeof(*vocabulary->slots));
	if (!vocabulary->texts || !vocabulary->types || !vocabulary->slots)
		return error_errno(err, "cannot hold %" PRIu32 " tokens",
				   vocabulary->n);
	memset(vocabulary->slots, 0xff, slots * sizeof(*vocabulary->slots));
	return 0;
}

int vocabulary_read(struct vocabulary *vocabulary,
		    const struct metadata *metadata, bool restore,
		    size_t memory, struct error *err)
{
	struct gguf_array array;
	const int found = metadata_array(metadata, TOKENS, GGUF_STRING, &array,
					 err);

	*vocabulary = (struct vocabulary){ .n = 0 };
	if (found < 0)
		return -1;
	if (!found)
		return error_set(err, "'%s' has no '" TOKENS "'",
				 metadata->file);
	if (!array.left || array.left > INT32_MAX)
		return metadata_refuse(metadata,
				       metadata_find(metadata, TOKENS), err,
				       "has %" PRIu64 " items; there must be "
				       "at least 1 and at most %d", array.left,
				       INT32_MAX);
	vocabulary->n = (uint32_t)array.left;
	if (!allocate(vocabulary, memory, err) &&
	    !read_types(vocabulary, metadata, err) &&
	    !read_texts(vocabulary, array, restore, memory, err))
		return 0;
	vocabulary_release(vocabulary);
	return -1;
}

void vocabulary_release(struct vocabulary *vocabulary)
{
	free(vocabulary->texts);
	free(vocabulary->types);
	free(vocabulary->slots);
	free(vocabulary->restored);
}

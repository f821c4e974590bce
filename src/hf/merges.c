#include "hf/merges.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/escape.h"

#define SCORES "tokenizer.ggml.scores"

struct maker {
	struct merges *merges;
	const struct vocabulary *vocabulary;
	size_t capacity;
	size_t max_capacity;
	bool lengths[TOKEN_MAX_BYTES + 1]; /* that tokens have, in bytes */
	struct error *err;
};

/* qsort(3) may use as much memory again. */
#define BYTES_PER_MERGE (2 * sizeof(struct merge))

static int compare(const void *a, const void *b)
{
	const struct merge *const x = a, *const y = b;

	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	if (x->left_chars != y->left_chars)
		return x->left_chars > y->left_chars ? -1 : 1;
	if (x->right_chars != y->right_chars)
		return x->right_chars > y->right_chars ? -1 : 1;
	return (x->whole > y->whole) - (x->whole < y->whole);
}

/* Numbers in the order of scores, which are finite, from the highest down. */
static uint32_t order_of(float score)
{
	uint32_t bits;

	score += 0.0F; /* -0 is 0 */
	memcpy(&bits, &score, sizeof(bits));
	return bits >> 31 ? bits : ~(bits | UINT32_C(1) << 31);
}

static int grow(struct maker *maker)
{
	struct merge *items;

	if (maker->capacity == maker->max_capacity)
		return error_set(maker->err, "the merges of the vocabulary "
				 "need more than the %zu bytes that are left "
				 "of '--memory'",
				 maker->max_capacity * BYTES_PER_MERGE);
	maker->capacity = maker->capacity < maker->max_capacity / 2 ?
				  maker->capacity * 2 + 1 :
				  maker->max_capacity;
	items = reallocarray(maker->merges->items, maker->capacity,
			     sizeof(*items));
	if (!items)
		return error_errno(maker->err, "cannot hold %zu merges",
				   maker->capacity);
	maker->merges->items = items;
	return 0;
}

static unsigned count_chars(struct text text)
{
	unsigned n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += (text.data[i] & 0xc0) != 0x80;
	return n;
}

/* Adds a merge of the two parts, which have so many characters, if both are
 * tokens. */
static int add(struct maker *maker, struct merge merge, struct text left,
	       struct text right)
{
	if (!maker->lengths[left.len] || !maker->lengths[right.len])
		return 0;
	merge.left = vocabulary_find(maker->vocabulary, left);
	if (merge.left == TOKEN_NONE)
		return 0;
	merge.right = vocabulary_find(maker->vocabulary, right);
	if (merge.right == TOKEN_NONE)
		return 0;
	if (maker->merges->n == maker->capacity && grow(maker))
		return -1;
	maker->merges->items[maker->merges->n++] = merge;
	return 0;
}

static int add_cuts(struct maker *maker, uint32_t id, float score)
{
	const struct text text = maker->vocabulary->texts[id];
	const unsigned chars = count_chars(text);
	struct merge merge = { .whole = id, .order = order_of(score) };

	for (size_t i = 1; i < text.len; i++) {
		const struct text left = { text.data, i };
		const struct text right = { text.data + i, text.len - i };

		if ((*right.data & 0xc0) == 0x80)
			continue;
		merge.left_chars++;
		merge.right_chars = (uint16_t)(chars - merge.left_chars);
		if (add(maker, merge, left, right))
			return -1;
	}
	return 0;
}

static int read_scores(const struct vocabulary *vocabulary,
		       const struct metadata *metadata,
		       struct gguf_array *scores, struct error *err)
{
	const struct gguf_kv *const kv = metadata_find(metadata, SCORES);
	const int found =
		metadata_array(metadata, SCORES, GGUF_F32, scores, err);

	if (found < 0)
		return -1;
	if (!found)
		return error_set(err, "'%s' has tokens but no '" SCORES "'",
				 metadata->file);
	if (scores->left != vocabulary->n)
		return metadata_refuse(metadata, kv, err, "has %" PRIu64
				       " items, but there are %" PRIu32
				       " tokens", scores->left, vocabulary->n);
	return 0;
}

static int add_all(struct maker *maker, const struct metadata *metadata,
		   struct gguf_array scores)
{
	const struct vocabulary *const vocabulary = maker->vocabulary;

	for (uint32_t id = 0; gguf_array_next(&scores); id++) {
		float score = bytes_load_f32(scores.item.data);

		if (!isfinite(score))
			return metadata_refuse(
				metadata, metadata_find(metadata, SCORES),
				maker->err, "has a score that is not finite, "
				"for token %" PRIu32, id);
		if (vocabulary->types[id] == TOKEN_USER_DEFINED)
			score = 0;
		if (vocabulary_has(vocabulary, id) &&
		    add_cuts(maker, id, score))
			return -1;
	}
	return 0;
}

int merges_make(struct merges *merges, const struct vocabulary *vocabulary,
		const struct metadata *metadata, size_t memory,
		struct error *err)
{
	struct maker maker = {
		.merges = merges,
		.vocabulary = vocabulary,
		.max_capacity = memory / BYTES_PER_MERGE,
		.err = err,
	};
	struct gguf_array scores;

	*merges = (struct merges){ .n = 0 };
	if (read_scores(vocabulary, metadata, &scores, err))
		return -1;
	for (uint32_t id = 0; id < vocabulary->n; id++)
		maker.lengths[vocabulary->texts[id].len] = true;
	maker.lengths[0] = false;
	if (add_all(&maker, metadata, scores)) {
		merges_release(merges);
		return -1;
	}
	if (merges->n)
		qsort(merges->items, merges->n, sizeof(*merges->items),
		      compare);
	return 0;
}

void merges_release(struct merges *merges)
{
	free(merges->items);
}

#include "hf/tokenizer.h"

#include <inttypes.h>

#include "base/escape.h"
#include "base/json.h"
#include "hf/merges.h"

/*
 * The classes and keys are those of the library:
 * https://github.com/huggingface/tokenizers
 */
#define TEMPLATE "tokenizer.chat_template"
#define JSON_LINES 3 /* a line for each token and each merge */

/* ----------------------------- tokenizer.json ----------------------------- */

static void put_token(struct json *json, const struct tokenizer *tokenizer,
		      const char *key, uint32_t id)
{
	json_key(json, key);
	if (id == TOKEN_NONE)
		json_string(json, NULL);
	else
		json_text(json, tokenizer->vocabulary.texts[id]);
}

static bool strips(const struct tokenizer *tokenizer, uint32_t id)
{
	const struct text text = tokenizer->vocabulary.texts[id];

	return tokenizer->strips &&
	       tokenizer->vocabulary.types[id] == TOKEN_CONTROL &&
	       !text_is(text, "<unk>") && !text_is(text, "<s>") &&
	       !text_is(text, "<|endoftext|>");
}

static void put_added_token(struct json *json,
			    const struct tokenizer *tokenizer, uint32_t id)
{
	json_object(json);
	json_member_unsigned(json, "id", id);
	put_token(json, tokenizer, "content", id);
	json_member_bool(json, "single_word", false);
	json_member_bool(json, "lstrip", false);
	json_member_bool(json, "rstrip", strips(tokenizer, id));
	json_member_bool(json, "normalized", false);
	json_member_bool(json, "special", tokenizer->vocabulary.types[id] !=
					  TOKEN_USER_DEFINED);
	json_object_end(json);
}

static void put_added_tokens(struct json *json,
			     const struct tokenizer *tokenizer)
{
	const struct vocabulary *const vocabulary = &tokenizer->vocabulary;

	json_member_array(json, "added_tokens");
	for (uint32_t id = 0; id < vocabulary->n; id++)
		if (vocabulary_has(vocabulary, id) &&
		    (vocabulary->types[id] == TOKEN_UNKNOWN ||
		     vocabulary->types[id] == TOKEN_CONTROL ||
		     vocabulary->types[id] == TOKEN_USER_DEFINED))
			put_added_token(json, tokenizer, id);
	json_array_end(json);
}

/* {"SpecialToken": {"id": "<s>", "type_id": 0}} */
static void put_part(struct json *json, const char *kind, struct text id,
		     unsigned type)
{
	json_object(json);
	json_member_object(json, kind);
	json_member_text(json, "id", id);
	json_member_unsigned(json, "type_id", type);
	json_object_end(json);
	json_object_end(json);
}

static void put_sequence(struct json *json, const struct tokenizer *tokenizer,
			 const char *name, unsigned type)
{
	const struct text *const texts = tokenizer->vocabulary.texts;

	if (tokenizer->adds_bos)
		put_part(json, "SpecialToken", texts[tokenizer->bos], type);
	put_part(json, "Sequence", (struct text){ name, 1 }, type);
	if (tokenizer->adds_eos)
		put_part(json, "SpecialToken", texts[tokenizer->eos], type);
}

/* {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}} */
static void put_special(struct json *json, const struct tokenizer *tokenizer,
			uint32_t id)
{
	const struct text text = tokenizer->vocabulary.texts[id];

	json_key_text(json, text);
	json_object(json);
	json_member_text(json, "id", text);
	json_member_array(json, "ids");
	json_unsigned(json, id);
	json_array_end(json);
	json_member_array(json, "tokens");
	json_text(json, text);
	json_array_end(json);
	json_object_end(json);
}

static void put_template(struct json *json, const struct tokenizer *tokenizer)
{
	json_object(json);
	json_member_string(json, "type", "TemplateProcessing");
	json_member_array(json, "single");
	put_sequence(json, tokenizer, "A", 0);
	json_array_end(json);
	json_member_array(json, "pair");
	put_sequence(json, tokenizer, "A", 0);
	put_sequence(json, tokenizer, "B", 1);
	json_array_end(json);
	json_member_object(json, "special_tokens");
	if (tokenizer->adds_bos)
		put_special(json, tokenizer, tokenizer->bos);
	if (tokenizer->adds_eos && (!tokenizer->adds_bos ||
				    tokenizer->eos != tokenizer->bos))
		put_special(json, tokenizer, tokenizer->eos);
	json_object_end(json);
	json_object_end(json);
}

#define BYTE_LEVEL                                                       \
	"{\"type\": \"ByteLevel\", \"add_prefix_space\": true, "         \
	"\"trim_offsets\": false, \"use_regex\": true}"

static void put_post_processor(struct json *json,
			       const struct tokenizer *tokenizer)
{
	const bool adds = tokenizer->adds_bos || tokenizer->adds_eos;

	json_key(json, "post_processor");
	if (!adds) {
		json_literal(json, tokenizer->pre ? BYTE_LEVEL : "null");
		return;
	}
	json_object(json);
	json_member_string(json, "type", "Sequence");
	json_member_array(json, "processors");
	if (tokenizer->pre)
		json_literal(json, BYTE_LEVEL);
	put_template(json, tokenizer);
	json_array_end(json);
	json_object_end(json);
}

/* U+2581 stands for a space. */
#define TO_BLOCKS                                                            \
	"{\"type\": \"Replace\", \"pattern\": {\"String\": \" \"}, "         \
	"\"content\": \"\\u2581\"}"
#define FROM_BLOCKS                                                          \
	"{\"type\": \"Replace\", \"pattern\": {\"String\": \"\\u2581\"}, "   \
	"\"content\": \" \"}, "                                              \
	"{\"type\": \"ByteFallback\"}, {\"type\": \"Fuse\"}"

static void put_spm_steps(struct json *json, const struct tokenizer *tokenizer)
{
	const bool space = tokenizer->adds_space;

	json_member_literal(
		json, "normalizer", space ?
		"{\"type\": \"Sequence\", \"normalizers\": ["
		"{\"type\": \"Prepend\", \"prepend\": \"\\u2581\"}, "
		TO_BLOCKS "]}" : TO_BLOCKS);
	json_member_literal(json, "pre_tokenizer", "null");
	put_post_processor(json, tokenizer);
	json_member_literal(
		json, "decoder", space ?
		"{\"type\": \"Sequence\", \"decoders\": [" FROM_BLOCKS ", "
		"{\"type\": \"Strip\", \"content\": \" \", \"start\": 1, "
		"\"stop\": 0}]}" :
		"{\"type\": \"Sequence\", \"decoders\": [" FROM_BLOCKS "]}");
}

static void put_bpe_steps(struct json *json, const struct tokenizer *tokenizer)
{
	json_member_literal(json, "normalizer",
			    tokenizer->pre->flags & PRE_NFC ?
			    "{\"type\": \"NFC\"}" : "null");
	json_key(json, "pre_tokenizer");
	pre_tokenizer_put(tokenizer->pre, json);
	put_post_processor(json, tokenizer);
	json_member_literal(json, "decoder", BYTE_LEVEL);
}

static void put_vocabulary(struct json *json,
			   const struct vocabulary *vocabulary)
{
	json_member_object(json, "vocab");
	for (uint32_t id = 0; id < vocabulary->n; id++) {
		if (!vocabulary_has(vocabulary, id))
			continue;
		json_key_text(json, vocabulary->texts[id]);
		json_unsigned(json, id);
	}
	json_object_end(json);
}

static void put_merge(struct json *json, struct text left, struct text right)
{
	json_array(json);
	json_text(json, left);
	json_text(json, right);
	json_array_end(json);
}

/* Cuts "a b" in two. Returns whether both and "ab" are tokens: the library
 * loads no other merge. */
static bool cut_merge(const struct vocabulary *vocabulary, struct text merge,
		      struct text *left, struct text *right)
{
	const char *const space = memchr(merge.data, ' ', merge.len);
	char whole[TOKEN_MAX_BYTES];

	if (!space || merge.len - 1 > sizeof(whole))
		return false;
	*left = (struct text){ merge.data, (size_t)(space - merge.data) };
	*right = (struct text){ space + 1, merge.len - left->len - 1 };
	memcpy(whole, left->data, left->len);
	memcpy(whole + left->len, right->data, right->len);
	return vocabulary_find(vocabulary, *left) != TOKEN_NONE &&
	       vocabulary_find(vocabulary, *right) != TOKEN_NONE &&
	       vocabulary_find(vocabulary, (struct text){
				       whole, merge.len - 1 }) != TOKEN_NONE;
}

static void put_bpe_merges(struct json *json, const struct tokenizer *tokenizer)
{
	struct gguf_array array = tokenizer->merges;
	uint64_t n_refused = 0, first = 0;

	for (uint64_t i = 0; gguf_array_next(&array); i++) {
		struct text left, right;

		if (cut_merge(&tokenizer->vocabulary, array.item, &left,
			      &right))
			put_merge(json, left, right);
		else if (!n_refused++)
			first = i;
	}
	if (n_refused)
		notes_warn(tokenizer->notes, "'%s': tokenizer.json lacks %"
			   PRIu64 " of the merges, whose parts or whole are no "
			   "tokens; the first is number %" PRIu64,
			   tokenizer->metadata->file, n_refused, first);
}

static void put_merges(struct json *json, const struct tokenizer *tokenizer,
		       const struct merges *merges)
{
	const struct text *const texts = tokenizer->vocabulary.texts;

	json_member_array(json, "merges");
	for (size_t i = 0; i < merges->n; i++)
		put_merge(json, texts[merges->items[i].left],
			  texts[merges->items[i].right]);
	if (tokenizer->pre)
		put_bpe_merges(json, tokenizer);
	json_array_end(json);
}

static void put_model(struct json *json, const struct tokenizer *tokenizer,
		      const struct merges *merges)
{
	const struct pre_tokenizer *const pre = tokenizer->pre;

	json_member_object(json, "model");
	json_member_string(json, "type", "BPE");
	json_member_literal(json, "dropout", "null");
	put_token(json, tokenizer, "unk_token",
		  pre ? TOKEN_NONE : tokenizer->unknown);
	json_member_literal(json, "continuing_subword_prefix", "null");
	json_member_literal(json, "end_of_word_suffix", "null");
	json_member_bool(json, "fuse_unk", !pre);
	json_member_bool(json, "byte_fallback", !pre);
	json_member_bool(json, "ignore_merges",
			 pre && (pre->flags & PRE_IGNORES_MERGES));
	put_vocabulary(json, &tokenizer->vocabulary);
	put_merges(json, tokenizer, merges);
	json_object_end(json);
}

int tokenizer_put(const struct tokenizer *tokenizer, size_t memory,
		  FILE *stream, struct error *err)
{
	struct merges merges = { .n = 0 };
	struct json json;

	if (!tokenizer->pre &&
	    merges_make(&merges, &tokenizer->vocabulary, tokenizer->metadata,
			memory, err))
		return -1;
	json_init(&json, stream, JSON_LINES);
	json_object(&json);
	json_member_string(&json, "version", "1.0");
	json_member_literal(&json, "truncation", "null");
	json_member_literal(&json, "padding", "null");
	put_added_tokens(&json, tokenizer);
	if (tokenizer->pre)
		put_bpe_steps(&json, tokenizer);
	else
		put_spm_steps(&json, tokenizer);
	put_model(&json, tokenizer, &merges);
	json_object_end(&json);
	merges_release(&merges);
	return 0;
}

/* -------------------------- tokenizer_config.json ------------------------- */

/* Whether an entry is a template, and of what name. */
static bool is_template(const struct gguf_kv *kv, struct text *name)
{
	const size_t len = strlen(TEMPLATE);
	const struct text key = kv->key;

	if (key.len < len || memcmp(key.data, TEMPLATE, len))
		return false;
	*name = (struct text){ "default", 7 };
	if (key.len == len)
		return true;
	*name = (struct text){ key.data + len + 1, key.len - len - 1 };
	return key.data[len] == '.';
}

/* Whether it can be written. */
static bool is_usable(const struct gguf_kv *kv, struct text name)
{
	return kv->type == GGUF_STRING && escape_is_utf8(name) &&
	       escape_is_utf8(gguf_string(kv));
}

static void put_named_template(struct json *json, const struct gguf_kv *kv,
			       struct text name)
{
	json_object(json);
	json_member_text(json, "name", name);
	json_member_text(json, "template", gguf_string(kv));
	json_object_end(json);
}

/* One template is a string; several are a list. */
static void put_chat_templates(struct json *json,
			       const struct tokenizer *tokenizer)
{
	const struct gguf *const gguf = tokenizer->metadata->gguf;
	const struct gguf_kv *only = NULL;
	size_t n = 0;
	struct text name;

	for (size_t i = 0; i < gguf->n_kv; i++) {
		const struct gguf_kv *const kv = &gguf->kv[i];

		if (!is_template(kv, &name))
			continue;
		if (is_usable(kv, name)) {
			only = kv;
			n++;
			continue;
		}
		notes_warn(tokenizer->notes, "'%s': metadata '%s' is no text "
			   "of UTF-8; left out of tokenizer_config.json",
			   tokenizer->metadata->file, ESCAPED(kv->key));
	}
	if (!n)
		return;
	json_key(json, "chat_template");
	if (n == 1 && text_is(only->key, TEMPLATE)) {
		json_text(json, gguf_string(only));
		return;
	}
	json_array(json);
	for (size_t i = 0; i < gguf->n_kv; i++)
		if (is_template(&gguf->kv[i], &name) &&
		    is_usable(&gguf->kv[i], name))
			put_named_template(json, &gguf->kv[i], name);
	json_array_end(json);
}

/* A key for a token that there is. */
static void put_if(struct json *json, const struct tokenizer *tokenizer,
		   const char *key, uint32_t id)
{
	if (id != TOKEN_NONE)
		put_token(json, tokenizer, key, id);
}

void tokenizer_put_config(const struct tokenizer *tokenizer,
			  uint64_t max_length, FILE *stream)
{
	struct json json;

	json_init(&json, stream, JSON_LINES);
	json_object(&json);
	/* transformers builds others anew from the vocabulary. */
	json_member_string(&json, "tokenizer_class",
			   "PreTrainedTokenizerFast");
	put_if(&json, tokenizer, "bos_token", tokenizer->bos);
	put_if(&json, tokenizer, "eos_token", tokenizer->eos);
	put_if(&json, tokenizer, "unk_token", tokenizer->unknown);
	put_if(&json, tokenizer, "pad_token", tokenizer->padding);
	json_member_bool(&json, "add_bos_token", tokenizer->adds_bos);
	json_member_bool(&json, "add_eos_token", tokenizer->adds_eos);
	json_member_bool(&json, "clean_up_tokenization_spaces", false);
	if (max_length)
		json_member_unsigned(&json, "model_max_length", max_length);
	put_chat_templates(&json, tokenizer);
	json_object_end(&json);
}

#include "hf/tokenizer.h"

#include <inttypes.h>

#include "base/escape.h"

#define MODEL "tokenizer.ggml.model"
#define PRE "tokenizer.ggml.pre"

int tokenizer_special_id(const struct metadata *metadata, const char *key,
			 uint64_t n_tokens, const struct notes *notes,
			 uint32_t *id, struct error *err)
{
	uint64_t value;
	const int found =
		metadata_unsigned(metadata, key, UINT64_MAX, &value, err);

	*id = TOKEN_NONE;
	if (found <= 0)
		return found;
	if (value < n_tokens && value < TOKEN_NONE)
		*id = (uint32_t)value;
	else
		notes_warn(notes, "'%s': metadata '%s' is %" PRIu64 ", but "
			   "there are %" PRIu64 " tokens; ignored",
			   metadata->file, key, value, n_tokens);
	return 0;
}

static int read_id(struct tokenizer *tokenizer, const char *key, uint32_t *id,
		   struct error *err)
{
	const struct vocabulary *const vocabulary = &tokenizer->vocabulary;

	if (tokenizer_special_id(tokenizer->metadata, key, vocabulary->n,
				 tokenizer->notes, id, err))
		return -1;
	if (*id != TOKEN_NONE && !vocabulary_has(vocabulary, *id))
		*id = TOKEN_NONE;
	return 0;
}

static int read_ids(struct tokenizer *tokenizer,
		    const struct tokenizer_facts *facts, struct error *err)
{
	const struct vocabulary *const vocabulary = &tokenizer->vocabulary;

	if (read_id(tokenizer, "tokenizer.ggml.bos_token_id", &tokenizer->bos,
		    err) ||
	    read_id(tokenizer, "tokenizer.ggml.eos_token_id", &tokenizer->eos,
		    err) ||
	    read_id(tokenizer, "tokenizer.ggml.unknown_token_id",
		    &tokenizer->unknown, err) ||
	    read_id(tokenizer, "tokenizer.ggml.padding_token_id",
		    &tokenizer->padding, err))
		return -1;
	if (facts->no_bos)
		tokenizer->bos = tokenizer->unknown = TOKEN_NONE;
	for (uint32_t id = 0; tokenizer->unknown == TOKEN_NONE &&
	     !tokenizer->pre && id < vocabulary->n; id++)
		if (vocabulary->types[id] == TOKEN_UNKNOWN &&
		    vocabulary_has(vocabulary, id))
			tokenizer->unknown = id;
	return 0;
}

static int read_flags(struct tokenizer *tokenizer, struct error *err)
{
	const struct pre_tokenizer *const pre = tokenizer->pre;

	tokenizer->adds_bos = !pre || (pre->flags & PRE_ADDS_BOS);
	tokenizer->adds_space = !pre;
	if (metadata_bool(tokenizer->metadata, "tokenizer.ggml.add_bos_token",
			  &tokenizer->adds_bos, err) < 0 ||
	    metadata_bool(tokenizer->metadata, "tokenizer.ggml.add_eos_token",
			  &tokenizer->adds_eos, err) < 0 ||
	    metadata_bool(tokenizer->metadata,
			  "tokenizer.ggml.add_space_prefix",
			  &tokenizer->adds_space, err) < 0)
		return -1;
	tokenizer->adds_bos &= tokenizer->bos != TOKEN_NONE;
	tokenizer->adds_eos &= tokenizer->eos != TOKEN_NONE;
	return 0;
}

/* Chooses the pre-tokenizer of byte-level BPE. */
static int choose_pre(struct tokenizer_kind *kind,
		      const struct metadata *metadata, const char *usual,
		      const struct notes *notes, struct error *err)
{
	struct text name;
	const int found = metadata_text(metadata, PRE, &name, err);

	if (found < 0)
		return -1;
	if (found && !text_is(name, "default")) {
		kind->pre = pre_tokenizer_find(name);
		if (!kind->pre)
			notes_warn(notes, "'%s': pre-tokenizer '%s' ('" PRE
				   "') is not supported; no tokenizer is "
				   "written", metadata->file, ESCAPED(name));
	} else if (usual) {
		kind->pre = pre_tokenizer_find(text_of(usual));
		notes_warn(notes, "'%s' does not name its pre-tokenizer ('" PRE
			   "'), as old files do not; assuming '%s', which is "
			   "usual for its architecture: compare the tokens "
			   "with those of the original", metadata->file, usual);
	} else {
		notes_warn(notes, "'%s' does not name its pre-tokenizer ('" PRE
			   "'); no tokenizer is written", metadata->file);
	}
	kind->exists = kind->pre;
	return 0;
}

int tokenizer_choose(struct tokenizer_kind *kind,
		     const struct metadata *metadata,
		     const struct tokenizer_facts *facts,
		     const struct notes *notes, struct error *err)
{
	struct text model;
	const int found = metadata_text(metadata, MODEL, &model, err);

	*kind = (struct tokenizer_kind){ .exists = false };
	if (found < 0)
		return -1;
	if (found && text_is(model, "gpt2"))
		return choose_pre(kind, metadata, facts->pre, notes, err);
	if (!found || text_is(model, "none"))
		notes_warn(notes, "'%s' has no vocabulary; no tokenizer is "
			   "written", metadata->file);
	else if (text_is(model, "llama"))
		kind->exists = true;
	else
		notes_warn(notes, "'%s': tokenizer model '%s' ('" MODEL
			   "') is not supported; no tokenizer is written",
			   metadata->file, ESCAPED(model));
	return 0;
}

static void warn_of_tokens(const struct tokenizer *tokenizer)
{
	const struct vocabulary *const vocabulary = &tokenizer->vocabulary;

	if (vocabulary->n_refused)
		notes_warn(tokenizer->notes, "'%s': tokenizer.json lacks %"
			   PRIu32 " %s: empty, longer than %d bytes, not "
			   "UTF-8, or a duplicate; the first is token %" PRIu32,
			   tokenizer->metadata->file, vocabulary->n_refused,
			   vocabulary->n_refused == 1 ? "token" : "tokens",
			   TOKEN_MAX_BYTES, vocabulary->first_refused);
}

/* Reads what depends on the vocabulary. */
static int read_rest(struct tokenizer *tokenizer,
		     const struct tokenizer_facts *facts, struct error *err)
{
	if (read_ids(tokenizer, facts, err) || read_flags(tokenizer, err))
		return -1;
	if (!tokenizer->pre)
		return 0;
	return metadata_array(tokenizer->metadata, "tokenizer.ggml.merges",
			      GGUF_STRING, &tokenizer->merges, err) < 0 ?
			      -1 : 0;
}

int tokenizer_open(struct tokenizer *tokenizer,
		   const struct tokenizer_kind *kind,
		   const struct metadata *metadata,
		   const struct tokenizer_facts *facts,
		   const struct notes *notes, size_t memory, struct error *err)
{
	*tokenizer = (struct tokenizer){
		.metadata = metadata,
		.notes = notes,
		.pre = kind->pre,
		.strips = !kind->pre && facts->strips,
	};
	if (vocabulary_read(&tokenizer->vocabulary, metadata, !kind->pre,
			    memory, err))
		return -1;
	if (!read_rest(tokenizer, facts, err)) {
		warn_of_tokens(tokenizer);
		return 0;
	}
	vocabulary_release(&tokenizer->vocabulary);
	return -1;
}

void tokenizer_release(struct tokenizer *tokenizer)
{
	vocabulary_release(&tokenizer->vocabulary);
}

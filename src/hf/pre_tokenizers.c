#include "hf/pre_tokenizers.h"

/*
 * The regular expressions that models were trained with, as transformers and
 * llama.cpp state them.
 */
#define CONTRACTION "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define BEFORE_WORD "[^\\r\\n\\p{L}\\p{N}]?"
#define UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define CAMEL_LOWER BEFORE_WORD UPPER "*" LOWER "+"
#define CAMEL_UPPER BEFORE_WORD UPPER "+" LOWER "*"
#define SPACES "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

#define WORDS_AND(number)                                     \
	CONTRACTION "|" BEFORE_WORD "\\p{L}+|" number         \
	"| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" SPACES
#define CAMEL_WORDS_AND(number) \
	number "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" SPACES

#define NUMBERS_OF_3 "\\p{N}{1,3}"
#define NUMBERS_OF_1 "\\p{N}"

#define CJK "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"

/* Letters of scripts that have upper and lower case. */
#define CASED_LETTERS \
	"A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba" \
	"\u01bc-\u01bf\u01c4-\u0293\u0295-\u02af\u0370-\u0373\u0376" \
	"\u0377\u037b-\u037d\u037f\u0386\u0388-\u038a\u038c" \
	"\u038e-\u03a1\u03a3-\u03f5\u03f7-\u0481\u048a-\u052f" \
	"\u0531-\u0556\u10a0-\u10c5\u13a0-\u13f5\u13f8-\u13fd" \
	"\u1c90-\u1cba\u1cbd-\u1cbf\u1d00-\u1d2b\u1d6b-\u1d77" \
	"\u1d79-\u1d9a\u1e00-\u1f15\u1f18-\u1f1d\u1f20-\u1f45" \
	"\u1f48-\u1f4d\u1f50-\u1f57\u1f59\u1f5b\u1f5d\u1f5f-\u1f7d" \
	"\u1f80-\u1fb4\u1fb6-\u1fbc\u1fbe\u1fc2-\u1fc4\u1fc6-\u1fcc" \
	"\u1fd0-\u1fd3\u1fd6-\u1fdb\u1fe0-\u1fec\u1ff2-\u1ff4" \
	"\u1ff6-\u1ffc\u2102\u2107\u210a-\u2113\u2115\u2119-\u211d" \
	"\u2124\u2126\u2128\u212a-\u212d\u212f-\u2134\u2139" \
	"\u213c-\u213f\u2145-\u2149\u214e\u2183\u2184\u2c00-\u2c7b" \
	"\u2c7e-\u2ce4\u2ceb-\u2cee\u2cf2\u2cf3\ua640-\ua66d" \
	"\ua680-\ua69b\ua722-\ua76f\ua771-\ua787\ua78b-\ua78e" \
	"\uab70-\uabbf\ufb00-\ufb06\ufb13-\ufb17\uff21-\uff3a" \
	"\uff41-\uff5a\U00010400-\U0001044f\U000104b0-\U000104d3" \
	"\U000104d8-\U000104fb\U00010c80-\U00010cb2" \
	"\U00010cc0-\U00010cf2\U000118a0-\U000118df" \
	"\U0001e900-\U0001e943"

enum step_kind {
	STEP_END,
	STEP_SPLIT,       /* by a regular expression, whose matches are parts */
	STEP_DIGIT,       /* each digit is a part */
	STEP_DIGITS,      /* each run of digits */
	STEP_PUNCTUATION, /* each run of punctuation */
	STEP_BYTES,       /* bytes become the letters of byte-level BPE */
	STEP_WORDS,       /* the same, after a cut by GPT-2's expression */
};

struct step {
	enum step_kind kind;
	const char *regex;
};
#define SPLIT(expression) { STEP_SPLIT, expression }
#define STEP(kind) { STEP_##kind, NULL }

static const struct step llama3[] = {
	SPLIT(WORDS_AND(NUMBERS_OF_3)),
	STEP(BYTES),
	STEP(END),
};

static const struct step qwen2[] = {
	SPLIT(WORDS_AND(NUMBERS_OF_1)),
	STEP(BYTES),
	STEP(END),
};

static const struct step qwen35[] = {
	SPLIT(CONTRACTION "|" BEFORE_WORD "[\\p{L}\\p{M}]+|" NUMBERS_OF_1
	      "| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|" SPACES),
	STEP(BYTES),
	STEP(END),
};

static const struct step gpt4o[] = {
	SPLIT(CAMEL_LOWER CONTRACTION "?|" CAMEL_UPPER CONTRACTION "?|"
	      CAMEL_WORDS_AND(NUMBERS_OF_3)),
	STEP(BYTES),
	STEP(END),
};

static const struct step tekken[] = {
	SPLIT(CAMEL_LOWER "|" CAMEL_UPPER "|" CAMEL_WORDS_AND(NUMBERS_OF_1)),
	STEP(BYTES),
	STEP(END),
};

static const struct step deepseek_v3[] = {
	SPLIT(NUMBERS_OF_3),
	SPLIT("[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"),
	SPLIT("[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|"
	      "[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+|"
	      " ?[\\p{P}\\p{S}]+[\\r\\n]*|" SPACES),
	STEP(BYTES),
	STEP(END),
};

static const struct step deepseek_llm[] = {
	SPLIT("[\\r\\n]"),
	SPLIT("\\s?[" CASED_LETTERS "]+"),
	SPLIT("\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f"
	      "\u3000-\u3002]+"),
	SPLIT("\\s+$"),
	SPLIT(CJK),
	SPLIT("\\p{N}+"),
	STEP(BYTES),
	STEP(END),
};

static const struct step deepseek_coder[] = {
	SPLIT("[\\r\\n]"),
	SPLIT("\\s?\\p{L}+"),
	SPLIT("\\s?\\p{P}+"),
	SPLIT(CJK),
	SPLIT(NUMBERS_OF_1),
	STEP(BYTES),
	STEP(END),
};

static const struct step gpt2[] = { STEP(WORDS), STEP(END) };

static const struct step starcoder[] = {
	STEP(DIGIT),
	STEP(WORDS),
	STEP(END),
};

static const struct step falcon[] = {
	STEP(PUNCTUATION),
	STEP(WORDS),
	STEP(DIGITS),
	SPLIT("[0-9][0-9][0-9]"),
	STEP(END),
};

static const struct pre_tokenizer table[] = {
	{ "llama-bpe", llama3, PRE_IGNORES_MERGES | PRE_ADDS_BOS },
	{ "llama3", llama3, PRE_IGNORES_MERGES | PRE_ADDS_BOS },
	{ "llama-v3", llama3, PRE_IGNORES_MERGES | PRE_ADDS_BOS },
	{ "falcon3", llama3, PRE_IGNORES_MERGES | PRE_ADDS_BOS },
	{ "falcon-h1", llama3, PRE_IGNORES_MERGES | PRE_ADDS_BOS },
	{ "pixtral", llama3, PRE_IGNORES_MERGES | PRE_ADDS_BOS },
	{ "midm-2.0", llama3, PRE_IGNORES_MERGES | PRE_ADDS_BOS },
	{ "lfm2", llama3, PRE_IGNORES_MERGES | PRE_ADDS_BOS },
	{ "dbrx", llama3, 0 },
	{ "smaug-bpe", llama3, 0 },
	{ "glm4", llama3, PRE_IGNORES_MERGES },
	{ "chatglm-bpe", llama3, 0 },
	{ "qwen2", qwen2, PRE_NFC },
	{ "deepseek-r1-qwen", qwen2, PRE_NFC },
	{ "megrez", qwen2, PRE_NFC },
	{ "kormo", qwen2, PRE_NFC },
	{ "f2llmv2", qwen2, PRE_NFC },
	{ "stablelm2", qwen2, 0 },
	{ "qwen35", qwen35, PRE_NFC },
	{ "gpt-4o", gpt4o, 0 },
	{ "llama4", gpt4o, 0 },
	{ "kanana2", gpt4o, 0 },
	{ "tekken", tekken, PRE_IGNORES_MERGES | PRE_ADDS_BOS },
	{ "deepseek-v3", deepseek_v3, 0 },
	{ "deepseek-llm", deepseek_llm, 0 },
	{ "deepseek-coder", deepseek_coder, 0 },
	{ "gpt-2", gpt2, 0 },
	{ "mpt", gpt2, 0 },
	{ "olmo", gpt2, 0 },
	{ "jais", gpt2, 0 },
	{ "phi-2", gpt2, 0 },
	{ "smollm", starcoder, 0 },
	{ "starcoder", starcoder, 0 },
	{ "refact", starcoder, 0 },
	{ "codeshell", starcoder, 0 },
	{ "exaone", starcoder, 0 },
	{ "command-r", starcoder, PRE_NFC },
	{ "falcon", falcon, 0 },
};

const struct pre_tokenizer *pre_tokenizer_find(struct text name)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (text_is(name, table[i].name))
			return &table[i];
	return NULL;
}

static void put_split(struct json *json, const char *regex)
{
	json_member_string(json, "type", "Split");
	json_member_object(json, "pattern");
	json_member_string(json, "Regex", regex);
	json_object_end(json);
	json_member_string(json, "behavior", "Isolated");
	json_member_bool(json, "invert", false);
}

static void put_step(struct json *json, const struct step *step)
{
	json_object(json);
	switch (step->kind) {
	case STEP_SPLIT:
		put_split(json, step->regex);
		break;
	case STEP_DIGIT:
	case STEP_DIGITS:
		json_member_string(json, "type", "Digits");
		json_member_bool(json, "individual_digits",
				 step->kind == STEP_DIGIT);
		break;
	case STEP_PUNCTUATION:
		json_member_string(json, "type", "Punctuation");
		json_member_string(json, "behavior", "Contiguous");
		break;
	case STEP_BYTES:
	case STEP_WORDS:
		json_member_string(json, "type", "ByteLevel");
		json_member_bool(json, "add_prefix_space", false);
		json_member_bool(json, "trim_offsets", false);
		json_member_bool(json, "use_regex", step->kind == STEP_WORDS);
		break;
	case STEP_END:
		break;
	}
	json_object_end(json);
}

void pre_tokenizer_put(const struct pre_tokenizer *pre, struct json *json)
{
	const struct step *step = pre->steps;

	json_object(json);
	json_member_string(json, "type", "Sequence");
	json_member_array(json, "pretokenizers");
	for (; step->kind != STEP_END; step++)
		put_step(json, step);
	json_array_end(json);
	json_object_end(json);
}

#include "model/magic.h"

#include <strings.h>

#define TO_GGUF "convert it with llama.cpp's convert_hf_to_gguf.py"
#define OLD_GGML "from before August 2023; convert it with llama.cpp's " \
		 "convert_llama_ggml_to_gguf.py"
#define LLAMAFILE "a llamafile, an executable that has the model in a ZIP " \
		  "archive; extract it with 'unzip FILE \"*.gguf\"'"

static const struct {
	struct text magic;
	const char *name;
} magics[] = {
#define MAGIC(bytes) { bytes, sizeof(bytes) - 1 }
	{ MAGIC("version https://git-lfs"),
	  "a Git LFS pointer; fetch the model itself with 'git lfs pull'" },
	{ MAGIC("PK\x03\x04"), "a ZIP archive; unpack it, or, if it is a "
			       "PyTorch checkpoint, " TO_GGUF },
	{ MAGIC("\x80\x02"), "a Python pickle, perhaps a PyTorch checkpoint; "
			     TO_GGUF },
	{ MAGIC("\x80\x04"), "a Python pickle; " TO_GGUF },
	{ MAGIC("\x1f\x8b"), "gzip data; pipe it through 'gzip -dc'" },
	{ MAGIC("\x28\xb5\x2f\xfd"), "zstd data; pipe it through 'zstd -dc'" },
	{ MAGIC("\xfd" "7zXZ"), "xz data; pipe it through 'xz -dc'" },
	{ MAGIC("BZh"), "bzip2 data; pipe it through 'bzip2 -dc'" },
	{ MAGIC("\x04\x22\x4d\x18"), "lz4 data; pipe it through 'lz4 -dc'" },
	{ MAGIC("MZqFpD='"), LLAMAFILE },
	{ MAGIC("jartsr='"), LLAMAFILE },
	{ MAGIC("\x7f" "ELF"), "an executable; if it is a llamafile, extract "
			      "the model with 'unzip FILE \"*.gguf\"'" },
	/* LLaMA models from before March 2023 begin like this, too. */
	{ MAGIC("lmgg"), "a model in whisper.cpp's GGML format, which only "
			 "whisper.cpp reads" },
	{ MAGIC("fmgg"), "a GGMF file " OLD_GGML },
	{ MAGIC("tjgg"), "a GGJT file " OLD_GGML },
	{ MAGIC("algg"), "a GGLA adapter from before August 2023" },
	{ MAGIC("\x89HDF"), "an HDF5 file; " TO_GGUF },
	{ MAGIC("\x93NUMPY"), "a NumPy array" },
};

/* Safetensors: | length of the JSON: u64 | "{…" |, the length below 100 MB. */
static bool is_safetensors(struct text head)
{
	return head.len > 8 && head.data[8] == '{' &&
	       bytes_load_u64(head.data) < 100000000;
}

static bool is_zeros(struct text head)
{
	return head.len && !head.data[0] &&
	       !memcmp(head.data, head.data + 1, head.len - 1);
}

/*
 * An importance matrix as llama-imatrix wrote it before October 2025:
 * | entries: i32 | then for each | len: i32 | tensor's name | …
 */
static bool is_imatrix(struct text head)
{
	uint32_t n, len;

	if (head.len < 8)
		return false;
	n = bytes_load_u32(head.data);
	len = bytes_load_u32(head.data + 4);
	if (!n || n > 100000 || !len || len > 255 || len > head.len - 8)
		return false;
	for (uint32_t i = 0; i < len; i++)
		if (head.data[8 + i] <= ' ' || head.data[8 + i] > '~')
			return false;
	return true;
}

/* Whether head starts with `tag`, in either case. */
static bool has_tag(struct text head, const char *tag)
{
	return head.len >= strlen(tag) &&
	       !strncasecmp(head.data, tag, strlen(tag));
}

static bool is_text(struct text head)
{
	for (size_t i = 0; i < head.len; i++)
		if ((unsigned char)head.data[i] < ' ' &&
		    !strchr("\t\n\f\r", head.data[i]))
			return false;
	return true;
}

static const char *text_name(struct text head)
{
	while (head.len && strchr(" \t\r\n", head.data[0])) {
		head.data++;
		head.len--;
	}
	if (has_tag(head, "<!doctype html") || has_tag(head, "<html"))
		return "an HTML page; the download failed or needs a login";
	if (has_tag(head, "<?xml"))
		return "XML text; the download failed";
	return "plain text";
}

const char *magic_name(struct text head)
{
	if (head.len > 4096)
		head.len = 4096;
	for (size_t i = 0; i < sizeof(magics) / sizeof(*magics); i++)
		if (head.len >= magics[i].magic.len &&
		    !memcmp(head.data, magics[i].magic.data,
			    magics[i].magic.len))
			return magics[i].name;
	if (is_safetensors(head))
		return "a safetensors file; " TO_GGUF;
	if (is_zeros(head))
		return "zeros; the file is incomplete: download it again";
	if (is_imatrix(head))
		return "an old importance matrix, which has no weights; "
		       "'llama-imatrix --in-file FILE -o FILE.gguf' converts "
		       "it";
	if (is_text(head))
		return text_name(head);
	return NULL;
}

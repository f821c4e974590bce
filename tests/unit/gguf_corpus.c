#include "gguf_corpus.h"

/* ggml's ids; F32 is 0. */
enum { Q8_0 = 8, Q4_K = 12, I8 = 24, F64 = 28 };

/* Only the bytes. */
static void raw(struct builder *b, const struct gguf_case *c)
{
	build_bytes(b, c->bytes.data, c->bytes.len);
}

/* A header with n tensors and m keys, followed by `data` bytes of zeros. */
static void header(struct builder *b, const struct gguf_case *c)
{
	build_header(b, 3, c->n, c->m);
	build_zeros(b, c->data);
}

/* Only a header, of version n. */
static void version(struct builder *b, const struct gguf_case *c)
{
	build_header(b, (uint32_t)c->n, 0, 0);
}

/* A key of `length` bytes with a u8, followed by `data` bytes. */
static void long_key(struct builder *b, const struct gguf_case *c)
{
	build_header(b, 3, 0, 1);
	build_integer(b, c->length, 8);
	build_zeros(b, c->length);
	build_integer(b, GGUF_U8, 4);
	build_zeros(b, 1 + c->data);
}

/* The key "k" of type `type`, with the bytes as its value. */
static void value(struct builder *b, const struct gguf_case *c)
{
	build_header(b, 3, 0, 1);
	build_key(b, "k", c->type);
	build_bytes(b, c->bytes.data, c->bytes.len);
}

/* Arrays nested n deep, in the key "k". */
static void nested(struct builder *b, const struct gguf_case *c)
{
	build_header(b, 3, 0, 1);
	build_key(b, "k", GGUF_ARRAY);
	for (uint64_t i = 1; i < c->n; i++)
		build_array(b, GGUF_ARRAY, 1);
	build_array(b, GGUF_U8, 0);
}

/* Two keys of 7 bytes each, the texts in `bytes`, both u8. */
static void two_keys(struct builder *b, const struct gguf_case *c)
{
	build_header(b, 3, 0, 2);
	for (size_t i = 0; i < 2; i++) {
		build_integer(b, 7, 8);
		build_bytes(b, c->bytes.data + 7 * i, 7);
		build_integer(b, GGUF_U8, 4);
		build_zeros(b, 1);
	}
}

/* general.alignment of type `type`, the bytes as its value; one tensor of one
 * byte at `offset`, with data for it. */
static void alignment(struct builder *b, const struct gguf_case *c)
{
	build_header(b, 3, 1, 1);
	build_key(b, "general.alignment", c->type);
	build_bytes(b, c->bytes.data, c->bytes.len);
	build_tensor(b, "w", 0, NULL, I8, c->offset);
	build_zeros(b, -b->len % 8 + c->data);
}

static void alignment_twice(struct builder *b, const struct gguf_case *c)
{
	(void)c;
	build_header(b, 3, 0, 2);
	build_u32(b, "general.alignment", 32);
	build_u32(b, "general.alignment", 32);
}

/* A scalar I8 whose name has `length` bytes. */
static void long_name(struct builder *b, const struct gguf_case *c)
{
	build_header(b, 3, 1, 0);
	build_integer(b, c->length, 8);
	build_zeros(b, c->length);
	build_integer(b, 0, 4);
	build_integer(b, I8, 4);
	build_integer(b, 0, 8);
	build_data(b, 32, 1);
}

/* The tensor "w". */
static void tensor(struct builder *b, const struct gguf_case *c)
{
	build_header(b, 3, 1, 0);
	build_tensor(b, "w", c->n_dims, c->dims, c->type, c->offset);
	if (c->data)
		build_data(b, 32, c->data);
}

/* The I8 tensors "a", n weights at offset 0, and, at `offset`, one of m weights
 * whose name is `bytes`. */
static void two_tensors(struct builder *b, const struct gguf_case *c)
{
	build_header(b, 3, 2, 0);
	build_tensor(b, "a", 1, &c->n, I8, 0);
	build_tensor(b, c->bytes.data, 1, &c->m, I8, c->offset);
	build_data(b, 32, c->data);
}

#define BYTES(literal) .bytes = { literal, sizeof(literal) - 1 }

#define NOT_GGUF(name, literal, what) \
	{ "not-" name, " is not a GGUF file" what, .build = raw, \
	  BYTES(literal) }
#define FROM_SCRATCH "convert it with llama.cpp's convert_hf_to_gguf.py"
#define FROM_GGML "from before August 2023; convert it with llama.cpp's " \
		  "convert_llama_ggml_to_gguf.py"

#define INCOMPLETE " is incomplete: "
#define AGAIN "; download it again"

/* A complete value, and the same with its last byte missing, with the messages
 * from a file and from a pipe. */
#define CUT(name, id, literal, message, pipe_message) \
	{ "value-" name, NULL, .build = value, .type = id, BYTES(literal) }, \
	{ "value-" name "-cut", message, pipe_message, .build = value, \
	  .type = id, BYTES(literal), .cut = 1 }
#define VALUE(name, id, literal, field, n, offset, end) \
	CUT(name, id, literal, INCOMPLETE "key 'k': " field " needs " n \
	    " bytes at offset " offset ", but the file ends at " end AGAIN, \
	    NULL)
#define ARRAY(name, literal, needs, pipe_needs, end) \
	CUT(name, GGUF_ARRAY, literal, \
	    INCOMPLETE "key 'k': " needs ", but the file ends at " end AGAIN, \
	    INCOMPLETE "key 'k': " pipe_needs ", but the file ends at " end \
	    AGAIN)

#define NO_MEMORY " does not fit the 50331648 bytes of memory for metadata; " \
		  "raise --memory"

const struct gguf_case gguf_corpus[] = {
	/* The magic. */
	{ "empty", " is empty", .build = raw },
	NOT_GGUF("text", "To be, or not to be\n", " but plain text"),
	NOT_GGUF("lfs", "version https://git-lfs.github.com/spec/v1\n"
		 "oid sha256:4d7a2146\nsize 12345\n",
		 " but a Git LFS pointer; fetch the model itself with "
		 "'git lfs pull'"),
	NOT_GGUF("html", "<!DOCTYPE html><html><body>404</body></html>",
		 " but an HTML page; the download failed or needs a login"),
	NOT_GGUF("html-indented", "\r\n\t <HTML><head>",
		 " but an HTML page; the download failed or needs a login"),
	NOT_GGUF("xml", "<?xml version='1.0'?><Error>AccessDenied</Error>",
		 " but XML text; the download failed"),
	NOT_GGUF("safetensors", "\x10\0\0\0\0\0\0\0{\"a\":{}}",
		 " but a safetensors file; " FROM_SCRATCH),
	NOT_GGUF("safetensors-huge", "\0\xe1\xf5\5\0\0\0\0{\"a\":{}}", ""),
	NOT_GGUF("zip", "PK\x03\x04\x14\0",
		 " but a ZIP archive; unpack it, or, if it is a PyTorch "
		 "checkpoint, " FROM_SCRATCH),
	NOT_GGUF("pickle", "\x80\x02}q\0",
		 " but a Python pickle, perhaps a PyTorch checkpoint; "
		 FROM_SCRATCH),
	NOT_GGUF("pickle-4", "\x80\x04\x95",
		 " but a Python pickle; " FROM_SCRATCH),
	NOT_GGUF("gzip", "\x1f\x8b\x08\0",
		 " but gzip data; pipe it through 'gzip -dc'"),
	NOT_GGUF("zstd", "\x28\xb5\x2f\xfd\x04",
		 " but zstd data; pipe it through 'zstd -dc'"),
	NOT_GGUF("xz", "\xfd" "7zXZ\0",
		 " but xz data; pipe it through 'xz -dc'"),
	NOT_GGUF("bzip2", "BZh91AY",
		 " but bzip2 data; pipe it through 'bzip2 -dc'"),
	NOT_GGUF("lz4", "\x04\x22\x4d\x18\x64",
		 " but lz4 data; pipe it through 'lz4 -dc'"),
	NOT_GGUF("ggml", "lmgg\x98\xca\0\0",
		 " but a model in whisper.cpp's GGML format, which only "
		 "whisper.cpp reads"),
	NOT_GGUF("ggmf", "fmgg\1\0\0\0", " but a GGMF file " FROM_GGML),
	NOT_GGUF("ggjt", "tjgg\3\0\0\0", " but a GGJT file " FROM_GGML),
	NOT_GGUF("ggla", "algg\1\0\0\0",
		 " but a GGLA adapter from before August 2023"),
	NOT_GGUF("hdf5", "\x89HDF\r\n", " but an HDF5 file; " FROM_SCRATCH),
	NOT_GGUF("numpy", "\x93NUMPY\1\0", " but a NumPy array"),
	NOT_GGUF("llamafile", "MZqFpD='\n\0\x10\0\xf8",
		 " but a llamafile, an executable that has the model in a ZIP "
		 "archive; extract it with 'unzip FILE \"*.gguf\"'"),
	NOT_GGUF("elf", "\x7f" "ELF\2\1\1",
		 " but an executable; if it is a llamafile, extract the model "
		 "with 'unzip FILE \"*.gguf\"'"),
	NOT_GGUF("imatrix", "\2\0\0\0\5\0\0\0blk.0\1\0\0\0",
		 " but an old importance matrix, which has no weights; "
		 "'llama-imatrix --in-file FILE -o FILE.gguf' converts it"),
	NOT_GGUF("imatrix-without-names", "\2\0\0\0\5\0\0\0bl\n.0\1\0\0\0",
		 ""),
	NOT_GGUF("imatrix-cut", "\2\0\0\0\6\0\0\0blk.0", ""),
	NOT_GGUF("zeros", "\0\0\0\0\0\0\0\0\0\0",
		 " but zeros; the file is incomplete: download it again"),
	NOT_GGUF("anything", "\x01\x02\x03\x04\x05", ""),
	{ "magic-cut", INCOMPLETE "header: magic needs 4 bytes at offset 0, "
	  "but the file ends at 3" AGAIN, .build = raw, BYTES("GGU") },

	/* The header. */
	{ "version-1", ": header: version 1 at offset 4: only 2 and 3 are "
	  "supported; convert the model again with llama.cpp",
	  .build = version, .n = 1 },
	{ "version-0", ": header: version 0 at offset 4: only 2 and 3 are "
	  "supported", .build = version, .n = 0 },
	{ "version-2", NULL, .build = version, .n = 2 },
	{ "version-3", NULL, .build = version, .n = 3 },
	{ "version-4", ": header: version 4 at offset 4: only 2 and 3 are "
	  "supported", .build = version, .n = 4 },
	{ "big-endian-3", " is a big-endian GGUF file; convert it with "
	  "'gguf-convert-endian FILE little' from the Python package gguf",
	  .build = version, .n = 0x03000000 },
	{ "big-endian-2", " is a big-endian GGUF file; convert it with "
	  "'gguf-convert-endian FILE little' from the Python package gguf",
	  .build = version, .n = 0x02000000 },
	{ "version-cut", INCOMPLETE "header: version needs 4 bytes at offset "
	  "4, but the file ends at 7" AGAIN,
	  .build = version, .n = 3, .cut = 17 },
	{ "n_tensors-cut", INCOMPLETE "header: n_tensors needs 8 bytes at "
	  "offset 8, but the file ends at 15" AGAIN,
	  .build = version, .n = 3, .cut = 9 },
	{ "n_kv-cut", INCOMPLETE "header: n_kv needs 8 bytes at offset 16, "
	  "but the file ends at 23" AGAIN, .build = version, .n = 3, .cut = 1 },
	{ "n_kv-beyond-file", INCOMPLETE "header: n_kv 2 needs 28 bytes at "
	  "offset 24, but the file ends at 51" AGAIN,
	  ": key 1 of 2: length 0 at offset 24: a key has 1 to 65535 bytes",
	  .build = header, .m = 2, .data = 27 },
	{ "n_kv-within-file", ": key 1 of 2: length 0 at offset 24: a key has 1"
	  " to 65535 bytes", .build = header, .m = 2, .data = 28 },
	{ "n_kv-max", INCOMPLETE "header: n_kv 18446744073709551615 needs "
	  "18446744073709551615 bytes at offset 24, but the file ends at 224"
	  AGAIN,
	  ": header: n_kv 18446744073709551615 at offset 24" NO_MEMORY,
	  .build = header, .m = UINT64_MAX, .data = 200 },
	{ "n_kv-zeros", INCOMPLETE "key 1 of 2: there are only zeros at offset "
	  "24" AGAIN, .build = header, .m = 2, .data = 64 },
	{ "n_kv-63-zeros", ": key 1 of 2: length 0 at offset 24: a key has 1 to"
	  " 65535 bytes", .build = header, .m = 2, .data = 63 },
	{ "n_tensors-zeros", INCOMPLETE "tensor 1 of 2: there are only zeros at"
	  " offset 32" AGAIN, .build = header, .n = 2, .data = 72 },
	{ "n_tensors-beyond-file", INCOMPLETE "header: n_tensors 2 needs 48 "
	  "bytes at offset 24, but the file ends at 71" AGAIN,
	  INCOMPLETE "tensor '': offset needs 8 bytes at offset 64, but the "
	  "file ends at 71" AGAIN, .build = header, .n = 2, .data = 47 },
	{ "n_tensors-within-file", ": tensor '' appears twice, at offsets 32 "
	  "and 56", .build = header, .n = 2, .data = 48 },
	{ "n_tensors-max", INCOMPLETE "header: n_tensors "
	  "18446744073709551615 needs 18446744073709551615 bytes at offset "
	  "24, but the file ends at 224" AGAIN,
	  ": header: n_tensors 18446744073709551615 at offset 24" NO_MEMORY,
	  .build = header, .n = UINT64_MAX, .data = 200 },
	/* 2^64 / 24 and one more: the product is 8. */
	{ "n_tensors-overflow", INCOMPLETE "header: n_tensors "
	  "768614336404564651 needs 18446744073709551615 bytes at offset 24, "
	  "but the file ends at 224" AGAIN,
	  ": header: n_tensors 768614336404564651 at offset 24" NO_MEMORY,
	  .build = header, .n = 768614336404564651, .data = 200 },

	/* Keys and values. */
	{ "key-empty", ": key 1 of 1: length 0 at offset 24: a key has 1 to "
	  "65535 bytes", .build = long_key, .length = 0, .data = 1 },
	{ "key-1", NULL, .build = long_key, .length = 1 },
	{ "key-65535", NULL, .build = long_key, .length = 65535 },
	{ "key-65536", ": key 1 of 1: length 65536 at offset 24: a key has 1 "
	  "to 65535 bytes", .build = long_key, .length = 65536 },
	{ "key-length-cut", INCOMPLETE "header: n_kv 1 needs 14 bytes at "
	  "offset 24, but the file ends at 31" AGAIN,
	  INCOMPLETE "key 1 of 1: length needs 8 bytes at offset 24, but the "
	  "file ends at 31" AGAIN, .build = long_key, .length = 1, .cut = 7 },
	{ "key-cut", INCOMPLETE "key 1 of 1: key needs 65535 bytes at offset "
	  "32, but the file ends at 65566" AGAIN,
	  .build = long_key, .length = 65535, .cut = 6 },
	{ "type-cut", INCOMPLETE "key '\\x00\\x00\\x00': type needs 4 bytes "
	  "at offset 35, but the file ends at 38" AGAIN,
	  .build = long_key, .length = 3,
	  .cut = 2 },
	{ "type-13", ": key 'k': type 13 at offset 33: the types are 0 to 12",
	  .build = value, .type = 13, BYTES("\0") },
	{ "type-max", ": key 'k': type 4294967295 at offset 33: the types are "
	  "0 to 12", .build = value, .type = UINT32_MAX, BYTES("\0") },
	{ "bool-2", NULL, .build = value, .type = GGUF_BOOL, BYTES("\2") },
	{ "value-u8", NULL, .build = value, .type = GGUF_U8, BYTES("\1") },
	VALUE("u16", GGUF_U16, "\1\2", "value", "2", "37", "38"),
	VALUE("i16", GGUF_I16, "\1\2", "value", "2", "37", "38"),
	VALUE("u32", GGUF_U32, "\1\2\3\4", "value", "4", "37", "40"),
	VALUE("i32", GGUF_I32, "\1\2\3\4", "value", "4", "37", "40"),
	VALUE("f32", GGUF_F32, "\1\2\3\4", "value", "4", "37", "40"),
	VALUE("u64", GGUF_U64, "\1\2\3\4\5\6\7\x8", "value", "8", "37", "44"),
	VALUE("i64", GGUF_I64, "\1\2\3\4\5\6\7\x8", "value", "8", "37", "44"),
	VALUE("f64", GGUF_F64, "\1\2\3\4\5\6\7\x8", "value", "8", "37", "44"),
	VALUE("string", GGUF_STRING, "\2\0\0\0\0\0\0\0ab", "string", "2",
	      "45", "46"),
	VALUE("string-empty", GGUF_STRING, "\0\0\0\0\0\0\0\0", "length", "8",
	      "37", "44"),
	{ "string-max", INCOMPLETE "key 'k': string needs "
	  "18446744073709551615 bytes at offset 45, but the file ends at 47"
	  AGAIN,
	  ": key 'k': string at offset 45" NO_MEMORY,
	  .build = value, .type = GGUF_STRING,
	  BYTES("\377\377\377\377\377\377\377\377ab") },

	/* Arrays. */
	{ "array-type-13", ": key 'k': item type 13 at offset 37: the types are"
	  " 0 to 12", .build = value, .type = GGUF_ARRAY,
	  BYTES("\15\0\0\0\0\0\0\0\0\0\0\0") },
	VALUE("array-empty", GGUF_ARRAY, "\14\0\0\0\0\0\0\0\0\0\0\0", "length",
	      "8", "41", "48"),
	ARRAY("array-u8", "\0\0\0\0\2\0\0\0\0\0\0\0ab",
	      "array of length 2 needs 2 bytes at offset 49",
	      "array needs 2 bytes at offset 49", "50"),
	ARRAY("array-f64", "\14\0\0\0\2\0\0\0\0\0\0\0abcdefghabcdefgh",
	      "array of length 2 needs 16 bytes at offset 49",
	      "array needs 16 bytes at offset 49", "64"),
	{ "array-overflow", INCOMPLETE "key 'k': array of length "
	  "2305843009213693952 needs 18446744073709551615 bytes at offset "
	  "49, but the file ends at 57" AGAIN,
	  ": key 'k': array of length 2305843009213693952 at offset 49"
	  NO_MEMORY, .build = value, .type = GGUF_ARRAY,
	  BYTES("\14\0\0\0\0\0\0\0\0\0\0\40abcdefgh") },
	VALUE("array-string", GGUF_ARRAY, "\10\0\0\0\2\0\0\0\0\0\0\0"
	      "\1\0\0\0\0\0\0\0a\2\0\0\0\0\0\0\0bc", "string", "2", "66", "67"),
	ARRAY("array-string-empty", "\10\0\0\0\2\0\0\0\0\0\0\0"
	      "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
	      "array of length 2 needs 16 bytes at offset 49",
	      "length needs 8 bytes at offset 57", "64"),
	ARRAY("array-array", "\11\0\0\0\2\0\0\0\0\0\0\0"
	      "\0\0\0\0\1\0\0\0\0\0\0\0a\2\0\0\0\1\0\0\0\0\0\0\0bc",
	      "array of length 1 needs 2 bytes at offset 74",
	      "array needs 2 bytes at offset 74", "75"),
	{ "nested-16", NULL, .build = nested, .n = GGUF_MAX_DEPTH },
	{ "nested-17", ": key 'k': item type 9 at offset 217: arrays are nested"
	  " more than 16 deep", .build = nested, .n = GGUF_MAX_DEPTH + 1 },

	/* Repeated keys, and the alignment. */
	{ "keys-differ", NULL, .build = two_keys, BYTES("a\0bcdefa\0bcdeg") },
	{ "keys-repeat", ": key 'a\\x00bcdef' appears twice, at offsets 32 "
	  "and 52", .build = two_keys, BYTES("a\0bcdefa\0bcdef") },
	{ "alignment-u64", ": key 'general.alignment': type 10 at offset 49: "
	  "must be 4, u32", .build = alignment, .type = GGUF_U64,
	  BYTES("\40\0\0\0\0\0\0\0"), .data = 32 },
	{ "alignment-repeat", ": key 'general.alignment' appears twice, at "
	  "offsets 32 and 65", .build = alignment_twice },
	{ "alignment-0", ": key 'general.alignment': value 0 at offset 53: "
	  "must be a power of two", .build = alignment, .type = GGUF_U32,
	  BYTES("\0\0\0\0"), .data = 32 },
	{ "alignment-1", NULL, .build = alignment, .type = GGUF_U32,
	  BYTES("\1\0\0\0"), .offset = 7, .data = 10 },
	{ "alignment-2", NULL, .build = alignment, .type = GGUF_U32,
	  BYTES("\2\0\0\0"), .offset = 6, .data = 10 },
	{ "alignment-2-offset-7", ": tensor 'w': offset 7 at offset 74: must "
	  "be a multiple of the alignment, 2", .build = alignment,
	  .type = GGUF_U32, BYTES("\2\0\0\0"), .offset = 7, .data = 10 },
	{ "alignment-4", NULL, .build = alignment, .type = GGUF_U32,
	  BYTES("\4\0\0\0"), .offset = 4, .data = 10 },
	{ "alignment-3", ": key 'general.alignment': value 3 at offset 53: "
	  "must be a power of two", .build = alignment, .type = GGUF_U32,
	  BYTES("\3\0\0\0"), .data = 32 },
	{ "alignment-24", ": key 'general.alignment': value 24 at offset 53: "
	  "must be a power of two", .build = alignment,
	  .type = GGUF_U32, BYTES("\30\0\0\0"), .data = 32 },
	{ "alignment-8", NULL, .build = alignment, .type = GGUF_U32,
	  BYTES("\10\0\0\0"), .offset = 24, .data = 25 },
	{ "alignment-64", NULL, .build = alignment, .type = GGUF_U32,
	  BYTES("\100\0\0\0"), .offset = 64, .data = 129 },
	{ "alignment-64-offset-32", ": tensor 'w': offset 32 at offset 74: "
	  "must be a multiple of the alignment, 64", .build = alignment,
	  .type = GGUF_U32, BYTES("\100\0\0\0"), .offset = 32, .data = 129 },
	{ "alignment-64k", NULL, .build = alignment, .type = GGUF_U32,
	  BYTES("\0\0\1\0"), .data = 131072 },
	{ "alignment-128k", ": key 'general.alignment': value 131072 at offset "
	  "53: may be 65536 at most", .build = alignment, .type = GGUF_U32,
	  BYTES("\0\0\2\0"), .data = 32 },
	{ "alignment-2^31", ": key 'general.alignment': value 2147483648 at "
	  "offset 53: may be 65536 at most", .build = alignment,
	  .type = GGUF_U32, BYTES("\0\0\0\200"), .data = 32 },

	/* Tensor infos. */
	{ "no-tensors", NULL, .build = header },
	{ "name-empty", NULL, .build = long_name, .length = 0 },
	{ "name-65535", NULL, .build = long_name, .length = 65535 },
	{ "name-65536", ": tensor 1 of 1: length 65536 at offset 24: a name has"
	  " 0 to 65535 bytes", .build = long_name, .length = 65536 },
	{ "name-cut", INCOMPLETE "tensor 1 of 1: name needs 65535 bytes at "
	  "offset 32, but the file ends at 65566" AGAIN,
	  .build = long_name, .length = 65535,
	  .cut = 35 },
	{ "n_dims-cut", INCOMPLETE "header: n_tensors 1 needs 24 bytes at "
	  "offset 24, but the file ends at 36" AGAIN,
	  INCOMPLETE "tensor 'w': n_dims needs 4 bytes at offset 33, but the "
	  "file ends at 36" AGAIN,
	  .build = tensor, .n_dims = 4, .cut = 45 },
	{ "scalar", NULL, .build = tensor, .n_dims = 0, .data = 4 },
	{ "scalar-of-blocks", ": tensor 'w': dims[0] 1 at offset 37: Q8_0 has "
	  "blocks of 32 weights, and a row must be whole blocks",
	  .build = tensor, .n_dims = 0, .type = Q8_0, .data = 34 },
	{ "n_dims-4", NULL, .build = tensor, .n_dims = 4,
	  .dims = { 2, 3, 4, 5 }, .data = 480 },
	{ "n_dims-5", NULL, .build = tensor, .n_dims = 5,
	  .dims = { 2, 1, 3, 1, 2 }, .data = 48 },
	{ "n_dims-8", NULL, .build = tensor, .n_dims = 8, .type = Q8_0,
	  .dims = { 32, 1, 1, 2, 1, 1, 1, 3 }, .data = 204 },
	{ "n_dims-9", ": tensor 'w': n_dims 9 at offset 33: the limit is 8",
	  .build = tensor, .n_dims = 9, .dims = { 1, 1, 1, 1, 1, 1, 1, 1, 1 },
	  .data = 4 },
	{ "dims[7]-overflow", ": tensor 'w': dims[7] 2 at offset 93: a tensor "
	  "has at most 9223372036854775807 weights", .build = tensor,
	  .n_dims = 8, .type = I8,
	  .dims = { 1, 1, 1, 1, 1, 1, 1ull << 62, 2 } },
	{ "dims-cut", INCOMPLETE "tensor 'w': dims[1] needs 8 bytes at "
	  "offset 45, but the file ends at 52" AGAIN,
	  .build = tensor, .n_dims = 2, .cut = 13 },
	{ "dims-0", NULL, .build = tensor, .n_dims = 2, .dims = { 32, 0 } },
	{ "dims-63-bits", NULL, .build = tensor, .n_dims = 2, .type = I8,
	  .dims = { INT64_MAX, 0 } },
	{ "dims-64-bits", ": tensor 'w': dims[1] 9223372036854775808 at offset "
	  "45: a tensor has at most 9223372036854775807 weights",
	  .build = tensor, .n_dims = 2, .type = I8,
	  .dims = { 0, 1ull << 63 } },
	{ "dims-product-63-bits", NULL, .build = tensor, .n_dims = 3,
	  .type = I8, .dims = { 0, 1ull << 31, (1ull << 32) - 1 } },
	{ "dims-product-64-bits", ": tensor 'w': dims[2] 4294967296 at offset "
	  "53: a tensor has at most 9223372036854775807 weights",
	  .build = tensor, .n_dims = 3, .type = I8,
	  .dims = { 0, 1ull << 31, 1ull << 32 } },
	{ "dims-product-overflow", ": tensor 'w': dims[1] 4294967297 at offset "
	  "45: a tensor has at most 9223372036854775807 weights",
	  .build = tensor, .n_dims = 2, .type = I8,
	  .dims = { 1ull << 32, (1ull << 32) + 1 } },
	{ "tensor-type-cut", INCOMPLETE "tensor 'w': type needs 4 bytes at "
	  "offset 45, but the file ends at 48" AGAIN,
	  .build = tensor, .n_dims = 1,
	  .dims = { 32 }, .cut = 9 },
	{ "row-32", NULL, .build = tensor, .n_dims = 2, .dims = { 32, 3 },
	  .type = Q8_0, .data = 102 },
	{ "row-33", ": tensor 'w': dims[0] 33 at offset 37: Q8_0 has blocks of "
	  "32 weights, and a row must be whole blocks", .build = tensor,
	  .n_dims = 2, .dims = { 33, 32 }, .type = Q8_0, .data = 1122 },
	{ "row-of-sub-blocks", ": tensor 'w': dims[0] 32 at offset 37: Q4_K has"
	  " blocks of 256 weights, and a row must be whole blocks",
	  .build = tensor, .n_dims = 2, .dims = { 32, 8 }, .type = Q4_K,
	  .data = 144 },
	{ "bytes-63-bits", ": tensor 'w': offset 0 at offset 49: its "
	  "9223372036854775800 bytes would end after offset "
	  "9223372036854775807", .build = tensor, .n_dims = 1,
	  .dims = { (1ull << 60) - 1 }, .type = F64 },
	{ "bytes-64-bits", ": tensor 'w': type 28 at offset 45: "
	  "1152921504606846976 weights of F64 take more than "
	  "9223372036854775807 bytes", .build = tensor, .n_dims = 1,
	  .dims = { 1ull << 60 }, .type = F64 },
	{ "bytes-overflow", ": tensor 'w': type 28 at offset 45: "
	  "2305843009213693952 weights of F64 take more than "
	  "9223372036854775807 bytes", .build = tensor, .n_dims = 1,
	  .dims = { 1ull << 61 }, .type = F64 },

	/* Where the data is. */
	{ "offset-cut", INCOMPLETE "tensor 'w': offset needs 8 bytes at "
	  "offset 49, but the file ends at 56" AGAIN,
	  .build = tensor, .n_dims = 1, .dims = { 32 },
	  .cut = 1 },
	{ "offset-32", NULL, .build = tensor, .n_dims = 1, .dims = { 8 },
	  .offset = 32, .data = 64 },
	{ "offset-33", ": tensor 'w': offset 33 at offset 49: must be a "
	  "multiple of the alignment, 32", .build = tensor, .n_dims = 1,
	  .dims = { 8 }, .offset = 33, .data = 65 },
	{ "offset-63-bits", INCOMPLETE "its tensors end at offset "
	  "9223372036854775807, but the file ends at 96, so "
	  "9223372036854775711 bytes are missing" AGAIN, "", .build = tensor,
	  .n_dims = 1, .type = I8, .dims = { 31 }, .offset = INT64_MAX - 95,
	  .data = 32 },
	{ "offset-64-bits", ": tensor 'w': offset 9223372036854775712 at offset"
	  " 49: its 32 bytes would end after offset 9223372036854775807",
	  .build = tensor, .n_dims = 1, .type = I8, .dims = { 32 },
	  .offset = INT64_MAX - 95, .data = 32 },
	{ "offset-overflow", ": tensor 'w': offset 18446744073709551584 at "
	  "offset 49: its 32 bytes would end after offset 9223372036854775807",
	  .build = tensor, .n_dims = 1, .type = I8, .dims = { 32 },
	  .offset = -32ull, .data = 32 },
	{ "data-complete", NULL, .build = tensor, .n_dims = 1, .dims = { 9 },
	  .data = 36 },
	{ "data-cut", INCOMPLETE "its tensors end at offset 100, but the file "
	  "ends at 99, so 1 byte is missing" AGAIN, "", .build = tensor,
	  .n_dims = 1, .dims = { 9 }, .data = 36, .cut = 1 },
	{ "data-missing", INCOMPLETE "its tensors end at offset 100, but the "
	  "file ends at 57, so 43 bytes are missing" AGAIN, "",
	  .build = tensor, .n_dims = 1, .dims = { 9 } },
	{ "data-trailing", NULL, .build = tensor, .n_dims = 1, .dims = { 9 },
	  .data = 4096 },

	/* Two tensors. */
	{ "tensors-touch", NULL, .build = two_tensors, BYTES("b"), .n = 32,
	  .m = 32, .offset = 32, .data = 64 },
	{ "tensors-overlap", ": tensors 'a' and 'b' overlap: 33 bytes at "
	  "offset 96, and 32 at offset 128", .build = two_tensors, BYTES("b"),
	  .n = 33, .m = 32, .offset = 32, .data = 64 },
	{ "tensors-same-offset", ": tensors 'a' and 'b' overlap: 1 bytes at "
	  "offset 96, and 1 at offset 96", .build = two_tensors, BYTES("b"),
	  .n = 1, .m = 1, .data = 64 },
	{ "tensors-empty-inside", NULL, .build = two_tensors, BYTES("b"),
	  .n = 64, .m = 0, .offset = 32, .data = 64 },
	{ "tensors-empty-outside", NULL, .build = two_tensors, BYTES("b"),
	  .n = 64, .m = 0, .offset = 3200, .data = 64 },
	{ "tensors-hole", NULL, .build = two_tensors, BYTES("b"), .n = 1,
	  .m = 1, .offset = 320, .data = 321 },
	{ "tensors-repeat", ": tensor 'a' appears twice, at offsets 32 and 65",
	  .build = two_tensors, BYTES("a"), .n = 32, .m = 32,
	  .offset = 32, .data = 64 },
};

const size_t gguf_corpus_len = sizeof(gguf_corpus) / sizeof(*gguf_corpus);

void gguf_case_build(const struct gguf_case *c, struct builder *b)
{
	c->build(b, c);
	b->len -= c->cut;
}

const char *gguf_case_message(const struct gguf_case *c, bool from_pipe)
{
	if (!from_pipe || !c->pipe_message)
		return c->message;
	return *c->pipe_message ? c->pipe_message : NULL;
}

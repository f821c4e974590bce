/*
 * An uncompressed zip file with a NumPy array NAME.npy per tensor. We do not
 * use a library, because libzip cannot write to a pipe, and libarchive would
 * compute the CRCs in the one thread that writes. Here the workers compute them
 * (see observe/crc.c).
 *
 *   member: | local header | npy header | values | descriptor |
 *   end:    | members without values | central header … | end record |
 *
 * The CRC is known only after the values, so it is in a descriptor that follows
 * them; a pipe gets the same bytes as a file. Sizes and offsets of 4 GiB or
 * more are in zip64 fields.
 *
 * https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
#include <inttypes.h>
#include <libdeflate.h>
#include <stdlib.h>

#include "base/escape.h"
#include "observe/crc.h"
#include "sink/file.h"
#include "sink/kinds.h"

#define IN_ZIP64 UINT32_MAX /* what stands for a value in a zip64 field */
#define MANY UINT16_MAX     /* members, in a zip64 record */

#define VERSION 20
#define VERSION_ZIP64 45
#define MADE_ON_UNIX (3 << 8)
#define FLAGS 0x0808 /* a descriptor follows; the name is UTF-8 */
#define STORED 0
#define TIME 0      /* 1980-01-01 00:00:00, always: the same model gives */
#define DATE 0x0021 /* the same bytes */
#define FILE_MODE 0100644u
#define ZIP64_FIELD 1

#define LOCAL_BYTES 30
#define CENTRAL_BYTES 46
#define END_BYTES 22
#define ZIP64_END_BYTES (56 + 20) /* with the locator */

#define EXTENSION ".npy"
#define EXTENSION_LEN 4
#define MAX_NAME (UINT16_MAX - EXTENSION_LEN)

#define NPY_ALIGNMENT 64
#define MAX_NPY_HEADER 192 /* 8 dimensions below 2^63 together make 128 */

struct sink_npz {
	struct sink_file file; /* first */
	const struct plan *plan;
	struct observer *observer;
	uint32_t *crcs; /* by index: of what was committed of each member */
	uint64_t directory; /* where the central headers begin */
	uint64_t directory_bytes;
};

/* ------------------------------- the arrays ------------------------------- */

struct npy_header {
	char bytes[MAX_NPY_HEADER];
	size_t len;
};

/* Prints a shape with the fastest dimension last: "3, 4", or "5," for one. */
static void print_shape(char *text, size_t size,
			const struct model_tensor *tensor)
{
	const struct model_shape shape = model_tensor_shape(tensor);
	int len = 0;

	*text = '\0';
	for (unsigned i = shape.n_dims; i; i--)
		len += snprintf(text + len, size - (size_t)len,
				"%" PRIu64 "%s", shape.dims[i - 1],
				i > 1 ? ", " : shape.n_dims == 1 ? "," : "");
}

/* | 93 "NUMPY" | version: 1, 0 | bytes that follow: u16 | a Python dict,
 * spaces, a newline |, together a multiple of 64. */
static void make_npy_header(struct npy_header *header,
			    const struct plan_tensor *tensor)
{
	const struct format *const format = tensor->format;
	const char kind = format->kind == FORMAT_KIND_FLOAT ? 'f' : 'i';
	const char order = format->block_bytes == 1 ? '|' : '<';
	char *const dict = header->bytes + 10;
	char shape[MAX_NPY_HEADER / 2];
	size_t len;

	print_shape(shape, sizeof(shape), tensor->tensor);
	len = 10 + (size_t)snprintf(dict, MAX_NPY_HEADER - 10,
		"{'descr': '%c%c%u', 'fortran_order': False, 'shape': (%s), }",
		order, kind, format->block_bytes, shape);
	header->len = (len + NPY_ALIGNMENT) / NPY_ALIGNMENT * NPY_ALIGNMENT;
	memset(header->bytes + len, ' ', header->len - len);
	header->bytes[header->len - 1] = '\n';
	memcpy(header->bytes, "\x93NUMPY\x01\x00", 8);
	header->bytes[8] = (char)(header->len - 10);
	header->bytes[9] = 0; /* as the length is below 256 */
}

/* ------------------------------- the records ------------------------------ */

struct member {
	const struct plan_tensor *tensor;
	struct npy_header npy;
	uint64_t bytes; /* npy header and values */
	bool zip64;
};

static struct member member_of(const struct plan_tensor *tensor)
{
	struct member member = { .tensor = tensor };

	make_npy_header(&member.npy, tensor);
	member.bytes = member.npy.len + tensor->dst_bytes;
	member.zip64 = member.bytes >= IN_ZIP64;
	return member;
}

static bool ends_component(struct text name, size_t i)
{
	return i == name.len || name.data[i] == '/';
}

/* Whether byte `i` is written as %XX. A careless extractor must not leave its
 * folder by an absolute name, "." or ".."; and NumPy would take ".npy" at the
 * end of a tensor's own name for that of another member. */
static bool is_escaped(struct text name, size_t i)
{
	switch (name.data[i]) {
	case '%':
	case '\\':
		return true;
	case '/':
		return i == 0 || i + 1 == name.len;
	case '.':
		if (i + EXTENSION_LEN == name.len &&
		    !memcmp(name.data + i, EXTENSION, EXTENSION_LEN))
			return true;
		return (i == 0 || name.data[i - 1] == '/') &&
		       (ends_component(name, i + 1) ||
			(name.data[i + 1] == '.' &&
			 ends_component(name, i + 2)));
	default:
		return false;
	}
}

static size_t name_bytes(const struct plan_tensor *tensor)
{
	const struct text name = tensor->tensor->info->name;
	size_t n = name.len + EXTENSION_LEN;

	for (size_t i = 0; i < name.len; i++)
		n += is_escaped(name, i) ? 2 : 0;
	return n;
}

static uint64_t local_bytes(const struct member *member)
{
	return LOCAL_BYTES + name_bytes(member->tensor) +
	       (member->zip64 ? 20 : 0) + member->npy.len;
}

static unsigned descriptor_bytes(const struct member *member)
{
	return member->zip64 ? 24 : 16;
}

static uint64_t member_offset(const struct member *member)
{
	return member->tensor->dst_offset - local_bytes(member);
}

/* The size of a zip64 field in the central header. */
static unsigned zip64_bytes(const struct member *member)
{
	return (member->zip64 ? 16u : 0) +
	       (member_offset(member) >= IN_ZIP64 ? 8u : 0);
}

static uint64_t central_bytes(const struct member *member)
{
	const unsigned zip64 = zip64_bytes(member);

	return CENTRAL_BYTES + name_bytes(member->tensor) +
	       (zip64 ? 4 + zip64 : 0);
}

static uint32_t limited(uint64_t value)
{
	return value < IN_ZIP64 ? (uint32_t)value : IN_ZIP64;
}

/* Writes the common part of local and central headers, from "version needed" to
 * the length of the name. */
static void put_common(struct output_stream *s, const struct member *member,
		       unsigned version, uint32_t crc, uint64_t bytes)
{
	output_stream_put_u16(s, (uint16_t)version);
	output_stream_put_u16(s, FLAGS);
	output_stream_put_u16(s, STORED);
	output_stream_put_u16(s, TIME);
	output_stream_put_u16(s, DATE);
	output_stream_put_u32(s, crc);
	output_stream_put_u32(s, limited(bytes)); /* compressed … */
	output_stream_put_u32(s, limited(bytes)); /* … and not */
	output_stream_put_u16(s, (uint16_t)name_bytes(member->tensor));
}

static void put_name(struct output_stream *s, const struct member *member)
{
	const struct text name = member->tensor->tensor->info->name;

	for (size_t i = 0; i < name.len; i++) {
		char escaped[4];

		if (!is_escaped(name, i)) {
			output_stream_put(s, name.data + i, 1);
			continue;
		}
		snprintf(escaped, sizeof(escaped), "%%%02X", name.data[i]);
		output_stream_put(s, escaped, 3);
	}
	output_stream_put(s, EXTENSION, EXTENSION_LEN);
}

/* The sizes are in the descriptor. A zip64 field here means that they have 8
 * bytes there. */
static void put_local(struct output_stream *s, const struct member *member)
{
	output_stream_put(s, "PK\3\4", 4);
	put_common(s, member, member->zip64 ? VERSION_ZIP64 : VERSION, 0,
		   member->zip64 ? IN_ZIP64 : 0);
	output_stream_put_u16(s, member->zip64 ? 20 : 0);
	put_name(s, member);
	if (member->zip64) {
		output_stream_put_u16(s, ZIP64_FIELD);
		output_stream_put_u16(s, 16);
		output_stream_put_zeros(s, 16);
	}
	output_stream_put(s, member->npy.bytes, member->npy.len);
}

static void put_descriptor(struct output_stream *s, const struct member *member,
			   uint32_t crc)
{
	output_stream_put(s, "PK\7\10", 4);
	output_stream_put_u32(s, crc);
	for (int i = 0; i < 2; i++) {
		if (member->zip64)
			output_stream_put_u64(s, member->bytes);
		else
			output_stream_put_u32(s, (uint32_t)member->bytes);
	}
}

static void put_central(struct output_stream *s, const struct member *member,
			uint32_t crc)
{
	const uint64_t offset = member_offset(member);
	const unsigned zip64 = zip64_bytes(member);

	output_stream_put(s, "PK\1\2", 4);
	output_stream_put_u16(s, MADE_ON_UNIX | VERSION_ZIP64);
	put_common(s, member, zip64 ? VERSION_ZIP64 : VERSION, crc,
		   member->bytes);
	output_stream_put_u16(s, (uint16_t)(zip64 ? 4 + zip64 : 0));
	output_stream_put_u16(s, 0); /* comment */
	output_stream_put_u16(s, 0); /* disk */
	output_stream_put_u16(s, 0); /* internal attributes */
	output_stream_put_u32(s, FILE_MODE << 16);
	output_stream_put_u32(s, limited(offset));
	put_name(s, member);
	if (!zip64)
		return;
	output_stream_put_u16(s, ZIP64_FIELD);
	output_stream_put_u16(s, (uint16_t)zip64);
	if (member->zip64) {
		output_stream_put_u64(s, member->bytes);
		output_stream_put_u64(s, member->bytes);
	}
	if (offset >= IN_ZIP64)
		output_stream_put_u64(s, offset);
}

static bool has_zip64_end(const struct sink_npz *sink)
{
	return sink->plan->n_tensors >= MANY ||
	       sink->directory_bytes >= IN_ZIP64 ||
	       sink->directory >= IN_ZIP64;
}

/* Writes the zip64 record, and the locator that points to it. */
static void put_zip64_end(struct output_stream *s, const struct sink_npz *sink)
{
	output_stream_put(s, "PK\6\6", 4);
	output_stream_put_u64(s, 44); /* bytes that follow */
	output_stream_put_u16(s, MADE_ON_UNIX | VERSION_ZIP64);
	output_stream_put_u16(s, VERSION_ZIP64);
	output_stream_put_zeros(s, 4 + 4); /* disks */
	output_stream_put_u64(s, sink->plan->n_tensors); /* of this disk … */
	output_stream_put_u64(s, sink->plan->n_tensors); /* … and of all */
	output_stream_put_u64(s, sink->directory_bytes);
	output_stream_put_u64(s, sink->directory);

	output_stream_put(s, "PK\6\7", 4);
	output_stream_put_zeros(s, 4); /* disk */
	output_stream_put_u64(s, sink->directory + sink->directory_bytes);
	output_stream_put_u32(s, 1); /* disks */
}

static void put_end(struct output_stream *s, const struct sink_npz *sink)
{
	const size_t n = sink->plan->n_tensors;
	const uint16_t n_shown = n < MANY ? (uint16_t)n : MANY;

	if (has_zip64_end(sink))
		put_zip64_end(s, sink);
	output_stream_put(s, "PK\5\6", 4);
	output_stream_put_zeros(s, 2 + 2); /* disks */
	output_stream_put_u16(s, n_shown); /* of this disk … */
	output_stream_put_u16(s, n_shown); /* … and of all */
	output_stream_put_u32(s, limited(sink->directory_bytes));
	output_stream_put_u32(s, limited(sink->directory));
	output_stream_put_u16(s, 0); /* comment */
}

/* -------------------------------- the sink -------------------------------- */

static uint64_t member_before_bytes(const struct sink_file *file,
				    const struct plan_tensor *tensor)
{
	const struct member member = member_of(tensor);

	(void)file;
	return local_bytes(&member);
}

static void put_before(struct sink_file *file, const struct plan_tensor *tensor)
{
	const struct member member = member_of(tensor);

	put_local(&file->stream, &member);
}

static uint64_t put_after(struct sink_file *file,
			  const struct plan_tensor *tensor)
{
	const struct sink_npz *const sink = (struct sink_npz *)file;
	const struct member member = member_of(tensor);

	put_descriptor(&file->stream, &member, sink->crcs[tensor->index]);
	return descriptor_bytes(&member);
}

static void put_directory(struct sink_file *file)
{
	const struct sink_npz *const sink = (struct sink_npz *)file;
	const struct plan *const plan = sink->plan;

	for (size_t i = 0; i < plan->n_tensors; i++) {
		if (plan->tensors[i].dst_bytes)
			continue;
		put_before(file, &plan->tensors[i]);
		(void)put_after(file, &plan->tensors[i]);
	}
	for (size_t i = 0; i < plan->n_tensors; i++) {
		const struct plan_tensor *const tensor = &plan->tensors[i];
		const struct member member = member_of(tensor);

		put_central(&file->stream, &member, sink->crcs[tensor->index]);
	}
	put_end(&file->stream, sink);
}

static void release_npz(struct sink_file *file)
{
	struct sink_npz *const sink = (struct sink_npz *)file;

	if (sink->observer)
		sink->observer->close(sink->observer);
	free(sink->crcs);
}

static int check_members(const struct plan *plan, struct error *err)
{
	if (sink_file_check(plan, "npz", false, "'--type f32' or 'f16', or "
			    "'--format safetensors'", err))
		return -1;
	for (size_t i = 0; i < plan->n_tensors; i++) {
		const struct text name = plan->tensors[i].tensor->info->name;

		if (name_bytes(&plan->tensors[i]) > UINT16_MAX ||
		    memchr(name.data, '\0', name.len))
			return error_set(err, "tensor '%s' has a name with a "
					 "NUL or more than %d bytes, which zip "
					 "does not support; use '--format "
					 "safetensors', or exclude it with "
					 "'--exclude'",
					 ESCAPED(name), MAX_NAME);
	}
	return 0;
}

/* Places a tensor at *end, and moves *end behind it. */
static int place_member(struct sink_npz *sink, struct plan_tensor *tensor,
			uint64_t *end, struct error *err)
{
	const struct member member = member_of(tensor);

	sink->crcs[tensor->index] =
		libdeflate_crc32(0, member.npy.bytes, member.npy.len);
	tensor->dst_offset = *end + local_bytes(&member);
	*end = tensor->dst_offset;
	if (bytes_add(*end, tensor->dst_bytes, end) &&
	    bytes_add(*end, descriptor_bytes(&member), end) &&
	    *end <= INT64_MAX)
		return 0;
	return error_set(err, "the output exceeds 2^63 - 1 bytes at tensor "
			 "'%s'", ESCAPED(tensor->tensor->info->name));
}

/* Places tensors with values, then those without. Sets *values_end to the end
 * of the former, and *end to the end of the file. */
static int place_members(struct sink_npz *sink, struct plan *plan,
			 uint64_t *values_end, uint64_t *end,
			 struct error *err)
{
	*end = 0;
	for (size_t i = 0; i < plan->n_tensors; i++)
		if (plan->tensors[i].dst_bytes &&
		    place_member(sink, &plan->tensors[i], end, err))
			return -1;
	*values_end = *end;
	for (size_t i = 0; i < plan->n_tensors; i++)
		if (!plan->tensors[i].dst_bytes &&
		    place_member(sink, &plan->tensors[i], end, err))
			return -1;
	sink->directory = *end;
	for (size_t i = 0; i < plan->n_tensors; i++) {
		const struct member member = member_of(&plan->tensors[i]);

		sink->directory_bytes += central_bytes(&member);
	}
	*end += sink->directory_bytes + END_BYTES +
		(has_zip64_end(sink) ? ZIP64_END_BYTES : 0);
	return 0;
}

struct sink *sink_npz_open(struct output *output, struct plan *plan,
			   const struct model *model, struct error *err)
{
	static const struct sink_file_kind kind = {
		.before_bytes = member_before_bytes,
		.before = put_before,
		.after = put_after,
		.trailer = put_directory,
		.release = release_npz,
	};
	struct sink_npz *const sink =
		sink_file_new(sizeof(*sink), &kind, output, err);
	uint64_t values_end, end;

	(void)model;
	if (!sink)
		return NULL;
	sink->plan = plan;
	sink->crcs = calloc(plan->n_tensors + 1, sizeof(*sink->crcs));
	if (!sink->crcs) {
		error_errno(err, "cannot write '%s'", output_name(output));
		return sink_file_drop(&sink->file);
	}
	sink->observer = crc_observer_open(sink->crcs, err);
	if (!sink->observer)
		return sink_file_drop(&sink->file);
	if (check_members(plan, err) ||
	    place_members(sink, plan, &values_end, &end, err) ||
	    sink_file_open(&sink->file, plan, values_end, end, err))
		return sink_file_drop(&sink->file);
	sink->file.sink.observer = sink->observer;
	return sink_file_start(&sink->file, 0);
}

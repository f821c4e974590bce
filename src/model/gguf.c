#include "model/gguf.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/escape.h"
#include "base/repeat.h"
#include "model/layout.h"
#include "model/magic.h"

#define FIELD_SIZE 64 /* for a field's name with its value */
#define MANY_ZEROS 64 /* more than any sane header has in a row */

/* The least that an entry takes in the file. */
#define MIN_KV 14     /* | len: 8 | key: 1 | type: 4 | value: 1 | */
#define MIN_TENSOR 24 /* | len: 8 | n_dims: 4 | type: 4 | offset: 8 | */

/* pos <= end <= limit and end <= len: none of their differences can wrap. */
struct reader {
	struct gguf *gguf;
	struct source *src;
	const unsigned char *bytes; /* gguf->header */
	size_t len;    /* bytes read, some of them perhaps beyond the limit */
	size_t size;   /* bytes allocated */
	size_t pos;    /* next byte to parse; also its offset in the file */
	size_t end;    /* the smaller of len and limit: parse no further */
	size_t limit;  /* where the header must end to stay within memory */
	size_t memory; /* bytes that the header and its tables may use */
	struct error *err;

	/* For messages: what is being parsed. */
	const char *subject;     /* "header", "key", "tensor" */
	const struct text *name; /* NULL: not known yet; the number is */
	uint64_t number, count;  /* number of count, from 1 */
};

/* "tensor 'blk.0.attn_q.weight'", "key 3 of 24" or "header". */
static const char *subject(const struct reader *r, char *buffer, size_t size)
{
	if (r->name)
		snprintf(buffer, size, "%s '%s'", r->subject,
			 ESCAPED(*r->name));
	else if (r->number)
		snprintf(buffer, size, "%s %" PRIu64 " of %" PRIu64, r->subject,
			 r->number, r->count);
	else
		snprintf(buffer, size, "%s", r->subject);
	return buffer;
}
#define SUBJECT_SIZE (ESCAPE_MESSAGE_SIZE + 16)

/* 'file': subject: field value at offset N: why */
__attribute__((format(printf, 5, 6)))
static int refuse(const struct reader *r, const char *field, uint64_t value,
		  uint64_t offset, const char *format, ...)
{
	char subject_text[SUBJECT_SIZE];
	char why[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	return error_set(r->err, "'%s': %s: %s %" PRIu64 " at offset %" PRIu64
			 ": %s", r->src->name,
			 subject(r, subject_text, sizeof(subject_text)), field,
			 value, offset, why);
}

/* The error for a field of n bytes that the file, cut short, does not hold. */
static int refuse_end(const struct reader *r, const char *field, uint64_t n,
		      uint64_t end)
{
	char buffer[SUBJECT_SIZE];

	return error_set(r->err, "'%s' is incomplete: %s: %s needs %" PRIu64
			 " bytes at offset %zu, but the file ends at %" PRIu64
			 "; download it again", r->src->name,
			 subject(r, buffer, sizeof(buffer)), field, n, r->pos,
			 end);
}

/* Whether the n bytes at `offset` were read and are zeros, as in a file whose
 * size was reserved before all of it was downloaded. */
static bool is_zeros(const struct reader *r, size_t offset, size_t n)
{
	if (n > r->len - offset)
		return false;
	for (size_t i = 0; i < n; i++)
		if (r->bytes[offset + i])
			return false;
	return true;
}

static int refuse_zeros(const struct reader *r, size_t offset)
{
	char buffer[SUBJECT_SIZE];

	return error_set(r->err, "'%s' is incomplete: %s: there are only zeros "
			 "at offset %zu; download it again", r->src->name,
			 subject(r, buffer, sizeof(buffer)), offset);
}

/* Checks that the file can hold n more bytes, and the memory those and `extra`
 * more. */
static int check_room(const struct reader *r, const char *field, uint64_t n,
		      uint64_t extra)
{
	const size_t left = r->limit - r->pos;
	char buffer[SUBJECT_SIZE];

	if (r->src->seekable && n > r->src->size - r->pos)
		return refuse_end(r, field, n, r->src->size);
	if (n > left || extra > left - n)
		return error_set(r->err, "'%s': %s: %s at offset %zu does not "
				 "fit the %zu bytes of memory for metadata; "
				 "raise --memory", r->src->name,
				 subject(r, buffer, sizeof(buffer)), field,
				 r->pos, r->memory);
	return 0;
}

/* The same for n items of at least `each` bytes, and `extra` more in memory. */
static int check_count(const struct reader *r, const char *what, uint64_t n,
		       uint64_t each, uint64_t extra)
{
	char field[FIELD_SIZE];
	uint64_t extra_bytes;
	uint64_t bytes;

	if (!bytes_mul(n, each, &bytes))
		bytes = UINT64_MAX;
	if (!bytes_mul(n, extra, &extra_bytes))
		extra_bytes = UINT64_MAX;
	if (bytes <= r->end - r->pos && !extra_bytes)
		return 0; /* read already */
	snprintf(field, sizeof(field), "%s %" PRIu64, what, n);
	return check_room(r, field, bytes, extra_bytes);
}

static void move_text(struct text *text, uintptr_t from, const void *to)
{
	text->data = (const char *)to + ((uintptr_t)text->data - from);
}

/* Reallocates the header; the texts that point into it follow. */
static int resize_header(struct reader *r, size_t size)
{
	struct gguf *const gguf = r->gguf;
	const uintptr_t old = (uintptr_t)gguf->header;
	unsigned char *const header = realloc(gguf->header, size);

	if (!header)
		return error_errno(r->err, "cannot read '%s'", r->src->name);
	for (size_t i = 0; i < gguf->n_kv; i++) {
		move_text(&gguf->kv[i].key, old, header);
		move_text(&gguf->kv[i].value, old, header);
	}
	for (size_t i = 0; i < gguf->n_tensors; i++)
		move_text(&gguf->tensors[i].name, old, header);
	gguf->header = header;
	r->bytes = header;
	r->size = size;
	return 0;
}

/* Sets the limit, which is not below r->pos. */
static void set_limit(struct reader *r, size_t limit)
{
	r->limit = limit;
	r->end = r->len < limit ? r->len : limit;
}

/* Reads on until `end` bytes are there or the file ends. All bytes read so far
 * are below the limit, as `end` is. */
static int read_header(struct reader *r, size_t end)
{
	const uint64_t most = r->src->seekable && r->src->size < r->limit ?
			      r->src->size : r->limit;
	ptrdiff_t got;

	if (end < r->len + GGUF_READ_AHEAD)
		end = r->len + GGUF_READ_AHEAD;
	if (end > most)
		end = (size_t)most;
	if (end > r->size) {
		size_t size = end > 2 * r->size ? end : 2 * r->size;

		if (size > most)
			size = (size_t)most;
		if (resize_header(r, size))
			return -1;
	}
	got = source_read_upto(r->src, r->len, r->gguf->header + r->len,
			       end - r->len, r->err);
	if (got < 0)
		return -1;
	r->len += (size_t)got;
	set_limit(r, r->limit);
	return 0;
}

/* Returns the next n bytes and steps over them; NULL on error. The pointer is
 * valid until the next take. */
static inline const unsigned char *take(struct reader *r, const char *field,
					uint64_t n)
{
	if (n > r->end - r->pos) {
		/* n fits below the limit, so r->end is r->len. */
		if (check_room(r, field, n, 0) ||
		    read_header(r, r->pos + (size_t)n))
			return NULL;
		if (n > r->end - r->pos) {
			refuse_end(r, field, n, r->len);
			return NULL;
		}
	}
	r->pos += (size_t)n;
	return r->bytes + r->pos - n;
}

static int take_u32(struct reader *r, const char *field, uint32_t *value)
{
	const unsigned char *const p = take(r, field, sizeof(*value));

	if (!p)
		return -1;
	*value = bytes_load_u32(p);
	return 0;
}

static inline int take_u64(struct reader *r, const char *field, uint64_t *value)
{
	const unsigned char *const p = take(r, field, sizeof(*value));

	if (!p)
		return -1;
	*value = bytes_load_u64(p);
	return 0;
}

/* A key or a tensor's name. */
static int take_name(struct reader *r, const char *field, uint64_t least,
		     struct text *name)
{
	const unsigned char *p;
	uint64_t len;

	if (take_u64(r, "length", &len))
		return -1;
	if (len < least && is_zeros(r, r->pos - 8, MANY_ZEROS))
		return refuse_zeros(r, r->pos - 8);
	if (len < least || len > GGUF_MAX_NAME)
		return refuse(r, "length", len, r->pos - 8, "a %s has %" PRIu64
			      " to %d bytes", field, least, GGUF_MAX_NAME);
	p = take(r, field, len);
	if (!p)
		return -1;
	*name = (struct text){ (const char *)p, (size_t)len };
	return 0;
}

static const struct {
	const char *name;
	unsigned bytes; /* 0: varies */
} types[GGUF_TYPE_COUNT] = {
	[GGUF_U8] = { "u8", 1 },	 [GGUF_I8] = { "i8", 1 },
	[GGUF_U16] = { "u16", 2 },	 [GGUF_I16] = { "i16", 2 },
	[GGUF_U32] = { "u32", 4 },	 [GGUF_I32] = { "i32", 4 },
	[GGUF_F32] = { "f32", 4 },	 [GGUF_BOOL] = { "bool", 1 },
	[GGUF_STRING] = { "string", 0 }, [GGUF_ARRAY] = { "array", 0 },
	[GGUF_U64] = { "u64", 8 },	 [GGUF_I64] = { "i64", 8 },
	[GGUF_F64] = { "f64", 8 },
};

const char *gguf_type_name(enum gguf_type type)
{
	return types[type].name;
}

static int take_type(struct reader *r, const char *field, enum gguf_type *type)
{
	uint32_t id;

	if (take_u32(r, field, &id))
		return -1;
	if (id >= GGUF_TYPE_COUNT)
		return refuse(r, field, id, r->pos - 4, "the types are 0 to %d",
			      GGUF_TYPE_COUNT - 1);
	*type = id;
	return 0;
}

static int skip_string(struct reader *r)
{
	uint64_t len;

	return take_u64(r, "length", &len) || !take(r, "string", len) ? -1 : 0;
}

/* | type: u32 | len: u64 | of an array whose items may all be there. */
static int take_array(struct reader *r, enum gguf_type *type, uint64_t *len)
{
	unsigned least; /* bytes that an item takes */

	if (take_type(r, "item type", type) || take_u64(r, "length", len))
		return -1;
	least = *type == GGUF_STRING ? 8 : *type == GGUF_ARRAY ? 12 :
		types[*type].bytes;
	return check_count(r, "array of length", *len, least, 0);
}

/* Steps over an array, without recursion: the file chooses the depth. */
static int skip_array(struct reader *r)
{
	uint64_t left[GGUF_MAX_DEPTH] = { 1 }; /* arrays, at each depth */
	unsigned depth = 0;

	for (;;) {
		enum gguf_type type;
		uint64_t len;

		while (!left[depth]) {
			if (!depth)
				return 0;
			depth--;
		}
		left[depth]--;
		if (take_array(r, &type, &len))
			return -1;
		if (type == GGUF_ARRAY) {
			if (++depth == GGUF_MAX_DEPTH)
				return refuse(r, "item type", type, r->pos - 12,
					      "arrays are nested more than %d "
					      "deep", GGUF_MAX_DEPTH);
			left[depth] = len;
		} else if (type == GGUF_STRING) {
			while (len--)
				if (skip_string(r))
					return -1;
		} else if (!take(r, "array", len * types[type].bytes)) {
			return -1;
		}
	}
}

static int skip_value(struct reader *r, enum gguf_type type)
{
	if (type == GGUF_ARRAY)
		return skip_array(r);
	if (type == GGUF_STRING)
		return skip_string(r);
	return take(r, "value", types[type].bytes) ? 0 : -1;
}

/* The text of length 0 at r->pos, which moves with the header. */
static struct text here(const struct reader *r)
{
	return (struct text){ (const char *)r->bytes + r->pos, 0 };
}

/* Says which entry comes next, until its name is known. */
static void announce(struct reader *r, const char *subject, uint64_t number,
		     uint64_t count)
{
	r->subject = subject;
	r->name = NULL;
	r->number = number;
	r->count = count;
}

static int read_kv(struct reader *r, struct gguf_kv *kv)
{
	size_t start;

	if (take_name(r, "key", 1, &kv->key))
		return -1;
	r->name = &kv->key;
	if (take_type(r, "type", &kv->type))
		return -1;
	start = r->pos;
	if (skip_value(r, kv->type))
		return -1;
	kv->value.data = (const char *)r->bytes + start;
	kv->value.len = r->pos - start;
	return 0;
}

/* Offset in the file of what `data` points to in the header. */
static size_t offset_of(const struct gguf *gguf, const char *data)
{
	return (size_t)((const unsigned char *)data - gguf->header);
}

static struct text kv_key(const void *table, size_t i)
{
	return ((const struct gguf_kv *)table)[i].key;
}

static struct text tensor_name(const void *table, size_t i)
{
	return ((const struct gguf_tensor *)table)[i].name;
}

static int check_repeats(struct reader *r, const char *what, const void *table,
			 size_t n, struct text (*text_at)(const void *, size_t))
{
	size_t earlier, later, offset;
	const int found =
		repeat_find(table, n, text_at, &earlier, &later, r->err);

	if (found <= 0)
		return found;
	offset = offset_of(r->gguf, text_at(table, earlier).data);
	if (!text_at(table, earlier).len && is_zeros(r, offset, MANY_ZEROS)) {
		announce(r, what, earlier + 1, n);
		return refuse_zeros(r, offset);
	}
	return error_set(r->err, "'%s': %s '%s' appears twice, at offsets %zu "
			 "and %zu", r->src->name, what,
			 ESCAPED(text_at(table, later)), offset,
			 offset_of(r->gguf, text_at(table, later).data));
}

static int read_alignment(struct reader *r)
{
	struct gguf *const gguf = r->gguf;
	const struct gguf_kv *const kv = gguf_find(gguf, "general.alignment");
	uint64_t offset;

	gguf->alignment = GGUF_DEFAULT_ALIGNMENT;
	if (!kv)
		return 0;
	r->name = &kv->key;
	offset = offset_of(gguf, kv->value.data);
	if (kv->type != GGUF_U32)
		return refuse(r, "type", kv->type, offset - 4,
			      "must be %d, %s", GGUF_U32, types[GGUF_U32].name);
	gguf->alignment = bytes_load_u32(kv->value.data);
	if (!gguf->alignment || (gguf->alignment & (gguf->alignment - 1)))
		return refuse(r, "value", gguf->alignment, offset,
			      "must be a power of two");
	if (gguf->alignment > GGUF_MAX_ALIGNMENT)
		return refuse(r, "value", gguf->alignment, offset,
			      "may be %d at most", GGUF_MAX_ALIGNMENT);
	return 0;
}

static int read_kvs(struct reader *r, uint64_t n)
{
	struct gguf *const gguf = r->gguf;

	while (gguf->n_kv < n) {
		struct gguf_kv *const kv = &gguf->kv[gguf->n_kv++];

		*kv = (struct gguf_kv){ .key = here(r), .value = here(r) };
		announce(r, "key", gguf->n_kv, n);
		if (read_kv(r, kv))
			return -1;
	}
	if (check_repeats(r, "key", gguf->kv, gguf->n_kv, kv_key))
		return -1;
	return read_alignment(r);
}

static bool set_fault(struct gguf_fault *fault, unsigned dim,
		      const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static bool set_fault(struct gguf_fault *fault, unsigned dim,
		      const char *format, ...)
{
	va_list args;

	fault->dim = dim;
	va_start(args, format);
	vsnprintf(fault->why, sizeof(fault->why), format, args);
	va_end(args);
	return false;
}

/* The rows, or tensors, that have a header if the format has one. A row has at
 * least 32 weights, so that their bytes cannot overflow. */
static uint64_t count_headers(const struct gguf_tensor *tensor)
{
	if (!tensor->n_weights)
		return 0;
	return tensor->format->group_rows ?
	       tensor->n_weights / tensor->dims[0] : 1;
}

bool gguf_tensor_measure(struct gguf_tensor *tensor, struct gguf_fault *fault)
{
	const struct format *const format = tensor->format;
	uint64_t product = 1;

	tensor->n_weights = 1;
	for (unsigned i = 0; i < GGUF_MAX_DIMS; i++) {
		const uint64_t dim = tensor->dims[i];

		if (!bytes_mul(product, dim ? dim : 1, &product) ||
		    product > INT64_MAX)
			return set_fault(fault, i, "a tensor has at most %"
					 PRId64 " weights", INT64_MAX);
		tensor->n_weights *= dim;
	}
	tensor->n_blocks = 0;
	tensor->bytes = 0;
	if (!format)
		return true;
	if (tensor->dims[0] % format->block_weights)
		return set_fault(fault, 0, "%s has blocks of %u weights, and a "
				 "row must be whole blocks", format->name,
				 format->block_weights);
	if (format->group_rows > 1 && tensor->dims[1] % format->group_rows)
		return set_fault(fault, tensor->n_dims > 1 ? 1 :
				 GGUF_FAULT_FORMAT, "%s interleaves %u rows, "
				 "and their number must be a multiple of that",
				 format->name, format->group_rows);
	tensor->n_blocks = tensor->n_weights / format->block_weights;
	if (!bytes_mul(tensor->n_blocks, format->block_bytes, &tensor->bytes) ||
	    !bytes_add(tensor->bytes, count_headers(tensor) *
		       format->header_bytes, &tensor->bytes) ||
	    tensor->bytes > INT64_MAX)
		return set_fault(fault, GGUF_FAULT_FORMAT, "%" PRIu64
				 " weights of %s take more than %" PRId64
				 " bytes", tensor->n_weights, format->name,
				 INT64_MAX);
	return true;
}

const char *gguf_dim_name(unsigned i)
{
	static const char *const names[GGUF_MAX_DIMS] = {
		"dims[0]", "dims[1]", "dims[2]", "dims[3]",
		"dims[4]", "dims[5]", "dims[6]", "dims[7]" };

	return names[i];
}

static int read_dims(struct reader *r, struct gguf_tensor *tensor)
{
	uint32_t n_dims;

	if (take_u32(r, "n_dims", &n_dims))
		return -1;
	if (n_dims > GGUF_MAX_DIMS)
		return refuse(r, "n_dims", n_dims, r->pos - 4,
			      "the limit is %d", GGUF_MAX_DIMS);
	tensor->n_dims = n_dims;
	for (unsigned i = 0; i < GGUF_MAX_DIMS; i++) {
		tensor->dims[i] = 1;
		if (i < n_dims &&
		    take_u64(r, gguf_dim_name(i), &tensor->dims[i]))
			return -1;
	}
	return 0;
}

/* The type, which says how many bytes the dimensions stand for. */
static int read_format(struct reader *r, struct gguf_tensor *tensor)
{
	struct gguf_fault fault;
	uint64_t offset;

	if (take_u32(r, "type", &tensor->type))
		return -1;
	offset = r->pos - 4;
	if (tensor->type < FORMAT_OWN_IDS)
		tensor->format = format_by_id(tensor->type);
	if (gguf_tensor_measure(tensor, &fault))
		return 0;
	if (fault.dim == GGUF_FAULT_FORMAT)
		return refuse(r, "type", tensor->type, offset, "%s", fault.why);
	return refuse(r, gguf_dim_name(fault.dim), tensor->dims[fault.dim],
		      offset - 8 * (tensor->n_dims - fault.dim), "%s",
		      fault.why);
}

static int read_tensor(struct reader *r, struct gguf_tensor *tensor)
{
	if (take_name(r, "name", 0, &tensor->name))
		return -1;
	r->name = &tensor->name;
	if (read_dims(r, tensor) || read_format(r, tensor) ||
	    take_u64(r, "offset", &tensor->offset))
		return -1;
	if (tensor->offset % r->gguf->alignment)
		return refuse(r, "offset", tensor->offset, r->pos - 8,
			      "must be a multiple of the alignment, %" PRIu64,
			      r->gguf->alignment);
	return 0;
}

static int read_tensors(struct reader *r, uint64_t n)
{
	struct gguf *const gguf = r->gguf;

	while (gguf->n_tensors < n) {
		struct gguf_tensor *const tensor =
			&gguf->tensors[gguf->n_tensors++];

		*tensor = (struct gguf_tensor){ .name = here(r) };
		announce(r, "tensor", gguf->n_tensors, n);
		if (read_tensor(r, tensor))
			return -1;
	}
	return check_repeats(r, "tensor", gguf->tensors, gguf->n_tensors,
			     tensor_name);
}

/* Makes a tensor's offset count from the start of the file. */
static int place_tensor(struct reader *r, struct gguf_tensor *tensor)
{
	const uint64_t offset = tensor->offset;
	/* | name | n_dims: u32 | dims: u64 × n_dims | type: u32 | offset | */
	const uint64_t field = offset_of(r->gguf, tensor->name.data) +
			       tensor->name.len + 4 + 8 * tensor->n_dims + 4;
	uint64_t end;

	r->name = &tensor->name;
	if (!bytes_add(r->gguf->data_offset, offset, &tensor->offset) ||
	    !bytes_add(tensor->offset, tensor->bytes, &end) || end > INT64_MAX)
		return refuse(r, "offset", offset, field, "its %" PRIu64
			      " bytes would end after offset %" PRId64,
			      tensor->bytes, INT64_MAX);
	return 0;
}

static int place_tensors(struct reader *r)
{
	struct gguf *const gguf = r->gguf;

	/* Cannot overflow: r->pos bytes are in memory. */
	(void)bytes_align(r->pos, gguf->alignment, &gguf->data_offset);
	for (size_t i = 0; i < gguf->n_tensors; i++)
		if (place_tensor(r, &gguf->tensors[i]))
			return -1;
	return layout_check(gguf, r->src, r->err);
}

/* The first bytes: that it is GGUF, and of which version. */
static int read_magic(struct reader *r)
{
	struct gguf *const gguf = r->gguf;
	struct text head;
	const char *name;
	uint32_t swapped;

	if (read_header(r, 0))
		return -1;
	head = (struct text){ (const char *)r->bytes, r->len };
	if (!head.len)
		return error_set(r->err, "'%s' is empty", r->src->name);
	if (memcmp(head.data, "GGUF", head.len < 4 ? head.len : 4)) {
		name = magic_name(head);
		return error_set(r->err, "'%s' is not a GGUF file%s%s",
				 r->src->name, name ? " but " : "",
				 name ? name : "");
	}
	if (!take(r, "magic", 4) || take_u32(r, "version", &gguf->version))
		return -1;
	swapped = __builtin_bswap32(gguf->version);
	if (swapped == 2 || swapped == 3)
		return error_set(r->err, "'%s' is a big-endian GGUF file; "
				 "convert it with 'gguf-convert-endian FILE "
				 "little' from the Python package gguf",
				 r->src->name);
	if (gguf->version < 2 || gguf->version > 3)
		return refuse(r, "version", gguf->version, 4, "only 2 and 3 "
			      "are supported%s", gguf->version == 1 ?
			      "; convert the model again with llama.cpp" : "");
	return 0;
}

/* A table for n entries that take at least `each` bytes in the file. */
static void *make_table(struct reader *r, const char *what, uint64_t n,
			uint64_t each, size_t entry_size)
{
	void *table;

	if (check_count(r, what, n, each, entry_size + REPEAT_BYTES))
		return NULL;
	set_limit(r, r->limit - n * (entry_size + REPEAT_BYTES));
	r->gguf->memory += n * entry_size;
	/* Its pages cost nothing until an entry is there. */
	table = calloc(n ? n : 1, entry_size);
	if (!table)
		error_errno(r->err, "cannot read '%s'", r->src->name);
	return table;
}

static int read_all(struct reader *r)
{
	struct gguf *const gguf = r->gguf;
	uint64_t n_tensors, n_kv;

	if (read_magic(r) || take_u64(r, "n_tensors", &n_tensors) ||
	    take_u64(r, "n_kv", &n_kv))
		return -1;
	gguf->kv = make_table(r, "n_kv", n_kv, MIN_KV, sizeof(*gguf->kv));
	if (!gguf->kv)
		return -1;
	gguf->tensors = make_table(r, "n_tensors", n_tensors, MIN_TENSOR,
				   sizeof(*gguf->tensors));
	if (!gguf->tensors)
		return -1;
	if (read_kvs(r, n_kv) || read_tensors(r, n_tensors) ||
	    place_tensors(r))
		return -1;
	gguf->header_len = r->pos;
	gguf->memory += r->pos;
	if (source_unread(r->src, r->bytes + r->pos, r->len - r->pos, r->err))
		return -1;
	return resize_header(r, r->pos);
}

int gguf_read(struct gguf *gguf, struct source *src, size_t memory,
	      struct error *err)
{
	struct reader r = { .gguf = gguf, .src = src, .memory = memory,
			    .limit = memory, .err = err, .subject = "header" };

	*gguf = (struct gguf){ .version = 0 };
	if (memory < GGUF_READ_AHEAD)
		return error_set(err, "'%s': %zu bytes of memory are too few "
				 "for metadata; raise --memory", src->name,
				 memory);
	/* One byte, so that the header is never NULL. */
	if (resize_header(&r, 1) || read_all(&r)) {
		gguf_release(gguf);
		return -1;
	}
	return 0;
}

void gguf_release(struct gguf *gguf)
{
	free(gguf->kv);
	free(gguf->tensors);
	free(gguf->header);
	*gguf = (struct gguf){ .version = 0 };
}

const struct gguf_kv *gguf_find(const struct gguf *gguf, const char *key)
{
	for (size_t i = 0; i < gguf->n_kv; i++)
		if (text_is(gguf->kv[i].key, key))
			return &gguf->kv[i];
	return NULL;
}

/* | length: u64 | text | */
struct text gguf_string(const struct gguf_kv *kv)
{
	if (!kv || kv->type != GGUF_STRING)
		return (struct text){ NULL, 0 };
	return (struct text){ kv->value.data + sizeof(uint64_t),
			      kv->value.len - sizeof(uint64_t) };
}

static bool not_negative(int64_t value, uint64_t *result)
{
	*result = (uint64_t)value;
	return value >= 0;
}

bool gguf_unsigned(const struct gguf_kv *kv, uint64_t *value)
{
	const char *const p = kv ? kv->value.data : NULL;

	switch (kv ? kv->type : GGUF_TYPE_COUNT) {
	case GGUF_U8:
		return not_negative((uint8_t)*p, value);
	case GGUF_I8:
		return not_negative((int8_t)*p, value);
	case GGUF_U16:
		return not_negative(bytes_load_u16(p), value);
	case GGUF_I16:
		return not_negative((int16_t)bytes_load_u16(p), value);
	case GGUF_U32:
		return not_negative(bytes_load_u32(p), value);
	case GGUF_I32:
		return not_negative((int32_t)bytes_load_u32(p), value);
	case GGUF_I64:
		return not_negative((int64_t)bytes_load_u64(p), value);
	case GGUF_U64:
		*value = bytes_load_u64(p);
		return true;
	default:
		return false;
	}
}

struct gguf_array gguf_array(struct text value)
{
	const struct text rest = { value.data + 12, value.len - 12 };

	return (struct gguf_array){
		.type = bytes_load_u32(value.data),
		.left = bytes_load_u64(value.data + 4),
		.rest = rest,
	};
}

bool gguf_array_next(struct gguf_array *array)
{
	/* As if the items were a file that has been read. Cannot fail:
	 * gguf_read has stepped over the same bytes. */
	struct source src = { .seekable = true, .size = array->rest.len };
	struct error err;
	struct reader r = { .bytes = (const unsigned char *)array->rest.data,
			    .len = array->rest.len, .end = array->rest.len,
			    .limit = array->rest.len, .src = &src,
			    .err = &err };
	const size_t skipped = array->type == GGUF_STRING ? 8 : 0;

	if (!array->left || skip_value(&r, array->type))
		return false;
	array->left--;
	array->item.data = array->rest.data + skipped;
	array->item.len = r.pos - skipped;
	array->rest.data += r.pos;
	array->rest.len -= r.pos;
	return true;
}

#include "hf/mapping.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/escape.h"
#include "base/repeat.h"

#define MAX_LAYERS 65536

struct mapper {
	struct hf_mapping *mapping;
	const struct hf_architecture *arch;
	const struct model *model;
	bool *active; /* each row: its condition holds */
	bool *made;   /* for each row and layer: the row's tensor is there */
	uint64_t n_layers;
	size_t room; /* for tensors */
	const struct plan_tensor **by_name;
	char *name; /* of the tensor at hand, without NUL bytes */
};

static const struct gguf_tensor *info_of(const struct plan_tensor *tensor)
{
	return tensor->tensor->info;
}

/* Begins an error with the name of a tensor of the file. */
static int name_tensor(struct error *err, const struct plan_tensor *tensor)
{
	char name[ESCAPE_MESSAGE_SIZE];

	return error_set(err, "'%s': tensor '%s' ",
			 tensor->tensor->source->name,
			 escape_text(name, sizeof(name),
				     info_of(tensor)->name));
}

/* --------------------------------- metadata ------------------------------- */

/* An integer, or item `layer` of an array of them. */
static bool layer_value(const struct gguf_kv *kv, uint32_t layer,
			uint64_t *value)
{
	struct gguf_kv item;
	struct gguf_array array;
	uint64_t i = 0;

	if (!kv || kv->type != GGUF_ARRAY)
		return gguf_unsigned(kv, value);
	for (array = gguf_array(kv->value); gguf_array_next(&array); i++) {
		if (i < layer)
			continue;
		item = (struct gguf_kv){ .type = array.type,
					 .value = array.item };
		return gguf_unsigned(&item, value);
	}
	return false;
}

static int get_heads(const struct mapper *m, const char *key, uint32_t layer,
		     uint64_t *n, struct error *err)
{
	if (layer_value(hf_key(m->model, key), layer, n) && *n &&
	    *n <= UINT32_MAX)
		return 0;
	return error_set(err, "'%s': '%s.%s' must be an integer greater than 0",
			 m->model->shards[0].source.name, m->arch->gguf, key);
}

/* The numbers of heads of queries, and of keys and values. */
struct heads {
	uint64_t q, kv;
};

static int heads_of(const struct mapper *m, uint32_t layer, struct heads *heads,
		    struct error *err)
{
	static const char kv[] = "attention.head_count_kv";

	if (get_heads(m, "attention.head_count", layer, &heads->q, err))
		return -1;
	heads->kv = heads->q;
	return hf_key(m->model, kv) ? get_heads(m, kv, layer, &heads->kv, err) :
				      0;
}

/* ------------------------------- new tensors ------------------------------ */

/* The next tensor, with the shape, type and place of `from`. */
static struct hf_tensor *add(struct mapper *m, const struct hf_tensor_row *row,
			     const struct hf_match *match,
			     const struct plan_tensor *from, struct error *err)
{
	struct hf_mapping *const mapping = m->mapping;
	struct hf_tensor *const made = &mapping->tensors[mapping->n_tensors];
	char name[HF_NAME_SIZE];

	if (mapping->n_tensors == m->room)
		abort(); /* counted before */
	hf_name_make(name, row->hf, match);
	*made = (struct hf_tensor){
		.row = row,
		.parts = { from },
		.n_parts = 1,
		.name = strdup(name),
		.info = *info_of(from),
		.slice = *from,
	};
	if (!made->name) {
		error_errno(err, "cannot name a tensor");
		return NULL;
	}
	made->info.name = (struct text){ made->name, strlen(made->name) };
	made->tensor = (struct model_tensor){ .info = &made->info,
					      .source = from->tensor->source };
	made->slice.tensor = &made->tensor;
	mapping->n_tensors++;
	return made;
}

/* Computes the sizes from the shape. */
static int measure(struct hf_tensor *made, struct error *err)
{
	struct gguf_fault fault;

	if (gguf_tensor_measure(&made->info, &fault))
		return 0;
	name_tensor(err, made->parts[0]);
	return error_append(err, "cannot become '%s': %s", made->name,
			    fault.why);
}

static void set_shape(struct gguf_tensor *info, unsigned n_dims,
		      const uint64_t *dims)
{
	info->n_dims = n_dims;
	for (unsigned i = 0; i < GGUF_MAX_DIMS; i++)
		info->dims[i] = i < n_dims ? dims[i] : 1;
}

/* Makes it the part of its tensor from weight number `first` on, whole blocks,
 * with the shape that it has. */
static int cut(struct hf_tensor *made, uint64_t first, struct error *err)
{
	const struct plan_tensor *const from = made->parts[0];
	const struct format *const format = info_of(from)->format;

	if (measure(made, err))
		return -1;
	made->info.offset += first / format->block_weights *
			     format->block_bytes;
	if (from->scales)
		made->slice.scales += first / from->scale_weights;
	return 0;
}

static struct view *add_view(struct hf_tensor *made, struct error *err)
{
	made->view = calloc(1, sizeof(*made->view));
	if (!made->view)
		error_errno(err, "cannot rearrange '%s'", made->name);
	return made->view;
}

/* Lets the view have F32 values. */
static int compute(struct hf_tensor *made, struct error *err)
{
	made->view->values = true;
	made->info.format = format_at(FORMAT_F32);
	made->info.type = made->info.format->id;
	made->slice.scales = NULL; /* the parts have them */
	return measure(made, err);
}

static int check_dims(const struct plan_tensor *from, unsigned least,
		      unsigned most, struct error *err)
{
	const unsigned n = info_of(from)->n_dims;

	if (n >= least && n <= most)
		return 0;
	name_tensor(err, from);
	if (least == most)
		return error_append(err, "has %u dimensions, not %u", n, least);
	return error_append(err, "has %u dimensions, not %u to %u", n, least,
			    most);
}

/* -------------------------------- transforms ------------------------------ */

/* A bias is a row of numbers; as if each were a row, they move like those of
 * the weights. */
static uint64_t row_weights(const struct gguf_tensor *info)
{
	return info->n_dims > 1 ? info->dims[0] : 1;
}

static uint64_t count_rows(const struct gguf_tensor *info)
{
	return info->n_weights / row_weights(info);
}

static int check_rows(const struct plan_tensor *from, uint64_t rows,
		      uint64_t heads, struct error *err)
{
	const struct gguf_tensor *const info = info_of(from);

	if (row_weights(info) % info->format->block_weights) {
		name_tensor(err, from);
		return error_append(err, "has type %s, whose blocks are not "
				    "one number each", info->format->name);
	}
	if (rows % heads == 0)
		return 0;
	name_tensor(err, from);
	return error_append(err, "has %" PRIu64 " rows, which are not %" PRIu64
			    " heads", rows, heads);
}

/* Unpermutes the rows of n heads; the tensor may be a part of another. */
static int unpermute(struct hf_tensor *made, uint64_t n, struct error *err)
{
	const uint64_t weights = row_weights(&made->info);
	const uint64_t rows = count_rows(&made->info);
	struct view *view;

	if (check_rows(made->parts[0], rows, 2 * n, err))
		return -1;
	view = add_view(made, err);
	if (!view)
		return -1;
	*view = (struct view){ .n_groups = n, .columns = weights,
			       .n_bands = 2 };
	for (unsigned j = 0; j < 2; j++)
		view->bands[j] = (struct view_band){
			.from = { &made->slice },
			.n_from = 1,
			.rows = rows / n / 2,
			.row_weights = weights,
			.first = j,
			.step = 2,
			.step_group = rows / n,
		};
	return 0;
}

/* Falcon's. */
static int regroup(struct hf_tensor *made, const struct heads *heads,
		   struct error *err)
{
	const uint64_t all = heads->q + 2 * heads->kv;
	const uint64_t weights = row_weights(&made->info);
	const uint64_t rows = count_rows(&made->info);
	const uint64_t rows_q = rows / all * heads->q;
	const uint64_t row_of_band[] = { 0, rows_q,
					 rows_q + rows / all * heads->kv };
	struct view *view;

	if (check_rows(made->parts[0], rows, all, err))
		return -1;
	if (heads->q % heads->kv)
		return error_set(err, "'attention.head_count' is %" PRIu64
				 ", which is not a multiple of "
				 "'attention.head_count_kv', %" PRIu64,
				 heads->q, heads->kv);
	view = add_view(made, err);
	if (!view)
		return -1;
	*view = (struct view){ .n_groups = heads->kv, .columns = weights,
			       .n_bands = 3 };
	for (unsigned i = 0; i < 3; i++) {
		const uint64_t n = i ? 1 : heads->q / heads->kv;

		view->bands[i] = (struct view_band){
			.from = { &made->slice },
			.n_from = 1,
			.rows = rows / all * n,
			.row_weights = weights,
			.first = row_of_band[i],
			.step = 1,
			.step_group = rows / all * n,
		};
	}
	return 0;
}

/* Cuts the rows of queries, keys or values out of those of all three. */
static int cut_fused(struct mapper *m, struct hf_tensor *made, unsigned which,
		     const struct heads *heads, struct error *err)
{
	struct gguf_tensor *const info = &made->info;
	const uint64_t weights = row_weights(info), rows = count_rows(info);
	uint64_t n[3], first = 0, k, v;

	if (!gguf_unsigned(hf_key(m->model, "attention.key_length"), &k))
		k = rows / (heads->q + 2 * heads->kv);
	if (!gguf_unsigned(hf_key(m->model, "attention.value_length"), &v))
		v = k;
	if (!bytes_mul(heads->q, k, &n[0]) || !bytes_mul(heads->kv, k, &n[1]) ||
	    !bytes_mul(heads->kv, v, &n[2]) || n[0] > rows ||
	    n[1] > rows - n[0] || n[2] != rows - n[0] - n[1] || !n[which]) {
		name_tensor(err, made->parts[0]);
		return error_append(err, "has %" PRIu64 " rows, not those of "
				    "%" PRIu64 " queries and %" PRIu64
				    " keys of %" PRIu64 " numbers and as many "
				    "values of %" PRIu64, rows, heads->q,
				    heads->kv, k, v);
	}
	if (check_rows(made->parts[0], n[which], 1, err))
		return -1;
	for (unsigned i = 0; i < which; i++)
		first += n[i];
	info->dims[info->n_dims > 1] = n[which];
	return cut(made, first * weights, err);
}

/* One tensor for each item of the slowest dimension. */
static int split(struct mapper *m, const struct hf_tensor_row *row,
		 struct hf_match match, const struct plan_tensor *from,
		 struct error *err)
{
	const struct gguf_tensor *const info = info_of(from);
	const uint64_t n = info->dims[info->n_dims - 1];
	const uint64_t weights = info->n_weights / n;

	for (uint64_t i = 0; i < n; i++) {
		struct hf_tensor *made;

		match.part = (uint32_t)i;
		made = add(m, row, &match, from, err);
		if (!made)
			return -1;
		set_shape(&made->info, info->n_dims - 1, info->dims);
		if (cut(made, i * weights, err))
			return -1;
	}
	return 0;
}

static int make_row(struct hf_tensor *made, struct error *err)
{
	if (made->info.n_dims == 1)
		set_shape(&made->info, 2,
			  (uint64_t[]){ made->info.dims[0], 1 });
	return check_dims(made->parts[0], 1, 2, err);
}

static int subtract_one(struct hf_tensor *made, struct error *err)
{
	const struct gguf_tensor *const info = info_of(made->parts[0]);
	struct view *const view = add_view(made, err);

	if (!view)
		return -1;
	*view = (struct view){
		.n_groups = 1,
		.columns = info->dims[0],
		.n_bands = 1,
		.bands = { {
			.from = { made->parts[0] },
			.n_from = 1,
			.rows = info->n_weights / info->dims[0],
			.row_weights = info->dims[0],
			.step = 1,
		} },
		.minus_one = true,
	};
	return compute(made, err);
}

/* Transposes the two fastest dimensions; the columns come from the parts in
 * turn. */
static int transpose(struct hf_tensor *made, struct error *err)
{
	const struct gguf_tensor *const info = info_of(made->parts[0]);
	const uint64_t a = info->dims[0], b = info->dims[1];
	struct view *view;

	if (check_dims(made->parts[0], 2, 3, err))
		return -1;
	view = add_view(made, err);
	if (!view)
		return -1;
	set_shape(&made->info, info->n_dims,
		  (uint64_t[]){ b * made->n_parts, a, info->dims[2] });
	*view = (struct view){
		.n_groups = info->dims[2],
		.columns = b * made->n_parts,
		.n_bands = 1,
		.bands = { {
			.from = { made->parts[0], made->parts[1] },
			.n_from = made->n_parts,
			.transposed = true,
			.rows = a,
			.row_weights = a,
			.step = 1,
			.step_group = b,
		} },
	};
	return compute(made, err);
}

/* The same for rows of numbers: as if each number were a row. */
static int interleave(struct hf_tensor *made, struct error *err)
{
	const struct gguf_tensor *const info = info_of(made->parts[0]);
	const uint64_t n = info->dims[0];
	struct view *view;

	if (check_dims(made->parts[0], 1, 2, err))
		return -1;
	for (unsigned i = 0; i < made->n_parts; i++)
		if (info_of(made->parts[i])->format->block_weights != 1) {
			name_tensor(err, made->parts[i]);
			return error_append(err, "has type %s, whose blocks "
					    "are not one number each",
					    info_of(made->parts[i])
						    ->format->name);
		}
	view = add_view(made, err);
	if (!view)
		return -1;
	set_shape(&made->info, info->n_dims,
		  (uint64_t[]){ 2 * n, info->dims[1] });
	*view = (struct view){
		.n_groups = info->dims[1],
		.columns = 2 * n,
		.n_bands = 1,
		.bands = { {
			.from = { made->parts[0], made->parts[1] },
			.n_from = 2,
			.transposed = true,
			.rows = 1,
			.row_weights = 1,
			.step = 1,
			.step_group = n,
		} },
	};
	return compute(made, err);
}

/* Two tensors of a shape each become one. */
static int check_same_shape(const struct hf_tensor *made, struct error *err)
{
	const struct gguf_tensor *const a = info_of(made->parts[0]);
	const struct gguf_tensor *const b = info_of(made->parts[1]);
	char name[ESCAPE_MESSAGE_SIZE];

	if (a->n_dims == b->n_dims && !memcmp(a->dims, b->dims,
					      sizeof(a->dims)))
		return 0;
	name_tensor(err, made->parts[0]);
	return error_append(err, "and '%s' have different shapes",
			    escape_text(name, sizeof(name), b->name));
}

/* For each head the first part, transposed, above the second. */
static int stack(struct hf_tensor *made, struct error *err)
{
	const struct gguf_tensor *const k = info_of(made->parts[0]);
	const struct gguf_tensor *const v = info_of(made->parts[1]);
	const uint64_t columns = v->dims[0], heads = v->dims[2];
	struct view *view;
	uint64_t rows;

	if (check_dims(made->parts[0], 3, 3, err) ||
	    check_dims(made->parts[1], 3, 3, err))
		return -1;
	if (k->dims[1] != columns || k->dims[2] != heads) {
		name_tensor(err, made->parts[0]);
		return error_append(err, "has the dimensions 1 and 2 %" PRIu64
				    " and %" PRIu64 ", not %" PRIu64
				    " and %" PRIu64, k->dims[1], k->dims[2],
				    columns, heads);
	}
	view = add_view(made, err);
	if (!view)
		return -1;
	*view = (struct view){
		.n_groups = heads,
		.columns = columns,
		.n_bands = 2,
		.bands = { {
			.from = { made->parts[0] },
			.n_from = 1,
			.transposed = true,
			.rows = k->dims[0],
			.row_weights = k->dims[0],
			.step = 1,
			.step_group = columns,
		}, {
			.from = { made->parts[1] },
			.n_from = 1,
			.rows = v->dims[1],
			.row_weights = columns,
			.step = 1,
			.step_group = v->dims[1],
		} },
	};
	/* Neither product overflows: both tensors have these weights. */
	rows = (k->dims[0] + v->dims[1]) * heads;
	set_shape(&made->info, 2, (uint64_t[]){ columns, rows });
	return compute(made, err);
}

/* ---------------------------------- parts --------------------------------- */

/* The transform of the second part; the first one's is just before it. */
static bool is_second(enum hf_transform transform)
{
	return transform == HF_ODD || transform == HF_TRANSPOSE_ODD ||
	       transform == HF_STACK;
}

static bool is_first(enum hf_transform transform)
{
	return transform == HF_EVEN || transform == HF_TRANSPOSE_EVEN ||
	       transform == HF_STACK_TRANSPOSED;
}

static int compare_names(const void *a, const void *b)
{
	const struct plan_tensor *const *const x = a, *const *const y = b;

	return bytes_compare(info_of(*x)->name, info_of(*y)->name);
}

static const struct plan_tensor *find(const struct mapper *m, const char *name)
{
	const struct gguf_tensor info = { .name = { name, strlen(name) } };
	const struct model_tensor tensor = { .info = &info };
	const struct plan_tensor planned = { .tensor = &tensor };
	const struct plan_tensor *const key = &planned;
	const struct plan_tensor *const *const found =
		bsearch(&key, m->by_name, m->mapping->n_source,
			sizeof(struct plan_tensor *), compare_names);

	return found ? *found : NULL;
}

/* The row for the other part of what the row makes. */
static const struct hf_tensor_row *other_row(const struct mapper *m,
					     const struct hf_tensor_row *row)
{
	for (size_t i = 0; i < m->arch->n_tensors; i++) {
		const struct hf_tensor_row *const other = &m->arch->tensors[i];

		if (other != row && other->hf && !strcmp(other->hf, row->hf) &&
		    (is_first(other->transform) || is_second(other->transform)))
			return other;
	}
	abort(); /* the table lacks it */
}

static int join(struct hf_tensor *made, struct error *err)
{
	switch (made->row->transform) {
	case HF_EVEN:
		return check_same_shape(made, err) || interleave(made, err);
	case HF_TRANSPOSE_EVEN:
		return check_same_shape(made, err) || transpose(made, err);
	default:
		return stack(made, err);
	}
}

/* Makes a tensor from two, when the first of them in the plan comes. */
static int make_from_two(struct mapper *m, const struct hf_tensor_row *row,
			 const struct hf_match *match,
			 const struct plan_tensor *from, struct error *err)
{
	const struct hf_tensor_row *const other = other_row(m, row);
	const bool second = is_second(row->transform);
	const struct plan_tensor *partner;
	struct hf_tensor *made;
	char name[HF_NAME_SIZE];

	hf_name_make(name, other->gguf, match);
	partner = find(m, name);
	if (!partner) {
		name_tensor(err, from);
		return error_append(err, "cannot be written without '%s'",
				    name);
	}
	if (partner < from)
		return 0; /* made already */
	if (partner->type != from->type) {
		name_tensor(err, from);
		return error_append(err, "and '%s' become one tensor, but are "
				    "to be written as different types", name);
	}
	made = add(m, second ? other : row, match, from, err);
	if (!made)
		return -1;
	made->parts[second] = from;
	made->parts[!second] = partner;
	made->n_parts = 2;
	return join(made, err) ? -1 : 0;
}

/* ---------------------------------- rows ---------------------------------- */

static int make_heads(struct mapper *m, struct hf_tensor *made,
		      const struct hf_match *match, struct error *err)
{
	struct heads heads;

	if (heads_of(m, match->layer, &heads, err))
		return -1;
	switch (made->row->transform) {
	case HF_UNPERMUTE_Q:
		return unpermute(made, heads.q, err);
	case HF_UNPERMUTE_K:
		return unpermute(made, heads.kv, err);
	case HF_FUSED_Q:
		return cut_fused(m, made, 0, &heads, err);
	case HF_FUSED_K:
		return cut_fused(m, made, 1, &heads, err);
	case HF_FUSED_V:
		return cut_fused(m, made, 2, &heads, err);
	case HF_FUSED_UNPERMUTE_Q:
		return cut_fused(m, made, 0, &heads, err) ||
		       unpermute(made, heads.q, err);
	case HF_FUSED_UNPERMUTE_K:
		return cut_fused(m, made, 1, &heads, err) ||
		       unpermute(made, heads.kv, err);
	default:
		return regroup(made, &heads, err);
	}
}

static int make(struct mapper *m, const struct hf_tensor_row *row,
		const struct hf_match *match, const struct plan_tensor *from,
		struct error *err)
{
	struct hf_tensor *made;

	if (row->transform == HF_SPLIT)
		return split(m, row, *match, from, err);
	if (is_first(row->transform) || is_second(row->transform))
		return make_from_two(m, row, match, from, err);
	made = add(m, row, match, from, err);
	if (!made)
		return -1;
	switch (row->transform) {
	case HF_COPY:
		return 0;
	case HF_MINUS_ONE:
		return subtract_one(made, err);
	case HF_ROW:
		return make_row(made, err);
	case HF_TRANSPOSE:
		return transpose(made, err);
	default:
		return make_heads(m, made, match, err) ? -1 : 0;
	}
}

static bool is_dropped(const struct hf_tensor_row *row)
{
	return !row->hf;
}

/* Whether the row is about the tensor at hand, number i of the plan. */
static bool applies(const struct mapper *m, size_t row, size_t i,
		    struct hf_match *match)
{
	const struct hf_tensor_row *const r = &m->arch->tensors[row];

	*match = (struct hf_match){ false };
	if (r->transform == HF_DROP)
		return !fnmatch(r->gguf, m->name, 0);
	return m->active[row] &&
	       hf_name_matches(r->gguf, info_of(&m->mapping->source[i])->name,
			       match);
}

static int check_tensor(const struct mapper *m, const struct plan_tensor *from,
			const struct hf_match *match, struct error *err)
{
	const struct gguf_tensor *const info = info_of(from);

	if (match->has_layer && match->layer >= m->n_layers) {
		name_tensor(err, from);
		return error_append(err, "is of layer %" PRIu32
				    ", but '%s.block_count' is %" PRIu64,
				    match->layer, m->arch->gguf, m->n_layers);
	}
	if (info->format->kind == FORMAT_KIND_INTEGER) {
		name_tensor(err, from);
		return error_append(err, "has type %s, which is no weights",
				    info->format->name);
	}
	if (!info->n_weights) {
		name_tensor(err, from);
		return error_append(err, "is empty");
	}
	return 0;
}

static int use_tensor(struct mapper *m, size_t i, struct error *err)
{
	struct hf_mapping *const mapping = m->mapping;
	const struct plan_tensor *const from = &mapping->source[i];
	bool used = false;

	plan_copy_name(m->name, info_of(from)->name);
	for (size_t k = 0; k < m->arch->n_tensors; k++) {
		const struct hf_tensor_row *const row = &m->arch->tensors[k];
		struct hf_match match;

		if (!applies(m, k, i, &match))
			continue;
		used = true;
		if (is_dropped(row)) {
			mapping->dropped[mapping->n_dropped++] = from;
			break;
		}
		if (check_tensor(m, from, &match, err) ||
		    make(m, row, &match, from, err))
			return -1;
		if (!match.is_bias)
			m->made[k * m->n_layers + match.layer] = true;
	}
	if (used)
		return 0;
	name_tensor(err, from);
	return error_append(err, "is not known for %s; exclude it with "
			    "'--exclude' if the checkpoint is right without it",
			    m->arch->class_name);
}

/* ---------------------------------- checks -------------------------------- */

static struct text name_at(const void *table, size_t i)
{
	const struct hf_tensor *const tensors = table;

	return tensors[i].info.name;
}

static int check_names(const struct hf_mapping *mapping, struct error *err)
{
	const struct hf_tensor *const tensors = mapping->tensors;
	char name[ESCAPE_MESSAGE_SIZE];
	size_t a, b;
	const int result = repeat_find(tensors, mapping->n_tensors, name_at,
				       &a, &b, err);

	if (result <= 0)
		return result;
	name_tensor(err, tensors[b].parts[0]);
	return error_append(err, "would become '%s', as '%s' does",
			    tensors[b].name,
			    escape_text(name, sizeof(name),
					info_of(tensors[a].parts[0])->name));
}

/* Whether any row made the same tensor of that layer. */
static bool is_made(const struct mapper *m, const char *hf, uint64_t layer)
{
	for (size_t i = 0; i < m->arch->n_tensors; i++) {
		const struct hf_tensor_row *const row = &m->arch->tensors[i];

		if (row->hf && !strcmp(row->hf, hf) &&
		    m->made[i * m->n_layers + layer])
			return true;
	}
	return false;
}

static int check_whole(const struct mapper *m, struct error *err)
{
	for (size_t i = 0; i < m->arch->n_tensors; i++) {
		const struct hf_tensor_row *const row = &m->arch->tensors[i];
		const bool layers = strchr(row->gguf, '#');
		char name[HF_NAME_SIZE];

		if (is_dropped(row) || row->when.fact == HF_MAYBE ||
		    !m->active[i])
			continue;
		for (uint64_t k = 0; k < (layers ? m->n_layers : 1); k++) {
			const struct hf_match match = { layers, (uint32_t)k, 0,
							false };

			if (is_made(m, row->hf, k))
				continue;
			hf_name_make(name, row->gguf, &match);
			return error_set(err, "'%s' lacks tensor '%s', which "
					 "%s needs",
					 m->model->shards[0].source.name, name,
					 m->arch->class_name);
		}
	}
	return 0;
}

/* --------------------------------- mapping -------------------------------- */

/* What a tensor takes: itself, with its name and perhaps a view, and what the
 * plan and a sink have of it. */
static size_t bytes_of(enum hf_transform transform)
{
	const bool viewed = transform != HF_COPY && transform != HF_SPLIT;

	return sizeof(struct hf_tensor) + HF_NAME_SIZE / 2 +
	       3 * sizeof(struct plan_tensor) +
	       (viewed ? sizeof(struct view) : 0);
}

/* How many tensors one of the file becomes, at most. */
static uint64_t count_made(enum hf_transform transform,
			   const struct gguf_tensor *info)
{
	return transform == HF_SPLIT && info->n_dims ?
	       info->dims[info->n_dims - 1] : 1;
}

static int count_tensors(struct mapper *m, size_t memory, struct error *err)
{
	for (size_t i = 0; i < m->mapping->n_source; i++) {
		const struct gguf_tensor *const info =
			info_of(&m->mapping->source[i]);
		struct hf_match match;

		plan_copy_name(m->name, info->name);
		for (size_t k = 0; k < m->arch->n_tensors; k++) {
			const enum hf_transform transform =
				m->arch->tensors[k].transform;
			const uint64_t n = count_made(transform, info);

			if (!applies(m, k, i, &match))
				continue;
			if (n > (memory - m->mapping->memory) /
				bytes_of(transform)) {
				name_tensor(err, &m->mapping->source[i]);
				return error_append(err, "would become %" PRIu64
						    " tensors, more than "
						    "'--memory' has room for",
						    n);
			}
			m->room += (size_t)n;
			m->mapping->memory += (size_t)n * bytes_of(transform);
		}
	}
	return 0;
}

static int set_layers(struct mapper *m, struct error *err)
{
	if (gguf_unsigned(hf_key(m->model, "block_count"), &m->n_layers) &&
	    m->n_layers && m->n_layers <= MAX_LAYERS)
		return 0;
	return error_set(err, "'%s': '%s.block_count' must be an integer from "
			 "1 to %d", m->model->shards[0].source.name,
			 m->arch->gguf, MAX_LAYERS);
}

static int make_room(struct mapper *m, size_t memory, struct error *err)
{
	struct hf_mapping *const mapping = m->mapping;
	const size_t n = mapping->n_source, n_rows = m->arch->n_tensors;

	m->active = calloc(n_rows, sizeof(*m->active));
	m->made = calloc(n_rows * (size_t)m->n_layers, sizeof(*m->made));
	m->by_name = calloc(n + 1, sizeof(struct plan_tensor *));
	m->name = malloc(GGUF_MAX_NAME + 1);
	mapping->dropped = calloc(n + 1, sizeof(struct plan_tensor *));
	if (!m->active || !m->made || !m->by_name || !m->name ||
	    !mapping->dropped)
		return error_errno(err, "cannot name %zu tensors", n);
	for (size_t i = 0; i < n_rows; i++)
		m->active[i] = hf_condition_holds(&m->arch->tensors[i].when,
						  m->model);
	for (size_t i = 0; i < n; i++)
		m->by_name[i] = &mapping->source[i];
	qsort(m->by_name, n, sizeof(struct plan_tensor *), compare_names);
	if (count_tensors(m, memory, err))
		return -1;
	mapping->tensors = calloc(m->room + 1, sizeof(*mapping->tensors));
	if (!mapping->tensors)
		return error_errno(err, "cannot make %zu tensors", m->room);
	return 0;
}

/* Lets the plan have the new tensors. */
static int set_plan(const struct hf_mapping *mapping, struct plan *plan,
		    struct error *err)
{
	plan->n_tensors = mapping->n_tensors;
	for (size_t i = 0; i < plan->n_tensors; i++) {
		plan->tensors[i] = mapping->tensors[i].slice;
		plan->tensors[i].view = mapping->tensors[i].view;
	}
	return plan_place(plan, err);
}

static int map_tensors(struct mapper *m, bool selected, struct error *err)
{
	for (size_t i = 0; i < m->mapping->n_source; i++)
		if (use_tensor(m, i, err))
			return -1;
	if (check_names(m->mapping, err))
		return -1;
	return selected ? 0 : check_whole(m, err);
}

int hf_mapping_init(struct hf_mapping *mapping,
		    const struct hf_architecture *architecture,
		    const struct model *model, struct plan *plan, bool selected,
		    size_t memory, struct error *err)
{
	struct mapper m = { .mapping = mapping, .arch = architecture,
			    .model = model };
	struct plan_tensor *tensors;
	int result = -1;

	*mapping = (struct hf_mapping){ .source = plan->tensors,
					.n_source = plan->n_tensors };
	if (set_layers(&m, err) || make_room(&m, memory, err) ||
	    map_tensors(&m, selected, err))
		goto out_free;
	tensors = calloc(mapping->n_tensors + 1, sizeof(*tensors));
	if (!tensors) {
		error_errno(err, "cannot plan %zu tensors",
			    mapping->n_tensors);
		goto out_free;
	}
	plan->tensors = tensors;
	result = set_plan(mapping, plan, err);
out_free:
	free(m.active);
	free(m.made);
	free(m.by_name);
	free(m.name);
	if (result) {
		if (mapping->source == plan->tensors)
			mapping->source = NULL; /* still the plan's */
		hf_mapping_release(mapping);
	}
	return result;
}

void hf_mapping_release(struct hf_mapping *mapping)
{
	for (size_t i = 0; i < mapping->n_tensors; i++) {
		free(mapping->tensors[i].name);
		free(mapping->tensors[i].view);
	}
	free(mapping->tensors);
	free(mapping->dropped);
	free(mapping->source);
	*mapping = (struct hf_mapping){ .source = NULL };
}

const char *hf_transform_name(enum hf_transform transform)
{
	static const char *const names[] = {
		[HF_COPY] = "copy",
		[HF_MINUS_ONE] = "minus one",
		[HF_ROW] = "reshape",
		[HF_SPLIT] = "split",
		[HF_TRANSPOSE] = "transpose",
		[HF_UNPERMUTE_Q] = "unpermute",
		[HF_UNPERMUTE_K] = "unpermute",
		[HF_FUSED_Q] = "split rows",
		[HF_FUSED_K] = "split rows",
		[HF_FUSED_V] = "split rows",
		[HF_FUSED_UNPERMUTE_Q] = "split, unpermute",
		[HF_FUSED_UNPERMUTE_K] = "split, unpermute",
		[HF_REGROUP_QKV] = "regroup",
		[HF_EVEN] = "interleave",
		[HF_ODD] = "interleave",
		[HF_TRANSPOSE_EVEN] = "transpose, interleave",
		[HF_TRANSPOSE_ODD] = "transpose, interleave",
		[HF_STACK_TRANSPOSED] = "transpose, stack",
		[HF_STACK] = "stack",
		[HF_DROP] = "drop",
		[HF_VALUES] = "to config.json",
	};

	return names[transform];
}

#include "hf/transform.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/escape.h"

static const struct gguf_tensor *info_of(const struct plan_tensor *tensor)
{
	return tensor->tensor->info;
}

int hf_name_tensor(struct error *err, const struct plan_tensor *tensor)
{
	return error_set(err, "'%s': tensor '%s' ",
			 tensor->tensor->source->name,
			 ESCAPED(info_of(tensor)->name));
}

/* --------------------------------- metadata ------------------------------- */

struct hf_attention hf_attention_of(const struct model *model,
				    const struct hf_architecture *architecture)
{
	return (struct hf_attention){
		.file = model->shards[0].source.name,
		.prefix = architecture->gguf,
		.head_count = hf_key(model, ".attention.head_count"),
		.head_count_kv = hf_key(model, ".attention.head_count_kv"),
		.key_length = hf_key(model, ".attention.key_length"),
		.value_length = hf_key(model, ".attention.value_length"),
	};
}

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

/* The attention of the layer that a tensor is in. */
struct place {
	const struct hf_attention *attention;
	uint32_t layer;
};

static int get_heads(const struct place *place, const struct gguf_kv *kv,
		     const char *key, uint64_t *n, struct error *err)
{
	if (layer_value(kv, place->layer, n) && *n && *n <= UINT32_MAX)
		return 0;
	return error_set(err, "'%s': '%s.attention.%s' must be an integer "
			 "greater than 0", place->attention->file,
			 place->attention->prefix, key);
}

/* The numbers of heads of queries, and of keys and values. */
struct heads {
	uint64_t q, kv;
};

static int heads_of(const struct place *place, struct heads *heads,
		    struct error *err)
{
	const struct gguf_kv *const q = place->attention->head_count;
	const struct gguf_kv *const kv = place->attention->head_count_kv;

	if (get_heads(place, q, "head_count", &heads->q, err))
		return -1;
	heads->kv = heads->q;
	return kv ? get_heads(place, kv, "head_count_kv", &heads->kv, err) : 0;
}

/* --------------------------------- shapes --------------------------------- */

/* Computes the sizes from the shape. */
static int measure(struct hf_tensor *made, struct error *err)
{
	struct gguf_fault fault;

	if (gguf_tensor_measure(&made->info, &fault))
		return 0;
	hf_name_tensor(err, made->parts[0]);
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

/* A view decodes only runs of blocks, and moves only rows that are one. */
static int refuse_rows(const struct plan_tensor *from, struct error *err)
{
	const struct format *const format = info_of(from)->format;

	hf_name_tensor(err, from);
	return error_append(err, "has type %s, which '--format hf' cannot "
			    "rearrange, since its rows %s; convert the file "
			    "with '--format gguf' first", format->name,
			    format->group_rows > 1  ? "are interleaved" :
			    format->group_rows == 1 ? "have headers" :
						      "share one scale");
}

/* Makes it the part of its tensor from weight number `first` on, whole blocks,
 * with the shape that it has. */
static int cut(struct hf_tensor *made, uint64_t first, struct error *err)
{
	const struct plan_tensor *const from = made->parts[0];
	const struct format *const format = info_of(from)->format;
	const uint64_t row = made->info.dims[0];
	const uint64_t group = row * format->group_rows; /* of rows */

	if (format_has_rows(format) &&
	    (!group || first % group ||
	     made->info.dims[1] % format->group_rows))
		return refuse_rows(from, err);
	if (measure(made, err))
		return -1;
	made->info.offset += format_run_bytes(
		format, first / format->block_weights,
		row / format->block_weights);
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
	for (unsigned i = 0; i < made->n_parts; i++)
		if (format_has_rows(info_of(made->parts[i])->format))
			return refuse_rows(made->parts[i], err);
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
	hf_name_tensor(err, from);
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
		hf_name_tensor(err, from);
		return error_append(err, "has type %s, whose blocks are not "
				    "one number each", info->format->name);
	}
	if (heads > 1 && info->format->group_rows != 1)
		return refuse_rows(from, err);
	if (rows % heads == 0)
		return 0;
	hf_name_tensor(err, from);
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

static int regroup_rows(struct hf_tensor *made, const struct heads *heads,
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

/* Falcon's. */
static int regroup(struct hf_tensor *made, const struct place *place,
		   struct error *err)
{
	struct heads heads;

	return heads_of(place, &heads, err) ||
	       regroup_rows(made, &heads, err);
}

/* Cuts the rows of queries, keys or values out of those of all three. */
static int cut_fused(struct hf_tensor *made, unsigned which,
		     const struct hf_attention *attention,
		     const struct heads *heads, struct error *err)
{
	struct gguf_tensor *const info = &made->info;
	const uint64_t weights = row_weights(info), rows = count_rows(info);
	uint64_t n[3], first = 0, k, v;

	if (check_dims(made->parts[0], 1, 2, err))
		return -1;
	if (!gguf_unsigned(attention->key_length, &k))
		k = rows / (heads->q + 2 * heads->kv);
	if (!gguf_unsigned(attention->value_length, &v))
		v = k;
	if (!bytes_mul(heads->q, k, &n[0]) || !bytes_mul(heads->kv, k, &n[1]) ||
	    !bytes_mul(heads->kv, v, &n[2]) || n[0] > rows ||
	    n[1] > rows - n[0] || n[2] != rows - n[0] - n[1] || !n[which]) {
		hf_name_tensor(err, made->parts[0]);
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

static int make_row(struct hf_tensor *made, const struct place *place,
		    struct error *err)
{
	(void)place;
	if (made->info.n_dims == 1)
		set_shape(&made->info, 2,
			  (uint64_t[]){ made->info.dims[0], 1 });
	return check_dims(made->parts[0], 1, 2, err);
}

static int subtract_one(struct hf_tensor *made, const struct place *place,
			struct error *err)
{
	const struct gguf_tensor *const info = info_of(made->parts[0]);
	struct view *const view = add_view(made, err);

	(void)place;
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

/* Checks that two tensors that become one have the same shape. */
static int check_same_shape(const struct hf_tensor *made, struct error *err)
{
	const struct gguf_tensor *const a = info_of(made->parts[0]);
	const struct gguf_tensor *const b = info_of(made->parts[1]);

	if (a->n_dims == b->n_dims && !memcmp(a->dims, b->dims,
					      sizeof(a->dims)))
		return 0;
	hf_name_tensor(err, made->parts[0]);
	return error_append(err, "and '%s' have different shapes",
			    ESCAPED(b->name));
}

/* Transposes the two fastest dimensions; the columns come from the parts in
 * turn. */
static int transpose(struct hf_tensor *made, const struct place *place,
		     struct error *err)
{
	const struct gguf_tensor *const info = info_of(made->parts[0]);
	const uint64_t a = info->dims[0], b = info->dims[1];
	struct view *view;

	(void)place;
	if ((made->n_parts > 1 && check_same_shape(made, err)) ||
	    check_dims(made->parts[0], 2, 3, err))
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
static int interleave(struct hf_tensor *made, const struct place *place,
		      struct error *err)
{
	const struct gguf_tensor *const info = info_of(made->parts[0]);
	const uint64_t n = info->dims[0];
	struct view *view;

	(void)place;
	if (check_same_shape(made, err) ||
	    check_dims(made->parts[0], 1, 2, err))
		return -1;
	for (unsigned i = 0; i < made->n_parts; i++)
		if (info_of(made->parts[i])->format->block_weights != 1) {
			hf_name_tensor(err, made->parts[i]);
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

static int check_stack(const struct hf_tensor *made, struct error *err)
{
	const struct gguf_tensor *const k = info_of(made->parts[0]);
	const struct gguf_tensor *const v = info_of(made->parts[1]);

	if (check_dims(made->parts[0], 3, 3, err) ||
	    check_dims(made->parts[1], 3, 3, err))
		return -1;
	if (k->dims[1] == v->dims[0] && k->dims[2] == v->dims[2])
		return 0;
	hf_name_tensor(err, made->parts[0]);
	return error_append(err, "has the dimensions 1 and 2 %" PRIu64
			    " and %" PRIu64 ", not %" PRIu64 " and %" PRIu64,
			    k->dims[1], k->dims[2], v->dims[0], v->dims[2]);
}

/* For each head the first part, transposed, above the second. */
static int stack(struct hf_tensor *made, const struct place *place,
		 struct error *err)
{
	const struct gguf_tensor *const k = info_of(made->parts[0]);
	const struct gguf_tensor *const v = info_of(made->parts[1]);
	const uint64_t columns = v->dims[0], heads = v->dims[2];
	struct view *view;
	uint64_t rows;

	(void)place;
	if (check_stack(made, err))
		return -1;
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

int hf_take_item(struct hf_tensor *made, uint64_t i, struct error *err)
{
	const struct gguf_tensor *const info = info_of(made->parts[0]);
	const unsigned n = info->n_dims - 1;

	set_shape(&made->info, n, info->dims);
	return cut(made, i * (info->n_weights / info->dims[n]), err);
}

/* -------------------------------- the table ------------------------------- */

static int move_heads(struct hf_tensor *made, const struct place *place,
		      struct error *err);

/* Queries, keys and values, in the order of a fused tensor's rows. */
enum { Q, K, V };

static const struct transform {
	const char *name; /* for a listing */

	/* Gives the tensor its shape and its view. NULL: it is as it was, or
	 * the first of two parts makes it. */
	int (*make)(struct hf_tensor *made, const struct place *place,
		    struct error *err);
	unsigned of;       /* for move_heads: Q, K or V */
	bool cuts;         /* out of all three */
	bool unpermutes;
	bool first, second; /* of two parts */
} transforms[] = {
	[HF_COPY] = { .name = "copy" },
	[HF_MINUS_ONE] = { "minus one", .make = subtract_one },
	[HF_ROW] = { "reshape", .make = make_row },
	[HF_SPLIT] = { .name = "split" }, /* hf_take_item */
	[HF_TRANSPOSE] = { "transpose", .make = transpose },
	[HF_UNPERMUTE_Q] = { "unpermute", move_heads, Q, .unpermutes = true },
	[HF_UNPERMUTE_K] = { "unpermute", move_heads, K, .unpermutes = true },
	[HF_FUSED_Q] = { "split rows", move_heads, Q, .cuts = true },
	[HF_FUSED_K] = { "split rows", move_heads, K, .cuts = true },
	[HF_FUSED_V] = { "split rows", move_heads, V, .cuts = true },
	[HF_FUSED_UNPERMUTE_Q] = { "split, unpermute", move_heads, Q,
				   .cuts = true, .unpermutes = true },
	[HF_FUSED_UNPERMUTE_K] = { "split, unpermute", move_heads, K,
				   .cuts = true, .unpermutes = true },
	[HF_REGROUP_QKV] = { "regroup", .make = regroup },
	[HF_EVEN] = { "interleave", interleave, .first = true },
	[HF_ODD] = { "interleave", .second = true },
	[HF_TRANSPOSE_EVEN] = { "transpose, interleave", transpose,
				.first = true },
	[HF_TRANSPOSE_ODD] = { "transpose, interleave", .second = true },
	[HF_STACK_TRANSPOSED] = { "transpose, stack", stack, .first = true },
	[HF_STACK] = { "stack", .second = true },
	[HF_DROP] = { .name = "drop" },
	[HF_VALUES] = { .name = "to config.json" },
};

static int move_heads(struct hf_tensor *made, const struct place *place,
		      struct error *err)
{
	const struct transform *const t = &transforms[made->row->transform];
	struct heads heads;

	if (heads_of(place, &heads, err) ||
	    (t->cuts && cut_fused(made, t->of, place->attention, &heads, err)))
		return -1;
	if (!t->unpermutes)
		return 0;
	return unpermute(made, t->of == Q ? heads.q : heads.kv, err);
}

bool hf_is_first(enum hf_transform transform)
{
	return transforms[transform].first;
}

bool hf_is_second(enum hf_transform transform)
{
	return transforms[transform].second;
}

int hf_transform(struct hf_tensor *made, uint32_t layer,
		 const struct hf_attention *attention, struct error *err)
{
	const struct transform *const t = &transforms[made->row->transform];

	return t->make ? t->make(made, &(struct place){ attention, layer },
				 err) : 0;
}

const char *hf_transform_name(enum hf_transform transform)
{
	return transforms[transform].name;
}

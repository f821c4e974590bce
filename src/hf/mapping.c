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
	struct hf_attention attention;
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
	made->info.name = text_of(made->name);
	made->tensor = (struct model_tensor){ .info = &made->info,
					      .source = from->tensor->source };
	made->slice.tensor = &made->tensor;
	mapping->n_tensors++;
	return made;
}

/* ---------------------------------- parts --------------------------------- */

static int compare_names(const void *a, const void *b)
{
	const struct plan_tensor *const *const x = a, *const *const y = b;

	return bytes_compare(info_of(*x)->name, info_of(*y)->name);
}

static const struct plan_tensor *find(const struct mapper *m, const char *name)
{
	const struct gguf_tensor info = { .name = text_of(name) };
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
		    (hf_is_first(other->transform) ||
		     hf_is_second(other->transform)))
			return other;
	}
	abort(); /* the table lacks it */
}

static int check_tensor(const struct mapper *m, const struct plan_tensor *from,
			const struct hf_match *match, struct error *err)
{
	const struct gguf_tensor *const info = info_of(from);

	if (match->has_layer && match->layer >= m->n_layers) {
		hf_name_tensor(err, from);
		return error_append(err, "is of layer %" PRIu32
				    ", but '%s.block_count' is %" PRIu64,
				    match->layer, m->arch->gguf, m->n_layers);
	}
	if (info->format->kind == FORMAT_KIND_INTEGER) {
		hf_name_tensor(err, from);
		return error_append(err, "has type %s, which is no weights",
				    info->format->name);
	}
	if (!info->n_weights) {
		hf_name_tensor(err, from);
		return error_append(err, "is empty");
	}
	return 0;
}

/* Makes a tensor from two, when the first of them in the plan comes. */
static int make_from_two(struct mapper *m, const struct hf_tensor_row *row,
			 const struct hf_match *match,
			 const struct plan_tensor *from, struct error *err)
{
	const struct hf_tensor_row *const other = other_row(m, row);
	const bool second = hf_is_second(row->transform);
	const struct plan_tensor *partner;
	struct hf_tensor *made;
	char name[HF_NAME_SIZE];

	hf_name_make(name, other->gguf, match);
	partner = find(m, name);
	if (!partner) {
		hf_name_tensor(err, from);
		return error_append(err, "cannot be written without '%s'",
				    name);
	}
	if (partner < from)
		return 0; /* made already */
	if (check_tensor(m, partner, match, err))
		return -1;
	if (partner->type != from->type) {
		hf_name_tensor(err, from);
		return error_append(err, "and '%s' become one tensor, but are "
				    "to be written as different types", name);
	}
	made = add(m, second ? other : row, match, from, err);
	if (!made)
		return -1;
	made->parts[second] = from;
	made->parts[!second] = partner;
	made->n_parts = 2;
	return hf_transform(made, match->layer, &m->attention, err) ? -1 : 0;
}

/* ---------------------------------- rows ---------------------------------- */

/* One tensor for each item of the slowest dimension. */
static int split(struct mapper *m, const struct hf_tensor_row *row,
		 struct hf_match match, const struct plan_tensor *from,
		 struct error *err)
{
	const struct gguf_tensor *const info = info_of(from);

	if (info->n_dims < 2) {
		hf_name_tensor(err, from);
		return error_append(err, "has %u dimensions, not 2 or more",
				    info->n_dims);
	}
	for (uint64_t i = 0; i < info->dims[info->n_dims - 1]; i++) {
		struct hf_tensor *made;

		match.part = (uint32_t)i;
		made = add(m, row, &match, from, err);
		if (!made || hf_take_item(made, i, err))
			return -1;
	}
	return 0;
}

static int make(struct mapper *m, const struct hf_tensor_row *row,
		const struct hf_match *match, const struct plan_tensor *from,
		struct error *err)
{
	struct hf_tensor *made;

	if (row->transform == HF_SPLIT)
		return split(m, row, *match, from, err);
	if (hf_is_first(row->transform) || hf_is_second(row->transform))
		return make_from_two(m, row, match, from, err);
	made = add(m, row, match, from, err);
	if (!made || hf_transform(made, match->layer, &m->attention, err))
		return -1;
	return 0;
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
	hf_name_tensor(err, from);
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
	size_t a, b;
	const int result = repeat_find(tensors, mapping->n_tensors, name_at,
				       &a, &b, err);

	if (result <= 0)
		return result;
	hf_name_tensor(err, tensors[b].parts[0]);
	return error_append(err, "would become '%s', as '%s' does",
			    tensors[b].name,
			    ESCAPED(info_of(tensors[a].parts[0])->name));
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
				hf_name_tensor(err, &m->mapping->source[i]);
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
	if (gguf_unsigned(hf_key(m->model, ".block_count"), &m->n_layers) &&
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
			    .model = model,
			    .attention = hf_attention_of(model,
							 architecture) };
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

#include "model/model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/resource.h>

#include "base/escape.h"
#include "base/repeat.h"
#include "model/shapes.h"

#define MAX_SHARDS 65535 /* split.count is a u16 */
#define OTHER_FILES 64   /* open files that are not shards, at most */

/* How the path of shard `no` of n ends: "-00001-of-00003.gguf". */
#define SUFFIX_LEN 20
#define NUMBERS_LEN 15 /* without ".gguf", which may be in capitals */
struct suffix {
	char text[SUFFIX_LEN + 1];
};

static struct suffix shard_suffix(uint64_t no, uint64_t n)
{
	struct suffix suffix;

	snprintf(suffix.text, sizeof(suffix.text), "-%05u-of-%05u.gguf",
		 (unsigned)(no + 1) % 100000, (unsigned)n % 100000);
	return suffix;
}

static bool has_suffix(const char *path, struct suffix suffix)
{
	const size_t len = strlen(path);

	return len >= SUFFIX_LEN &&
	       !strncmp(path + len - SUFFIX_LEN, suffix.text, NUMBERS_LEN) &&
	       !strcasecmp(path + len - SUFFIX_LEN + NUMBERS_LEN,
			   suffix.text + NUMBERS_LEN);
}

/* Opens a file as `shard`. Takes what that uses from *memory. */
static int open_shard(struct model *model, struct model_shard *shard,
		      const char *path, size_t *memory, struct error *err)
{
	if (source_open(&shard->source, path, err))
		return -1;
	if (file_set_add(&model->files, shard->source.fd, err) ||
	    gguf_read(&shard->gguf, &shard->source, *memory, err)) {
		source_close(&shard->source);
		return -1;
	}
	*memory -= shard->gguf.memory;
	return 0;
}

static void close_shard(struct model_shard *shard)
{
	gguf_release(&shard->gguf);
	source_close(&shard->source);
}

/* What a shard says of the model that it is a part of. */
struct split {
	uint64_t no, count; /* shard `no`, from 0, of `count` */
	uint64_t n_tensors; /* of all shards together */
};

static int read_integer(const struct model_shard *shard, const char *key,
			uint64_t *value, struct error *err)
{
	if (gguf_unsigned(gguf_find(&shard->gguf, key), value))
		return 0;
	return error_set(err, "'%s' is not a shard of a split model: it has no "
			 "integer '%s'", shard->source.name, key);
}

static int read_split(const struct model_shard *shard, struct split *split,
		      struct error *err)
{
	if (read_integer(shard, "split.no", &split->no, err) ||
	    read_integer(shard, "split.count", &split->count, err) ||
	    read_integer(shard, "split.tensors.count", &split->n_tensors, err))
		return -1;
	if (split->count > MAX_SHARDS || split->no >= split->count)
		return error_set(err, "'%s': split.no is %" PRIu64 " and "
				 "split.count is %" PRIu64 ", but shards count "
				 "from 0 and there are at most %d",
				 shard->source.name, split->no, split->count,
				 MAX_SHARDS);
	return 0;
}

/* Raises the soft limit of open files of this process if n shards need it and
 * the hard limit allows it. */
static int allow_files(const char *name, uint64_t n, struct error *err)
{
	const rlim_t need = n + OTHER_FILES;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return error_errno(err, "cannot get the limit of open files");
	if (limit.rlim_cur >= need)
		return 0;
	if (limit.rlim_max < need)
		return error_set(err, "'%s' has %" PRIu64 " shards, but only %"
				 PRIu64 " files can be open at once; raise "
				 "'ulimit -Hn' to %" PRIu64, name, n,
				 (uint64_t)limit.rlim_max, (uint64_t)need);
	limit.rlim_cur = need;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		return error_errno(err, "cannot set the limit of open files to "
				   "%" PRIu64, (uint64_t)need);
	return 0;
}

/* The shards of a model while they are opened. */
struct opening {
	struct model *model;
	const char *first_name; /* of the file that was opened first */
	struct split split;     /* and what it says of itself */
	size_t memory;
	struct error *err;
};

/* Makes room for all shards, and moves the one that is open to its place. */
static int spread_shards(struct opening *o)
{
	struct model *const model = o->model;
	const struct model_shard first = model->shards[0];
	struct model_shard *shards;

	if (allow_files(o->first_name, o->split.count, o->err))
		return -1;
	shards = reallocarray(model->shards, o->split.count, sizeof(*shards));
	if (!shards)
		return error_errno(o->err, "cannot open the shards of '%s'",
				   o->first_name);
	model->shards = shards;
	model->n_shards = o->split.count;
	for (size_t i = 0; i < model->n_shards; i++)
		shards[i] = (struct model_shard){ .source.fd = -1 };
	shards[o->split.no] = first;
	return 0;
}

/* Checks that `shard`, opened last, is of the same model as the first one. */
static int check_shard(const struct opening *o, const struct model_shard *shard,
		       struct split *split)
{
	if (read_split(shard, split, o->err))
		return -1;

	const struct {
		const char *key;
		uint64_t value, expected;
	} keys[] = {
		{ "split.count", split->count, o->split.count },
		{ "split.tensors.count", split->n_tensors, o->split.n_tensors },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (keys[i].value != keys[i].expected)
			return error_set(o->err, "'%s' is not a shard of the "
					 "model of '%s': its %s is %" PRIu64
					 ", not %" PRIu64, shard->source.name,
					 o->first_name, keys[i].key,
					 keys[i].value, keys[i].expected);
	return 0;
}

/* Opens another shard and puts it in its place. `no`: the number that its name
 * has; SIZE_MAX: none. */
static int add_shard(struct opening *o, const char *path, size_t no)
{
	struct model *const model = o->model;
	struct model_shard shard;
	struct split split;

	if (open_shard(model, &shard, path, &o->memory, o->err))
		return -1;
	if (check_shard(o, &shard, &split))
		goto out_close;
	if (no != SIZE_MAX && split.no != no) {
		error_set(o->err, "'%s' is shard %" PRIu64 " of %" PRIu64
			  ", not shard %zu as its name says",
			  shard.source.name, split.no + 1, split.count, no + 1);
		goto out_close;
	}
	if (model->shards[split.no].source.name) {
		error_set(o->err, "'%s' and '%s' are both shard %" PRIu64
			  " of %" PRIu64, model->shards[split.no].source.name,
			  shard.source.name, split.no + 1, split.count);
		goto out_close;
	}
	model->shards[split.no] = shard;
	return 0;

out_close:
	close_shard(&shard);
	return -1;
}

/* Opens the shards beside the one that is open, which is at `path`. */
static int add_shards_beside(struct opening *o, const char *path)
{
	const int prefix_len = (int)(strlen(path) - SUFFIX_LEN);

	for (size_t no = 0; no < o->split.count; no++) {
		char *shard;
		int result;

		if (no == o->split.no)
			continue;
		/* ".gguf" is written as in `path`. */
		if (asprintf(&shard, "%.*s%.*s%s", prefix_len, path,
			     NUMBERS_LEN, shard_suffix(no, o->split.count).text,
			     path + prefix_len + NUMBERS_LEN) < 0)
			return error_errno(o->err, "cannot open the shards of "
					   "'%s'", o->first_name);
		result = add_shard(o, shard, no);
		free(shard);
		if (result)
			return -1;
	}
	return 0;
}

/* Opens the other shards at paths[1] and so on. */
static int add_shards_at(struct opening *o, const char *const *paths, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (add_shard(o, paths[i], SIZE_MAX))
			return -1;
	for (size_t i = 0; i < o->model->n_shards; i++)
		if (!o->model->shards[i].source.name)
			return error_set(o->err, "shard %zu of %zu is missing: "
					 "'%s' is one of %zu shards, but only "
					 "%zu were given", i + 1,
					 o->model->n_shards, o->first_name,
					 o->model->n_shards, n);
	return 0;
}

static struct text tensor_name(const void *table, size_t i)
{
	return ((const struct model_tensor *)table)[i].info->name;
}

/* Checks that no tensor is missing, and none is in two shards. */
static int check_tensors(const struct model *model, struct error *err)
{
	const struct model_tensor *const tensors = model->tensors;
	size_t earlier, later;
	struct split split;
	int found;

	if (read_split(&model->shards[0], &split, err))
		return -1;
	if (model->n_tensors != split.n_tensors)
		return error_set(err, "'%s': split.tensors.count is %" PRIu64
				 ", but its %zu shards hold %zu tensors",
				 model->shards[0].source.name, split.n_tensors,
				 model->n_shards, model->n_tensors);
	found = repeat_find(tensors, model->n_tensors, tensor_name, &earlier,
			    &later, err);
	if (found <= 0)
		return found;
	return error_set(err, "tensor '%s' is in both '%s' and '%s'",
			 ESCAPED(tensors[later].info->name),
			 tensors[earlier].source->name,
			 tensors[later].source->name);
}

static int collect_tensors(struct model *model, struct error *err)
{
	size_t n = 0;

	for (size_t i = 0; i < model->n_shards; i++)
		n += model->shards[i].gguf.n_tensors;
	model->tensors = calloc(n ? n : 1, sizeof(*model->tensors));
	if (!model->tensors)
		return error_errno(err, "cannot list %zu tensors", n);
	for (size_t i = 0; i < model->n_shards; i++) {
		struct model_shard *const shard = &model->shards[i];

		for (size_t j = 0; j < shard->gguf.n_tensors; j++)
			model->tensors[model->n_tensors++] =
				(struct model_tensor){ &shard->gguf.tensors[j],
						       &shard->source, NULL };
	}
	return 0;
}

static int open_split(struct model *model, const char *const *paths, size_t n,
		      size_t memory, struct error *err)
{
	struct opening o = { .model = model,
			     .first_name = model->shards[0].source.name,
			     .memory = memory,
			     .err = err };
	const struct split *const split = &o.split;

	if (read_split(&model->shards[0], &o.split, err))
		return -1;
	if (n == 1 && split->count > 1 &&
	    !has_suffix(paths[0], shard_suffix(split->no, split->count)))
		return error_set(err, "'%s' is shard %" PRIu64 " of %" PRIu64
				 ", but its name does not end in '%s'; pass "
				 "all shards", o.first_name, split->no + 1,
				 split->count,
				 shard_suffix(split->no, split->count).text);
	if (spread_shards(&o) || (n == 1 ? add_shards_beside(&o, paths[0]) :
					   add_shards_at(&o, paths, n)))
		return -1;
	return 0;
}

static int open_all(struct model *model, const char *const *paths, size_t n,
		    size_t memory, struct error *err)
{
	const struct gguf_kv *count_kv;
	uint64_t count;

	if (open_shard(model, &model->shards[0], paths[0], &memory, err))
		return -1;
	model->n_shards = 1;
	count_kv = gguf_find(&model->shards[0].gguf, "split.count");
	if (n == 1 &&
	    (!count_kv || (gguf_unsigned(count_kv, &count) && count < 2)))
		return collect_tensors(model, err);
	if (open_split(model, paths, n, memory, err) ||
	    collect_tensors(model, err) || check_tensors(model, err))
		return -1;
	return 0;
}

int model_open(struct model *model, const char *const *paths, size_t n,
	       size_t memory, struct error *err)
{
	*model = (struct model){ .shards = calloc(1, sizeof(*model->shards)) };
	if (!model->shards)
		return error_errno(err, "cannot open the model");
	if (open_all(model, paths, n, memory, err) ||
	    shapes_init(model, err)) {
		model_release(model);
		return -1;
	}
	return 0;
}

/* ---------------------------- headerless blocks --------------------------- */

static struct text blocks_name(const char *path)
{
	const char *const slash = strrchr(path, '/');
	const char *const name = slash ? slash + 1 : path;
	const char *const dot = strrchr(name, '.');

	if (!strcmp(path, "-"))
		return text_of("stdin");
	return (struct text){ name, dot && dot > name ? (size_t)(dot - name) :
							strlen(name) };
}

/* Without a shape: one row, or one group of rows, of all that there is. */
static int count_weights(const struct source *src, struct gguf_tensor *tensor,
			 struct error *err)
{
	const struct format *const format = tensor->format;
	const uint64_t rows = format->group_rows > 1 ? format->group_rows : 1;
	const uint64_t header = rows * format->header_bytes;
	const uint64_t block = rows * format->block_bytes;

	if (!src->size)
		return error_set(err, "'%s' is empty", src->name);
	if (src->size <= header || (src->size - header) % block) {
		error_set(err, "'%s' has %" PRIu64 " bytes, but %s comes in "
			  "blocks of %" PRIu64, src->name, src->size,
			  format->name, block);
		if (header)
			error_append(err, " and a header of %" PRIu64, header);
		return -1;
	}
	if (!bytes_mul((src->size - header) / block, format->block_weights,
		       &tensor->dims[0]))
		tensor->dims[0] = UINT64_MAX; /* refused by size_blocks */
	tensor->dims[1] = rows;
	tensor->n_dims = rows > 1 ? 2 : 1;
	return 0;
}

static int size_blocks(struct gguf_tensor *tensor, const char *name,
		       struct error *err)
{
	struct gguf_fault fault;

	if (gguf_tensor_measure(tensor, &fault))
		return 0;
	if (fault.dim == GGUF_FAULT_FORMAT)
		return error_set(err, "'%s': %s", name, fault.why);
	return error_set(err, "'%s': %s %" PRIu64 ": %s", name,
			 gguf_dim_name(fault.dim), tensor->dims[fault.dim],
			 fault.why);
}

static int shape_blocks(struct gguf_tensor *tensor, struct source *src,
			const struct model_blocks *blocks, struct error *err)
{
	tensor->format = blocks->format;
	tensor->n_dims = blocks->n_dims ? blocks->n_dims : 1;
	for (unsigned i = 0; i < GGUF_MAX_DIMS; i++)
		tensor->dims[i] = i < blocks->n_dims ? blocks->dims[i] : 1;
	if (!blocks->n_dims &&
	    (source_spool(src, err) ||
	     count_weights(src, tensor, err)))
		return -1;
	if (size_blocks(tensor, src->name, err))
		return -1;
	return source_end_at(src, tensor->bytes, err);
}

/* Fills the model's one shard, whose source is open. */
static int fill_blocks(struct model *model, struct text name,
		       const struct model_blocks *blocks, struct error *err)
{
	struct model_shard *const shard = &model->shards[0];
	struct gguf *const gguf = &shard->gguf;

	gguf->alignment = 1;
	gguf->header = malloc(name.len + 1); /* what the name points into */
	gguf->tensors = calloc(1, sizeof(*gguf->tensors));
	if (!gguf->header || !gguf->tensors)
		return error_errno(err, "cannot open '%s'", shard->source.name);
	memcpy(gguf->header, name.data, name.len);
	gguf->n_tensors = 1;
	gguf->tensors[0].name =
		(struct text){ (const char *)gguf->header, name.len };
	if (shape_blocks(&gguf->tensors[0], &shard->source, blocks, err))
		return -1;
	return collect_tensors(model, err);
}

int model_open_blocks(struct model *model, const char *path,
		      const struct model_blocks *blocks, struct error *err)
{
	*model = (struct model){ .shards = calloc(1, sizeof(*model->shards)) };
	if (!model->shards)
		return error_errno(err, "cannot open the blocks");
	if (source_open(&model->shards[0].source, path, err))
		goto out_release;
	model->n_shards = 1;
	if (file_set_add(&model->files, model->shards[0].source.fd, err) ||
	    fill_blocks(model, blocks_name(path), blocks, err))
		goto out_release;
	return 0;

out_release:
	model_release(model);
	return -1;
}

int model_check_unchanged(const struct model *model, struct error *err)
{
	for (size_t i = 0; i < model->n_shards; i++)
		if (source_check_unchanged(&model->shards[i].source, err))
			return -1;
	return 0;
}

void model_release(struct model *model)
{
	for (size_t i = 0; i < model->n_shards; i++)
		close_shard(&model->shards[i]);
	free(model->shards);
	free(model->tensors);
	free(model->shapes);
	file_set_release(&model->files);
	*model = (struct model){ .n_shards = 0 };
}

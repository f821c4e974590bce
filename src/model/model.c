#include "model/model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/escape.h"
#include "base/repeat.h"

#define MAX_SHARDS 65535 /* split.count is a u16 */
#define OTHER_FILES 64   /* open ones that are not shards, at most */

/* How the path of shard `no` of n ends: "-00001-of-00003.gguf". */
#define SUFFIX_LEN 20
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
	       !strcmp(path + len - SUFFIX_LEN, suffix.text);
}

/* Opens the next shard. Takes what it uses from *memory. */
static int open_shard(struct model *model, const char *path, size_t *memory,
		      struct error *err)
{
	struct model_shard *const shard = &model->shards[model->n_shards];

	if (source_open(&shard->source, path, err))
		return -1;
	if (file_set_add(&model->files, shard->source.fd, err) ||
	    gguf_read(&shard->gguf, &shard->source, *memory, err)) {
		source_close(&shard->source);
		return -1;
	}
	*memory -= shard->gguf.memory;
	model->n_shards++;
	return 0;
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
	return error_set(err, "'%s': a shard must have the integer '%s'",
			 shard->source.name, key);
}

static int read_split(const struct model_shard *shard, struct split *split,
		      struct error *err)
{
	if (read_integer(shard, "split.no", &split->no, err) ||
	    read_integer(shard, "split.count", &split->count, err) ||
	    read_integer(shard, "split.tensors.count", &split->n_tensors, err))
		return -1;
	return 0;
}

/* Checks that the file at `path` is the first shard, and is named so that the
 * others can be found. */
static int check_first(const struct model_shard *shard, const char *path,
		       const struct split *split, struct error *err)
{
	const char *const name = shard->source.name;
	struct suffix first;

	if (split->count > MAX_SHARDS || split->no >= split->count)
		return error_set(err, "'%s': split.no is %" PRIu64 " and "
				 "split.count is %" PRIu64 ", but they count "
				 "from 0 and to %d at most", name, split->no,
				 split->count, MAX_SHARDS);
	first = shard_suffix(0, split->count);
	if (!has_suffix(path, shard_suffix(split->no, split->count)))
		return error_set(err, "'%s' is shard %" PRIu64 " of %" PRIu64
				 ": give the path of the first, which must end "
				 "in '%s'", name, split->no + 1, split->count,
				 first.text);
	if (split->no)
		return error_set(err, "'%s' is shard %" PRIu64 " of %" PRIu64
				 ": give the first, '%.*s%s'", name,
				 split->no + 1, split->count,
				 (int)(strlen(name) - SUFFIX_LEN), name,
				 first.text);
	return 0;
}

/* Checks that the shard opened last is the next one of the first one's. */
static int check_next(const struct model *model, const struct split *first,
		      struct error *err)
{
	const size_t no = model->n_shards - 1;
	const struct model_shard *const shard = &model->shards[no];
	struct split split;

	if (read_split(shard, &split, err))
		return -1;

	const struct {
		const char *key;
		uint64_t value, expected;
	} keys[] = {
		{ "split.no", split.no, no },
		{ "split.count", split.count, first->count },
		{ "split.tensors.count", split.n_tensors, first->n_tensors },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (keys[i].value != keys[i].expected)
			return error_set(err, "'%s' is not shard %zu of '%s': "
					 "its %s is %" PRIu64 ", not %" PRIu64,
					 shard->source.name, no + 1,
					 model->shards[0].source.name,
					 keys[i].key, keys[i].value,
					 keys[i].expected);
	return 0;
}

/* Raises the soft limit of open files of this process, where n shards need it
 * and the hard limit allows it. */
static int allow_files(const char *name, uint64_t n, struct error *err)
{
	const rlim_t need = n + OTHER_FILES;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return error_errno(err, "cannot get the limit of open files");
	if (limit.rlim_cur >= need)
		return 0;
	if (limit.rlim_max < need)
		return error_set(err, "'%s' has %" PRIu64 " shards, but %"
				 PRIu64 " files can be open at once: raise "
				 "'ulimit -Hn' to %" PRIu64, name, n,
				 (uint64_t)limit.rlim_max, (uint64_t)need);
	limit.rlim_cur = need;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		return error_errno(err, "cannot set the limit of open files to "
				   "%" PRIu64, (uint64_t)need);
	return 0;
}

/* Opens the other shards beside the first one, which is at `path`. */
static int open_others(struct model *model, const char *path,
		       const struct split *first, size_t *memory,
		       struct error *err)
{
	const int prefix_len = (int)(strlen(path) - SUFFIX_LEN);
	const char *const name = model->shards[0].source.name;
	struct model_shard *shards;

	if (allow_files(name, first->count, err))
		return -1;
	shards = reallocarray(model->shards, first->count, sizeof(*shards));
	if (!shards)
		return error_errno(err, "cannot open the shards of '%s'", name);
	model->shards = shards;
	for (uint64_t no = 1; no < first->count; no++) {
		char *shard;
		int result;

		if (asprintf(&shard, "%.*s%s", prefix_len, path,
			     shard_suffix(no, first->count).text) < 0)
			return error_errno(err, "cannot open the shards of "
					   "'%s'", name);
		result = open_shard(model, shard, memory, err);
		free(shard);
		if (result || check_next(model, first, err))
			return -1;
	}
	return 0;
}

static struct text tensor_name(const void *table, size_t i)
{
	return ((const struct model_tensor *)table)[i].info->name;
}

/* Checks that no tensor is missing, and none is in two shards. */
static int check_tensors(const struct model *model, const struct split *first,
			 struct error *err)
{
	const struct model_tensor *const tensors = model->tensors;
	char name[ESCAPE_MESSAGE_SIZE];
	size_t earlier, later;
	int found;

	if (model->n_tensors != first->n_tensors)
		return error_set(err, "'%s': split.tensors.count is %" PRIu64
				 ", but its %zu shards hold %zu tensors",
				 model->shards[0].source.name,
				 first->n_tensors, model->n_shards,
				 model->n_tensors);
	found = repeat_find(tensors, model->n_tensors, tensor_name, &earlier,
			    &later, err);
	if (found <= 0)
		return found;
	return error_set(err, "the tensor '%s' is in '%s' and in '%s'",
			 escape_text(name, sizeof(name),
				     tensors[later].info->name),
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
						       &shard->source };
	}
	return 0;
}

static int open_split(struct model *model, const char *path, size_t memory,
		      struct error *err)
{
	struct split first;

	if (read_split(&model->shards[0], &first, err) ||
	    check_first(&model->shards[0], path, &first, err) ||
	    open_others(model, path, &first, &memory, err) ||
	    collect_tensors(model, err) || check_tensors(model, &first, err))
		return -1;
	return 0;
}

static int open_all(struct model *model, const char *path, size_t memory,
		    struct error *err)
{
	const struct gguf_kv *count_kv;
	uint64_t count;

	if (open_shard(model, path, &memory, err))
		return -1;
	count_kv = gguf_find(&model->shards[0].gguf, "split.count");
	if (!count_kv || (gguf_unsigned(count_kv, &count) && count < 2))
		return collect_tensors(model, err);
	return open_split(model, path, memory, err);
}

int model_open(struct model *model, const char *path, size_t memory,
	       struct error *err)
{
	*model = (struct model){ .shards = calloc(1, sizeof(*model->shards)) };
	if (!model->shards)
		return error_errno(err, "cannot open the model");
	if (open_all(model, path, memory, err)) {
		model_release(model);
		return -1;
	}
	return 0;
}

/* ------------------------- blocks without a header ------------------------ */

static struct text blocks_name(const char *path)
{
	const char *const slash = strrchr(path, '/');
	const char *const name = slash ? slash + 1 : path;
	const char *const dot = strrchr(name, '.');

	if (!strcmp(path, "-"))
		return (struct text){ "stdin", strlen("stdin") };
	return (struct text){ name, dot && dot > name ? (size_t)(dot - name) :
							strlen(name) };
}

/* The shape where none is given: all that is there. */
static int count_weights(const struct source *src, const struct format *format,
			 uint64_t *n_weights, struct error *err)
{
	if (!src->size)
		return error_set(err, "'%s' is empty", src->name);
	if (src->size % format->block_bytes)
		return error_set(err, "'%s' has %" PRIu64 " bytes, but %s comes"
				 " in blocks of %u", src->name, src->size,
				 format->name, format->block_bytes);
	if (!bytes_mul(src->size / format->block_bytes, format->block_weights,
		       n_weights))
		*n_weights = UINT64_MAX; /* refused by who sees it next */
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
	     count_weights(src, blocks->format, &tensor->dims[0], err)))
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

void model_release(struct model *model)
{
	for (size_t i = 0; i < model->n_shards; i++) {
		gguf_release(&model->shards[i].gguf);
		source_close(&model->shards[i].source);
	}
	free(model->shards);
	free(model->tensors);
	file_set_release(&model->files);
	*model = (struct model){ .n_shards = 0 };
}

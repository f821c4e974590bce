#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "hf/files.h"
#include "io/output_stream.h"
#include "sink/file.h"
#include "sink/folder.h"
#include "sink/kinds.h"

/*
 * A folder as Hugging Face's save_pretrained() writes it: safetensors files,
 * each with tensors in the order of the table, as many as fit the size of a
 * shard, or a larger one alone; and an index of which file has which tensor.
 * What is in which shard depends on the plan and that size, on nothing else.
 */
#define INDEX "model.safetensors.index.json"
#define MAX_SHARDS 99999 /* their names have five digits */

/* A shard that is being written; without a file, none is. */
struct shard_file {
	struct sink *file;
	uint64_t left; /* bytes of its tensors that are still to come */
};

struct sink_shards {
	struct sink sink; /* first */
	const struct plan *plan;
	const struct plan *whole; /* of which it may be a part */
	const struct model *model;
	size_t n_shards;  /* of the whole */
	size_t *shard_of; /* of each tensor of the whole */
	size_t first;     /* shard of the plan */
	struct plan *shards; /* the plan's, of parts of `tensors` */
	size_t n;
	struct plan_tensor *tensors; /* a copy of the plan's, whose places are
					those in their shards */
	const struct hf_checkpoint *checkpoint; /* whose other files this part
						   writes; NULL: none */
	struct folder_files files;
	struct folder *folder;
	struct shard_file written[PLAN_MAX_TRACKS]; /* one in each track */
};

/* The number, among the plan's shards, of the one that gets tensor `i`. */
static size_t shard_of(const struct sink_shards *shards, size_t i)
{
	return shards->shard_of[shards->plan->first + i] - shards->first;
}

static bool has_index(const struct sink_shards *shards)
{
	return shards->n_shards > 1 && plan_leads(shards->plan);
}

/* `i` counts the shards of the whole. */
static char *path_of_shard(const struct sink_shards *shards, size_t i,
			   struct error *err)
{
	char *path = NULL;
	const int len =
		shards->n_shards == 1 ?
			asprintf(&path, "model.safetensors") :
			asprintf(&path, "model-%05zu-of-%05zu.safetensors",
				 i + 1, shards->n_shards);

	if (len >= 0)
		return path;
	error_errno(err, "cannot name a shard");
	return NULL;
}

/* Other file number `i` of the checkpoint; NULL past the end. */
static const struct hf_file *other_file(const struct sink_shards *shards,
					size_t i)
{
	return shards->checkpoint ? hf_file_of(shards->checkpoint, i) : NULL;
}

/* The index follows the shards, and then come the other files. */
static char *path_of_file(const void *context, size_t i, struct error *err)
{
	const struct sink_shards *const shards = context;
	const size_t n = shards->n + has_index(shards);
	char *path;

	if (i < shards->n)
		return path_of_shard(shards, shards->first + i, err);
	path = strdup(i < n ? INDEX : other_file(shards, i - n)->name);
	if (!path)
		error_errno(err, "cannot name a file");
	return path;
}

/* --------------------------------- writing -------------------------------- */

static struct output *create_file(struct sink_shards *shards, size_t i,
				  struct error *err)
{
	char *const path = path_of_file(shards, i, err);
	struct output *const output =
		path ? folder_create(shards->folder, path, err) : NULL;

	free(path);
	return output;
}

static size_t file_of(const struct sink *sink, const struct plan_tensor *tensor)
{
	return shard_of((const struct sink_shards *)sink, tensor->index);
}

/* NULL on error. */
static struct sink *open_shard(struct sink_shards *shards, size_t i,
			       struct error *err)
{
	struct output *const output = create_file(shards, i, err);

	return output ? sink_safetensors_open(output, &shards->shards[i],
					      shards->model, err) : NULL;
}

/* Writes to the shard number `i`, from opening it to its last byte. */
static int write_shard(struct sink_shards *shards, struct shard_file *written,
		       size_t i, const struct work_batch *part,
		       const void *values, struct error *err)
{
	struct sink *file = written->file;

	if (!file) {
		file = written->file = open_shard(shards, i, err);
		written->left = shards->shards[i].dst_bytes;
	}
	if (!file || file->write(file, part, values, err))
		return -1;
	written->left -= part->out_bytes;
	if (written->left)
		return 0;
	written->file = NULL;
	return file->finish(file, err);
}

/* Takes the items of a batch from number `i` on, as far as they are in one
 * shard. Returns the number of the first item that is not. */
static size_t take_part(const struct sink_shards *shards,
			const struct work_batch *batch, size_t i,
			struct work_batch *part)
{
	const size_t shard = shard_of(shards, batch->items[i].tensor->index);

	part->track = 0;
	part->n_items = 0;
	part->out_bytes = 0;
	for (; i < batch->n_items; i++) {
		const size_t index = batch->items[i].tensor->index;
		struct work_item *const item = &part->items[part->n_items];

		if (shard_of(shards, index) != shard)
			break;
		*item = batch->items[i];
		item->tensor = &shards->tensors[index];
		part->n_items++;
		part->out_bytes += item->dst_bytes;
	}
	return i;
}

static int write_shards(struct sink *sink, const struct work_batch *batch,
			const void *values, struct error *err)
{
	struct sink_shards *const shards = (struct sink_shards *)sink;
	struct work_batch part;

	for (size_t i = 0; i < batch->n_items;) {
		const size_t shard =
			shard_of(shards, batch->items[i].tensor->index);

		i = take_part(shards, batch, i, &part);
		if (write_shard(shards, &shards->written[batch->track], shard,
				&part, values, err))
			return -1;
	}
	return 0;
}

/* {"metadata": {"total_size": N}, "weight_map": {NAME: FILE, …}} */
static int put_index(const struct sink_shards *shards, FILE *stream,
		     struct error *err)
{
	const struct plan *const whole = shards->whole;
	struct json json;
	size_t shard = SIZE_MAX;
	char *path = NULL;

	json_init(&json, stream, 2);
	json_object(&json);
	json_member_object(&json, "metadata");
	json_member_unsigned(&json, "total_size", whole->dst_bytes);
	json_object_end(&json);
	json_member_object(&json, "weight_map");
	for (size_t i = 0; i < whole->n_tensors; i++) {
		if (shards->shard_of[i] != shard) {
			shard = shards->shard_of[i];
			free(path);
			path = path_of_shard(shards, shard, err);
			if (!path)
				return -1;
		}
		json_key_text(&json, whole->tensors[i].tensor->info->name);
		json_string(&json, path);
	}
	free(path);
	json_object_end(&json);
	json_object_end(&json);
	putc('\n', stream);
	return 0;
}

/* Writes file number `i`: the index, or the `other` one. */
static int write_text(struct sink_shards *shards, size_t i,
		      const struct hf_file *other, struct error *err)
{
	struct output *const output = create_file(shards, i, err);
	struct output_stream text;
	struct error why;
	int result;

	if (!output)
		return -1;
	if (output_stream_open(&text, output, err))
		goto out_abort;
	result = other ? other->write(shards->checkpoint, other, text.stream,
				      &why) :
			 put_index(shards, text.stream, &why);
	if (output_stream_close(&text))
		goto out_abort;
	if (!result)
		return output_finish(output, err);
	*err = why;

out_abort:
	output_abort(output);
	return -1;
}

/* Shards whose tensors have no weights. */
static int write_empty(struct sink_shards *shards, struct error *err)
{
	for (size_t i = 0; i < shards->n; i++) {
		struct sink *file;

		if (shards->shards[i].dst_bytes)
			continue;
		file = open_shard(shards, i, err);
		if (!file || file->finish(file, err))
			return -1;
	}
	return 0;
}

static int write_index(struct sink_shards *shards, struct error *err)
{
	return has_index(shards) ?
	       write_text(shards, shards->n, NULL, err) : 0;
}

/* Writes them when their values are known: before any shard, so that errors
 * show at once, or at the end if the values come from a stream. */
static int write_other_files(struct sink_shards *shards, bool at_end,
			     struct error *err)
{
	const size_t n = shards->n + has_index(shards);
	const struct hf_file *file;

	if (!shards->checkpoint ||
	    hf_checkpoint_has_values(shards->checkpoint) == at_end)
		return 0;
	if (hf_checkpoint_finish_values(shards->checkpoint, err))
		return -1;
	for (size_t i = 0; (file = other_file(shards, i)); i++)
		if (write_text(shards, n + i, file, err))
			return -1;
	return 0;
}

static void abort_shards(struct sink *sink)
{
	struct sink_shards *const shards = (struct sink_shards *)sink;

	for (unsigned i = 0; i < PLAN_MAX_TRACKS; i++) {
		struct sink *const file = shards->written[i].file;

		if (file)
			file->abort(file);
	}
	if (shards->folder)
		folder_close(shards->folder);
	free(shards->shards);
	free(shards->tensors);
	free(shards->shard_of);
	free(shards);
}

static int finish_shards(struct sink *sink, struct error *err)
{
	struct sink_shards *const shards = (struct sink_shards *)sink;
	const int result = write_empty(shards, err) ||
			   write_index(shards, err) ||
			   write_other_files(shards, true, err) ||
			   folder_finish(shards->folder, err);

	abort_shards(sink); /* removes what is left of the temporary folder */
	return result ? -1 : 0;
}

/* --------------------------------- opening -------------------------------- */

/* Finds the shard of each tensor. Returns how many there are: at least 1. */
static size_t divide(const struct plan *plan, uint64_t max_bytes,
		     size_t *shard_of)
{
	uint64_t bytes = 0;
	size_t shard = 0;

	for (size_t i = 0; i < plan->n_tensors; i++) {
		const uint64_t more = plan->tensors[i].dst_bytes;

		if (i && (bytes > max_bytes || more > max_bytes - bytes)) {
			shard++;
			bytes = 0;
		}
		bytes += more;
		shard_of[i] = shard;
	}
	return shard + 1;
}

static size_t *allocate_shards(const struct plan *plan, struct error *err)
{
	size_t *const shard_of = calloc(plan->n_tensors + 1, sizeof(size_t));

	if (!shard_of)
		error_errno(err, "cannot divide %zu tensors into shards",
			    plan->n_tensors);
	return shard_of;
}

size_t *sink_shards_divide(const struct plan *plan, uint64_t max_shard_size,
			   struct error *err)
{
	size_t *const shard_of = allocate_shards(plan, err);

	if (shard_of)
		(void)divide(plan, max_shard_size, shard_of);
	return shard_of;
}

/* Counts the shards of the plan, which is not empty unless the whole is. */
static void count_shards(struct sink_shards *shards)
{
	const struct plan *const plan = shards->plan;
	const size_t *const shard_of = shards->shard_of + plan->first;

	if (plan->n_tensors) {
		shards->first = shard_of[0];
		shards->n = shard_of[plan->n_tensors - 1] - shards->first + 1;
	} else {
		shards->n = !shards->whole->n_tensors && plan_leads(plan);
	}
}

/* The tensors of each shard follow one another. */
static void fill_shards(struct sink_shards *shards)
{
	for (size_t i = 0; i < shards->plan->n_tensors; i++) {
		struct plan *const shard = &shards->shards[shard_of(shards, i)];

		if (!shard->n_tensors++)
			shard->tensors = &shards->tensors[i];
	}
}

/* Divides the whole plan, and so this one. */
static int make_shards(struct sink_shards *shards, uint64_t max_bytes,
		       struct error *err)
{
	const struct plan *const plan = shards->plan;
	const size_t n = plan->n_tensors;

	shards->shard_of = allocate_shards(shards->whole, err);
	if (!shards->shard_of)
		return -1;
	shards->n_shards = divide(shards->whole, max_bytes, shards->shard_of);
	if (shards->n_shards > MAX_SHARDS)
		return error_set(err, "there would be %zu shards, more than "
				 "%d: give a larger '--max-shard-size'",
				 shards->n_shards, MAX_SHARDS);
	count_shards(shards);
	shards->shards = calloc(shards->n + 1, sizeof(*shards->shards));
	shards->tensors = calloc(n + 1, sizeof(*shards->tensors));
	if (!shards->shards || !shards->tensors)
		return error_errno(err, "cannot divide %zu tensors into shards",
				   n);
	memcpy(shards->tensors, plan->tensors, n * sizeof(*plan->tensors));
	fill_shards(shards);
	return 0;
}

/* Gives the plan's tensors places one shard after the other, so that a walk in
 * their order fills one after the other. */
static int place_shards(struct sink_shards *shards, struct plan *plan,
			struct error *err)
{
	uint64_t offset = 0;

	for (size_t i = 0, first = 0; i < shards->n; i++) {
		struct plan *const shard = &shards->shards[i];

		if (plan_place(shard, err))
			return -1;
		plan_align(shard);
		for (size_t k = 0; k < shard->n_tensors; k++)
			plan->tensors[first + k].dst_offset =
				offset + shard->tensors[k].dst_offset;
		offset += shard->dst_bytes;
		first += shard->n_tensors;
	}
	return 0;
}

static int open_shards(struct sink_shards *shards,
		       const struct sink_folder *folder, struct plan *plan,
		       struct error *err)
{
	if (sink_safetensors_check(shards->whole, err) ||
	    make_shards(shards, folder->max_shard_size, err) ||
	    place_shards(shards, plan, err))
		return -1;
	shards->files.n = shards->n + has_index(shards);
	for (size_t i = 0; other_file(shards, i); i++)
		shards->files.n++;
	shards->folder = folder_open(folder->path, folder->options,
				     &shards->files, err);
	return shards->folder ? write_other_files(shards, false, err) : -1;
}

struct sink *sink_shards_open(const struct sink_folder *folder,
			      struct plan *plan, const struct model *model,
			      struct error *err)
{
	struct sink_shards *const shards = malloc(sizeof(*shards));

	if (!shards) {
		error_errno(err, "cannot write shards");
		return NULL;
	}
	*shards = (struct sink_shards){
		.sink = {
			.file_of = file_of,
			.file_bytes = OUTPUT_STREAM_BYTES,
			.write = write_shards,
			.finish = finish_shards,
			.abort = abort_shards,
		},
		.plan = plan,
		.whole = plan->whole ? plan->whole : plan,
		.model = model,
		.checkpoint = plan_leads(plan) ? folder->checkpoint : NULL,
		.files = { .path = path_of_file, .context = shards,
			   .part = plan->part },
	};
	if (!open_shards(shards, folder, plan, err))
		return &shards->sink;
	abort_shards(&shards->sink);
	return NULL;
}

#include <stdlib.h>

#include "pass/file_name.h"
#include "sink/folder.h"
#include "sink/kinds.h"

struct sink_dir {
	struct sink sink; /* first */
	const struct plan *plan;
	struct folder_files files;
	struct folder *folder;
	struct output *file; /* of the tensor that is being written */
};

static char *path_of_tensor(const void *context, size_t i, struct error *err)
{
	const struct plan *const plan = context;

	return file_name_of(&plan->tensors[i], err);
}

static int open_file(struct sink_dir *dir, const struct plan_tensor *tensor,
		     struct error *err)
{
	char *const path = file_name_of(tensor, err);
	int result = -1;

	if (path)
		dir->file = folder_create(dir->folder, path, err);
	if (dir->file)
		result = output_reserve(dir->file, tensor->dst_bytes, err);
	free(path);
	return result;
}

static int close_file(struct sink_dir *dir, struct error *err)
{
	struct output *const file = dir->file;

	dir->file = NULL;
	return output_finish(file, err);
}

static int write_dir(struct sink *sink, const struct work_batch *batch,
		     const void *bytes, struct error *err)
{
	struct sink_dir *const dir = (struct sink_dir *)sink;

	for (size_t i = 0; i < batch->n_items; i++) {
		const struct work_item *const item = &batch->items[i];

		if (!item->dst_offset && open_file(dir, item->tensor, err))
			return -1;
		if (output_write(dir->file, (const char *)bytes + item->out,
				 item->dst_bytes, err))
			return -1;
		if (item->dst_offset + item->dst_bytes ==
		    item->tensor->dst_bytes && close_file(dir, err))
			return -1;
	}
	return 0;
}

static int write_empty(struct sink_dir *dir, struct error *err)
{
	for (size_t i = 0; i < dir->plan->n_tensors; i++)
		if (!dir->plan->tensors[i].dst_bytes &&
		    (open_file(dir, &dir->plan->tensors[i], err) ||
		     close_file(dir, err)))
			return -1;
	return 0;
}

static void abort_dir(struct sink *sink)
{
	struct sink_dir *const dir = (struct sink_dir *)sink;

	if (dir->file)
		output_abort(dir->file);
	if (dir->folder)
		folder_close(dir->folder);
	free(dir);
}

static int finish_dir(struct sink *sink, struct error *err)
{
	struct sink_dir *const dir = (struct sink_dir *)sink;
	const int result = write_empty(dir, err) ||
			   folder_finish(dir->folder, err);

	abort_dir(sink); /* removes what is left of the temporary folder */
	return result ? -1 : 0;
}

struct sink *sink_dir_open(const char *path,
			   const struct output_options *options,
			   uint64_t max_shard_size, struct plan *plan,
			   const struct model *model, struct error *err)
{
	struct sink_dir *const dir = malloc(sizeof(*dir));

	(void)max_shard_size;
	(void)model;
	if (!dir) {
		error_errno(err, "cannot write a folder");
		return NULL;
	}
	*dir = (struct sink_dir){
		.sink = {
			.any_order = true,
			.write = write_dir,
			.finish = finish_dir,
			.abort = abort_dir,
		},
		.plan = plan,
		.files = { plan->n_tensors, path_of_tensor, plan },
	};
	for (size_t i = 0; i < plan->n_tensors; i++)
		plan->tensors[i].dst_offset = 0;
	dir->folder = folder_open(path, options, &dir->files, err);
	if (dir->folder)
		return &dir->sink;
	abort_dir(&dir->sink);
	return NULL;
}

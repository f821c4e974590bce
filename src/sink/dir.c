#include <stdlib.h>

#include "pass/file_name.h"
#include "sink/folder.h"
#include "sink/kinds.h"

struct sink_dir {
	struct sink sink; /* first */
	const struct plan *plan;
	struct folder_files files;
	struct folder *folder;
	struct output *written[PLAN_MAX_TRACKS]; /* a file in each track */
};

static char *path_of_tensor(const void *context, size_t i, struct error *err)
{
	const struct plan *const plan = context;

	return file_name_of(&plan->tensors[i], err);
}

static struct output *open_file(struct sink_dir *dir,
				const struct plan_tensor *tensor,
				struct error *err)
{
	char *const path = file_name_of(tensor, err);
	struct output *const file =
		path ? folder_create(dir->folder, path, err) : NULL;

	free(path);
	if (!file || !output_reserve(file, tensor->dst_bytes, err))
		return file;
	output_abort(file);
	return NULL;
}

static size_t file_of(const struct sink *sink, const struct plan_tensor *tensor)
{
	(void)sink;
	return tensor->index;
}

static int close_file(struct output **written, struct error *err)
{
	struct output *const file = *written;

	*written = NULL;
	return output_finish(file, err);
}

static int write_dir(struct sink *sink, const struct work_batch *batch,
		     const void *bytes, struct error *err)
{
	struct sink_dir *const dir = (struct sink_dir *)sink;
	struct output **const written = &dir->written[batch->track];

	for (size_t i = 0; i < batch->n_items; i++) {
		const struct work_item *const item = &batch->items[i];

		if (!item->dst_offset)
			*written = open_file(dir, item->tensor, err);
		if (!*written ||
		    output_write(*written, (const char *)bytes + item->out,
				 item->dst_bytes, err))
			return -1;
		if (item->dst_offset + item->dst_bytes ==
		    item->tensor->dst_bytes && close_file(written, err))
			return -1;
	}
	return 0;
}

static int write_empty(struct sink_dir *dir, struct error *err)
{
	for (size_t i = 0; i < dir->plan->n_tensors; i++) {
		const struct plan_tensor *const tensor = &dir->plan->tensors[i];
		struct output *file;

		if (tensor->dst_bytes)
			continue;
		file = open_file(dir, tensor, err);
		if (!file || output_finish(file, err))
			return -1;
	}
	return 0;
}

static void abort_dir(struct sink *sink)
{
	struct sink_dir *const dir = (struct sink_dir *)sink;

	for (unsigned i = 0; i < PLAN_MAX_TRACKS; i++)
		if (dir->written[i])
			output_abort(dir->written[i]);
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

struct sink *sink_dir_open(const struct sink_folder *folder, struct plan *plan,
			   const struct model *model, struct error *err)
{
	struct sink_dir *const dir = malloc(sizeof(*dir));

	(void)model;
	if (!dir) {
		error_errno(err, "cannot write a folder");
		return NULL;
	}
	*dir = (struct sink_dir){
		.sink = {
			.any_order = true,
			.file_of = file_of,
			.write = write_dir,
			.finish = finish_dir,
			.abort = abort_dir,
		},
		.plan = plan,
		.files = { plan->n_tensors, path_of_tensor, plan, plan->part },
	};
	for (size_t i = 0; i < plan->n_tensors; i++)
		plan->tensors[i].dst_offset = 0;
	dir->folder = folder_open(folder->path, folder->options, &dir->files,
				  err);
	if (dir->folder)
		return &dir->sink;
	abort_dir(&dir->sink);
	return NULL;
}

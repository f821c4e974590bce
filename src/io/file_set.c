#include "io/file_set.h"

#include <stdlib.h>

static bool identify(const struct stat *st, struct file_id *id)
{
	if (S_ISREG(st->st_mode))
		*id = (struct file_id){ st->st_dev, st->st_ino };
	else if (S_ISBLK(st->st_mode))
		*id = (struct file_id){ st->st_rdev, 0 };
	else
		return false;
	return true;
}

int file_set_add(struct file_set *set, int fd, struct error *err)
{
	struct file_id id, *ids;
	struct stat st;

	if (fstat(fd, &st))
		return error_errno(err, "cannot examine an open file");
	if (!identify(&st, &id))
		return 0;
	ids = reallocarray(set->ids, set->n + 1, sizeof(*ids));
	if (!ids)
		return error_errno(err, "cannot list the open files");
	ids[set->n++] = id;
	set->ids = ids;
	if (S_ISREG(st.st_mode))
		set->denied |= ~st.st_mode & 0777;
	return 0;
}

bool file_set_has(const struct file_set *set, const struct stat *st)
{
	struct file_id id;

	if (!identify(st, &id))
		return false;
	for (size_t i = 0; i < set->n; i++)
		if (set->ids[i].dev == id.dev && set->ids[i].ino == id.ino)
			return true;
	return false;
}

void file_set_release(struct file_set *set)
{
	free(set->ids);
	*set = (struct file_set){ 0 };
}

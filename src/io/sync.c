#include "io/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/path.h"

int sync_data(int fd)
{
	while (fdatasync(fd)) {
		if (errno == EINVAL || errno == EOPNOTSUPP || errno == EROFS)
			return 0;
		if (errno != EINTR)
			return -1;
	}
	return 0;
}

int sync_name(int fd, const char *path)
{
	char *const name = path_folder(path);
	int folder = -1, saved, result;

	if (name)
		folder = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(name);
	/* Most file systems take a new name along with the file. */
	if (folder < 0)
		return fsync(fd);
	result = sync_data(folder);
	saved = errno;
	close(folder);
	errno = saved;
	return result;
}

void sync_all(int fd)
{
	(void)syncfs(fd);
}

#include "io/permissions.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ACL "system.posix_acl_access"
#define MAX_ACL (8 << 10) /* twice what ext4 can store */

/* Whether both files have the same access control list now, or none. */
static bool copy_acl(int from, int to)
{
	char acl[MAX_ACL];
	const ssize_t n = fgetxattr(from, ACL, acl, sizeof(acl));

	if (n < 0)
		return errno == ENODATA || errno == EOPNOTSUPP;
	return !fsetxattr(to, ACL, acl, (size_t)n, 0);
}

void permissions_copy(int fd, int folder, const char *path)
{
	struct stat st;
	mode_t mode;
	int old;

	if (fstatat(folder, path, &st, AT_SYMLINK_NOFOLLOW) ||
	    !S_ISREG(st.st_mode))
		return;
	mode = st.st_mode & 0777;
	/* Our own group may do what both that group and the others may. */
	if (fchown(fd, st.st_uid, st.st_gid) &&
	    fchown(fd, (uid_t)-1, st.st_gid))
		mode &= 0707 | (mode & 07) << 3;
	old = openat(folder, path,
		     O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	/* With such a list, the group's bits are the most that it grants. */
	if (old < 0 || !copy_acl(old, fd))
		mode &= 0707;
	if (old >= 0)
		close(old);
	(void)fchmod(fd, mode);
}

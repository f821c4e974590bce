/* permissions.h - who may read a file that takes another's place. */
#ifndef IO_PERMISSIONS_H
#define IO_PERMISSIONS_H

/*
 * Gives the new file `fd` the owner, the group, the mode and the access control
 * list of the regular file `path` in `folder`, a descriptor or AT_FDCWD, if
 * there is one. If that can't be done in full, nobody may do more with the new
 * file than with the old.
 */
void permissions_copy(int fd, int folder, const char *path);

#endif

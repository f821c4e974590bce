/* sync.h - onto the disk, where a power cut can't take it away any more. */
#ifndef IO_SYNC_H
#define IO_SYNC_H

/* Waits until the data of the file, or the names in the folder, are on the
 * disk. Returns -1 and errno if the disk could not take them; 0 as well if the
 * file system has nothing to wait for. */
int sync_data(int fd);

/* The same for the name that the open file `fd` has just got at `path`. */
int sync_name(int fd, const char *path);

/* Waits until all of the file system that the folder `fd` is in is on the disk:
 * for many small files, eight times as fast as one after the other, which then
 * only has to confirm it. */
void sync_all(int fd);

#endif

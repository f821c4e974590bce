/* sync.h - waits until data are on the disk, safe from a power cut. */
#ifndef IO_SYNC_H
#define IO_SYNC_H

/* Waits until the data of the file, or the names in the folder, are on the
 * disk. Returns -1 and errno if the disk could not take them; 0 as well if the
 * file system has nothing to wait for. */
int sync_data(int fd);

/* The same for the name that the open file `fd` has just got at `path`. */
int sync_name(int fd, const char *path);

/* Waits until the whole file system of the folder `fd` is on the disk. For many
 * small files this is eight times as fast as syncing one after the other, which
 * then only has to confirm it. */
void sync_all(int fd);

#endif

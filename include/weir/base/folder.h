/* Folders as they are kept. Thread: any. */
#ifndef WEIR_BASE_FOLDER_H
#define WEIR_BASE_FOLDER_H

/* So that the names in it survive a cut of power. 0 too where the file system cannot be asked for
 * that (fsync(2), EINVAL: some network and FUSE ones): then it keeps names as it does. -1: errno.
 */
int folder_sync(const char *folder);
/* The same of the folder that `path` is in. */
int folder_sync_of(const char *path);

#endif

/*
 * disk: the calls through which the journal touches its files, as a table, so
 * that a test can let the n-th one fail or write down all of them. Each behaves
 * like the system call of its name: -1 and errno when it fails.
 */
#ifndef SPOOL_DISK_PRIV_H
#define SPOOL_DISK_PRIV_H

#include <stddef.h>
#include <stdint.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/uio.h>

struct disk {
	/* O_CLOEXEC and mode 0600 are understood. */
	int (*open)(void *arg, int folder, const char *name, int flags);
	ssize_t (*pread)(void *arg, int fd, void *to, size_t len, off_t at);
	ssize_t (*pwritev)(
	    void *arg, int fd, const struct iovec *pieces, int n, off_t at);
	int (*allocate)(void *arg, int fd, off_t size);
	int (*truncate)(void *arg, int fd, off_t size);
	int (*sync)(void *arg, int fd); /* fdatasync */
	int (*sync_folder)(void *arg, int fd);
	int (*rename)(void *arg, int folder, const char *from, int to_folder,
	    const char *to);
	int (*unlink)(void *arg, int folder, const char *name);
	int (*statvfs)(void *arg, int fd, struct statvfs *out);
	void *arg;
};

/* The system's own. */
extern const struct disk disk_system;

/*
 * What the superuser makes in a folder is to be of whom the folder is of, or the
 * service could not open it. Of what is not ours to give away nothing changes.
 */
void disk_give(int folder, int fd);

/* Writes all, in as many calls as it takes. 0 or -errno. Eats the pieces. */
int disk_write(
    const struct disk *d, int fd, struct iovec *pieces, size_t n, uint64_t at);
/* The same, and then a sync of that file. */
int disk_write_synced(
    const struct disk *d, int fd, struct iovec *pieces, size_t n, uint64_t at);
/* Reads up to `len` bytes, fewer only at the end of the file; or -errno. */
int64_t
disk_read(const struct disk *d, int fd, void *to, size_t len, uint64_t at);

#endif

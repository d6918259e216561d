#include "disk_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

void
disk_give(int folder, int fd)
{
	struct stat above, st;

	if (geteuid() != 0 || fstat(folder, &above) != 0 || fstat(fd, &st) != 0)
		return;
	/* A file system that knows no owners may refuse; then all can read. */
	if (st.st_uid != above.st_uid || st.st_gid != above.st_gid)
		(void)!fchown(fd, above.st_uid, above.st_gid);
}

static int
system_open(void *arg, int folder, const char *name, int flags)
{
	int fd = openat(folder, name, flags | O_CLOEXEC, 0600);

	(void)arg;
	if (fd != -1 && (flags & O_CREAT) != 0)
		disk_give(folder, fd);
	return fd;
}

static ssize_t
system_pread(void *arg, int fd, void *to, size_t len, off_t at)
{
	(void)arg;
	return pread(fd, to, len, at);
}

static ssize_t
system_pwritev(void *arg, int fd, const struct iovec *pieces, int n, off_t at)
{
	(void)arg;
	return pwritev(fd, pieces, n, at);
}

/*
 * Where the file system cannot allocate, the size alone has to do: the first
 * sync then moves more than data, and a full disk shows at the write.
 */
static int
system_allocate(void *arg, int fd, off_t size)
{
	(void)arg;
	if (fallocate(fd, 0, 0, size) == 0)
		return 0;
	if (errno != EOPNOTSUPP)
		return -1;
	return ftruncate(fd, size);
}

static int
system_truncate(void *arg, int fd, off_t size)
{
	(void)arg;
	return ftruncate(fd, size);
}

static int
system_sync(void *arg, int fd)
{
	(void)arg;
	return fdatasync(fd);
}

static int
system_sync_folder(void *arg, int fd)
{
	(void)arg;
	return fsync(fd);
}

static int
system_rename(
    void *arg, int folder, const char *from, int to_folder, const char *to)
{
	(void)arg;
	return renameat(folder, from, to_folder, to);
}

static int
system_unlink(void *arg, int folder, const char *name)
{
	(void)arg;
	return unlinkat(folder, name, 0);
}

static int
system_statvfs(void *arg, int fd, struct statvfs *out)
{
	(void)arg;
	return fstatvfs(fd, out);
}

const struct disk disk_system = {
	.open = system_open,
	.pread = system_pread,
	.pwritev = system_pwritev,
	.allocate = system_allocate,
	.truncate = system_truncate,
	.sync = system_sync,
	.sync_folder = system_sync_folder,
	.rename = system_rename,
	.unlink = system_unlink,
	.statvfs = system_statvfs,
};

/* Moves the pieces on by `len` bytes; returns how many are finished. */
static size_t
step(struct iovec *pieces, size_t n, size_t len)
{
	size_t i = 0;

	while (i < n && len >= pieces[i].iov_len)
		len -= pieces[i++].iov_len;
	if (i < n) {
		pieces[i].iov_base = (char *)pieces[i].iov_base + len;
		pieces[i].iov_len -= len;
	}
	return i;
}

int
disk_write(
    const struct disk *d, int fd, struct iovec *pieces, size_t n, uint64_t at)
{
	while (n > 0) {
		int some = n < IOV_MAX ? (int)n : IOV_MAX;
		ssize_t len = d->pwritev(d->arg, fd, pieces, some, (off_t)at);
		size_t whole;

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return errno == 0 ? -EIO : -errno;
		whole = step(pieces, n, (size_t)len);
		if (len == 0 && whole == 0)
			return -EIO; /* no progress and no reason */
		pieces += whole;
		n -= whole;
		at += (uint64_t)len;
	}
	return 0;
}

int
disk_write_synced(
    const struct disk *d, int fd, struct iovec *pieces, size_t n, uint64_t at)
{
	int rc = disk_write(d, fd, pieces, n, at);

	if (rc == 0 && d->sync(d->arg, fd) != 0)
		rc = errno == 0 ? -EIO : -errno;
	return rc;
}

int64_t
disk_read(const struct disk *d, int fd, void *to, size_t len, uint64_t at)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = d->pread(d->arg, fd, (char *)to + done, len - done,
		    (off_t)(at + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == 0 ? -EIO : -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (int64_t)done;
}

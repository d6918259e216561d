#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 1 << 16 };

static const char *
kind_of(const struct stat *st)
{
	return S_ISDIR(st->st_mode) ? "is a folder" : "is no file";
}

int
file_is_readable(const char *what, const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) == -1 || S_ISREG(st.st_mode))
		return 0;
	return err_set(err, -EINVAL, "%s %s: %s, expected a file", what, path,
	    kind_of(&st));
}

int
file_open(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd == -1) {
		int rc = -errno;

		return err_set(err, rc, "%s", strerror(-rc));
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	(void)close(fd);
	return err_set(err, -EINVAL, "%s, expected a file", kind_of(&st));
}

int
file_read_all(int fd, size_t most, struct buf *text, struct err *err)
{
	text->max = most + PIECE; /* a piece has its room before it is read */
	while (buf_len(text) <= most) {
		char *room = buf_reserve(text, PIECE);
		ssize_t n;

		if (room == NULL)
			break;
		n = read(fd, room, PIECE);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_errno(err, "read");
		if (n == 0)
			return 0;
		buf_added(text, (size_t)n);
	}
	return err_set(err, -EFBIG, "larger than %zu bytes", most);
}

int
file_write_all(int fd, struct span s, const char *path, struct err *err)
{
	while (s.len > 0) {
		ssize_t n = write(fd, s.ptr, s.len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_errno(err, "write %s", path);
		s = span_from(s, (size_t)n);
	}
	return 0;
}

int
file_sync_folder(const char *folder, struct err *err)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;

	if (fd == -1 || fsync(fd) == -1)
		rc = err_errno(err, "sync %s", folder);
	if (fd != -1)
		(void)close(fd);
	return rc;
}

static uint64_t
mix(uint64_t sum, uint64_t n)
{
	for (int i = 0; i < 8; i++)
		sum = (sum ^ (n >> (8 * i) & 0xff)) * 0x100000001b3;
	return sum;
}

uint64_t
file_mark(uint64_t sum, const struct stat *st)
{
	sum = mix(sum, (uint64_t)st->st_dev);
	sum = mix(sum, (uint64_t)st->st_ino);
	sum = mix(sum, (uint64_t)st->st_size);
	sum = mix(sum, (uint64_t)st->st_mode);
	sum = mix(sum, (uint64_t)st->st_uid);
	sum = mix(sum, (uint64_t)st->st_ctim.tv_sec);
	sum = mix(sum, (uint64_t)st->st_ctim.tv_nsec);
	sum = mix(sum, (uint64_t)st->st_mtim.tv_sec);
	return mix(sum, (uint64_t)st->st_mtim.tv_nsec);
}

uint64_t
file_mark_path(uint64_t sum, const char *path)
{
	struct stat st;

	return stat(path, &st) == -1 ? mix(sum, 1) : file_mark(sum, &st);
}

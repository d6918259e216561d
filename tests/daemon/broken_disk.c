/*
 * Loaded before a program (LD_PRELOAD): its calls on files below the folder
 * BROKEN_UNDER fail with EIO while the file BROKEN_FLAG exists. The flag says
 * which: "KIND HOW PREFIX", where KIND is "sync" or "write" (then syncs fail
 * too), HOW is "always" or "once" (the call that fails removes the flag), and
 * PREFIX is how the file's name below the folder begins ("journal/0").
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

struct flag {
	char kind[16], how[16], prefix[128];
};

static bool
read_flag(const char *path, struct flag *out)
{
	FILE *f = path == NULL ? NULL : fopen(path, "re");
	int n = 0;

	if (f == NULL)
		return false;
	n = fscanf(f, "%15s %15s %127s", out->kind, out->how, out->prefix);
	(void)fclose(f);
	return n == 3;
}

static bool
is_meant(int fd, const char *prefix)
{
	const char *under = getenv("BROKEN_UNDER");
	char link[64], path[4096];
	ssize_t n;

	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof path - 1);
	if (n <= 0 || under == NULL)
		return false;
	path[n] = '\0';
	return strncmp(path, under, strlen(under)) == 0 &&
	       path[strlen(under)] == '/' &&
	       strncmp(path + strlen(under) + 1, prefix, strlen(prefix)) == 0;
}

/* Sets errno when the call is to fail. */
static bool
fails(int fd, bool is_write, bool is_sync)
{
	const char *path = getenv("BROKEN_FLAG");
	int before = errno;
	struct flag flag;
	bool hit = read_flag(path, &flag);

	errno = before;
	if (!hit || !is_meant(fd, flag.prefix))
		return false;
	hit = is_sync || (is_write && strcmp(flag.kind, "write") == 0);
	if (hit && strcmp(flag.how, "once") == 0)
		hit = unlink(path) == 0;
	errno = hit ? EIO : before;
	return hit;
}

/* A write to a file that was opened so is a sync as well. */
static bool
write_fails(int fd, int flags)
{
	int opened = fcntl(fd, F_GETFL);

	return fails(fd, true,
	    (opened != -1 && (opened & O_DSYNC) != 0) ||
		(flags & (RWF_DSYNC | RWF_SYNC)) != 0);
}

#define REAL(name) __typeof__(name) *real = dlsym(RTLD_NEXT, #name)

int
fdatasync(int fd)
{
	REAL(fdatasync);

	return fails(fd, false, true) ? -1 : real(fd);
}

int
fsync(int fd)
{
	REAL(fsync);

	return fails(fd, false, true) ? -1 : real(fd);
}

ssize_t
pwrite(int fd, const void *data, size_t len, off_t at)
{
	REAL(pwrite);

	return write_fails(fd, 0) ? -1 : real(fd, data, len, at);
}

ssize_t
pwrite64(int fd, const void *data, size_t len, off64_t at)
{
	REAL(pwrite64);

	return write_fails(fd, 0) ? -1 : real(fd, data, len, at);
}

ssize_t
pwritev(int fd, const struct iovec *v, int n, off_t at)
{
	REAL(pwritev);

	return write_fails(fd, 0) ? -1 : real(fd, v, n, at);
}

ssize_t
pwritev64(int fd, const struct iovec *v, int n, off64_t at)
{
	REAL(pwritev64);

	return write_fails(fd, 0) ? -1 : real(fd, v, n, at);
}

ssize_t
pwritev2(int fd, const struct iovec *v, int n, off_t at, int flags)
{
	REAL(pwritev2);

	return write_fails(fd, flags) ? -1 : real(fd, v, n, at, flags);
}

ssize_t
pwritev64v2(int fd, const struct iovec *v, int n, off64_t at, int flags)
{
	REAL(pwritev64v2);

	return write_fails(fd, flags) ? -1 : real(fd, v, n, at, flags);
}

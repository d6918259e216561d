#include "damaged_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "facts/fact.h"
#include "home_priv.h"
#include "segment_priv.h"

static const char damaged[] = "damaged";

static int
open_damaged(const struct home *h)
{
	int fd;

	if (mkdirat(h->root, damaged, 0700) != 0 && errno != EEXIST)
		return -1;
	fd = openat(h->root, damaged, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd != -1)
		disk_give(h->root, fd);
	return fd;
}

static int
copy_range(
    const struct disk *d, int from_fd, uint64_t from, uint64_t to, int to_fd)
{
	uint8_t block[4096];
	int64_t n = 1;
	int rc = 0;

	for (uint64_t at = from; rc == 0 && n > 0 && at < to;
	     at += (uint64_t)n) {
		size_t len =
		    to - at < sizeof block ? (size_t)(to - at) : sizeof block;
		struct iovec piece = { block, len };

		n = disk_read(d, from_fd, block, len, at);
		if (n <= 0)
			return n < 0 ? (int)n : 0;
		piece.iov_len = (size_t)n;
		rc = disk_write(d, to_fd, &piece, 1, at - from);
	}
	return rc;
}

void
damaged_keep(
    const struct home *h, const struct segment *s, uint64_t from, uint64_t to)
{
	int folder, fd = -1, rc = 0;
	char *name;

	if (h->read_only)
		return;
	folder = open_damaged(h);
	name = mem_printf("%08llu-%llu", (unsigned long long)s->number,
	    (unsigned long long)from);
	if (folder != -1)
		fd = openat(folder, name,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	/* At each start the same damage is found until its segment goes. */
	if (fd == -1 && (folder == -1 || errno != EEXIST))
		rc = -errno;
	if (fd != -1) {
		disk_give(folder, fd);
		rc = copy_range(h->disk, s->fd, from, to, fd);
		if (rc == 0 && fsync(fd) != 0)
			rc = -errno;
		(void)close(fd); /* synced, or told of */
	}
	if (rc != 0)
		FACT(SPOOL_SET_ASIDE_FAILED, fact_word("name", name),
		    fact_string("reason", strerror(-rc)));
	if (folder != -1)
		(void)close(folder);
	free(name);
}

void
damaged_move(const struct home *h, const char *name)
{
	int folder, rc = -1;

	if (h->read_only)
		return;
	folder = open_damaged(h);
	if (folder != -1)
		rc = renameat(h->contents, name, folder, name);
	FACT(SPOOL_ORPHAN, fact_string("name", name),
	    fact_word("moved", rc == 0 ? "damaged" : "no"));
	if (folder != -1)
		(void)close(folder);
}

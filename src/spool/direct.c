/*
 * Groups past the page cache (O_DIRECT): what is written once and read hardly
 * ever has no use for it, and the sync that follows finds nothing left to look
 * for. Groups begin and end at pages, so only memory has to be aligned: the
 * pieces are copied together here, which is the one copy that the kernel would
 * have made. Where a file system has no such thing, all goes the usual way.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* O_DIRECT */
#endif
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "journal_priv.h"

enum { KEPT = 512 * 1024 };

void
direct_open(struct journal *j, struct segment *s, const char *name)
{
	if (!j->direct.refused)
		s->direct = j->disk->open(
		    j->disk->arg, j->folder, name, O_WRONLY | O_DIRECT);
}

void
direct_clear(struct direct *d)
{
	free(d->bytes);
	d->bytes = NULL;
	d->cap = 0;
}

static void
reserve(struct direct *d, size_t len)
{
	void *p;
	int rc;

	if (len <= d->cap)
		return;
	direct_clear(d);
	d->cap = round_up(len, KEPT / 8);
	rc = posix_memalign(&p, GROUP_ALIGN, d->cap);
	assert(rc == 0); /* as everywhere: no memory, no program */
	d->bytes = p;
}

static size_t
gather(struct direct *d, const struct iovec *pieces, size_t n)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++)
		len += pieces[i].iov_len;
	reserve(d, len);
	len = 0;
	for (size_t i = 0; i < n; i++) {
		memcpy(d->bytes + len, pieces[i].iov_base, pieces[i].iov_len);
		len += pieces[i].iov_len;
	}
	return len;
}

int
direct_write(struct journal *j, struct iovec *pieces, size_t n, uint64_t at)
{
	struct segment *s = j->current;
	struct iovec all;
	int rc;

	if (s->direct == -1)
		return disk_write_synced(j->disk, s->fd, pieces, n, at);
	all.iov_len = gather(&j->direct, pieces, n);
	all.iov_base = j->direct.bytes;
	rc = disk_write_synced(j->disk, s->direct, &all, 1, at);
	if (j->direct.cap > KEPT)
		direct_clear(&j->direct);
	/* It wants what we do not know; the next segment does without. */
	if (rc == -EINVAL)
		j->direct.refused = true;
	return rc;
}

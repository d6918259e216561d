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
#include "group_priv.h"
#include "home_priv.h"
#include "le_priv.h"
#include "segments_priv.h"

enum { KEPT = 512 * 1024 };

void
direct_open(struct segments *all, struct segment *s, const char *name)
{
	const struct disk *d = all->home->disk;

	if (!all->direct.refused)
		s->direct = d->open(
		    d->arg, all->home->folder, name, O_WRONLY | O_DIRECT);
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
direct_write(struct segments *all, struct iovec *pieces, size_t n, uint64_t at)
{
	const struct disk *disk = all->home->disk;
	struct direct *d = &all->direct;
	struct segment *s = all->current;
	struct iovec one;
	int rc;

	if (s->direct == -1)
		return disk_write_synced(disk, s->fd, pieces, n, at);
	one.iov_len = gather(d, pieces, n);
	one.iov_base = d->bytes;
	rc = disk_write_synced(disk, s->direct, &one, 1, at);
	if (d->cap > KEPT)
		direct_clear(d);
	/* It wants what we do not know; the next segment does without. */
	if (rc == -EINVAL)
		d->refused = true;
	return rc;
}

/*
 * A new segment is a spare under a new name. The name is made durable first,
 * then the header, and only then is a group written: so records in a file whose
 * header cannot be read mean damage, never a roll that was cut short. Until its
 * first group is synced the segment is nobody's predecessor.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "io/loop.h"
#include "journal_priv.h"

static const char fresh[] = "fresh";

void
roll_seal(struct journal *j)
{
	struct segment *s = j->current;

	j->current = NULL;
	if (s == NULL)
		return;
	segment_close_direct(s);
	if (s->started)
		j->before = (struct tail){ s->number, s->end, s->end };
	else
		/*
		 * Never a spare: what was written under this number would be
		 * valid if the number came again after a crash.
		 */
		keeper_drop_take(j, s, false);
}

/* Not filled: the first sync of each part will move more than its data. */
static int
make_file(struct journal *j, uint64_t size, const char *name)
{
	const struct disk *d = j->disk;
	int fd, rc = 0;

	fd = d->open(d->arg, j->folder, fresh, O_RDWR | O_CREAT | O_TRUNC);
	if (fd == -1)
		return -errno;
	if (d->allocate(d->arg, fd, (off_t)size) != 0 ||
	    d->rename(d->arg, j->folder, fresh, j->folder, name) != 0)
		rc = -errno;
	if (rc == 0)
		return fd;
	(void)close(fd); /* empty */
	(void)d->unlink(d->arg, j->folder, fresh);
	return rc;
}

/* A spare that cannot be used is no reason to stop: there are other ways. */
static int
use_spare(struct journal *j, const char *name)
{
	const struct disk *d = j->disk;
	int spare = keeper_take_spare(j), fd;
	char from[SPARE_NAME];

	if (spare == -1)
		return -1;
	spare_name(spare, from);
	fd = d->open(d->arg, j->folder, from, O_RDWR);
	if (fd != -1 &&
	    d->rename(d->arg, j->folder, from, j->folder, name) != 0) {
		(void)close(fd); /* nothing in it */
		fd = -1;
	}
	if (fd == -1)
		(void)d->unlink(d->arg, j->folder, from);
	keeper_spare_gone(j, spare);
	return fd;
}

static int
open_next(struct journal *j, uint64_t size)
{
	char name[SEGMENT_NAME];
	int fd = -1;

	segment_name(j->next_number, name);
	if (size == j->options.segment_size)
		fd = use_spare(j, name);
	if (fd < 0)
		fd = make_file(j, size, name);
	return fd;
}

static int
write_header(struct journal *j)
{
	struct iovec page = { j->front, sizeof j->front };

	return disk_write_synced(j->disk, j->current->fd, &page, 1, 0);
}

int
roll(struct journal *j, uint64_t need)
{
	uint64_t size = j->options.segment_size;
	char name[SEGMENT_NAME];
	struct segment_header h;
	int fd;

	roll_seal(j);
	/* A group that fits no usual segment gets one of its own size. */
	if (SEGMENT_FIRST + need > size)
		size = round_up(SEGMENT_FIRST + need, GROUP_ALIGN);
	if (size > UINT32_MAX)
		return -EFBIG;
	fd = open_next(j, size);
	if (fd < 0)
		return fd;
	/* The number is used from here on, whatever becomes of it. */
	j->current = segment_new(fd, j->next_number++, size);
	segment_name(j->current->number, name);
	direct_open(j, j->current, name);
	if (j->disk->sync_folder(j->disk->arg, j->folder) != 0)
		return -errno;
	h = (struct segment_header){
		.number = j->current->number,
		.before = j->before,
		.salt = j->salt,
		.last_id = atomic_load(&j->base.last_id),
		.made = wall_now(),
	};
	segment_header_encode(j->front, &h);
	keeper_want_spare(j);
	return write_header(j);
}

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
#include "group_priv.h"
#include "home_priv.h"
#include "keeper_priv.h"
#include "le_priv.h"
#include "segments_priv.h"

static const char fresh[] = "fresh";

void
segments_init(
    struct segments *all, const struct home *home, struct keeper *keeper)
{
	all->home = home;
	all->keeper = keeper;
	list_init(&all->all);
}

void
segments_clear(struct segments *all)
{
	/* One that never started is in no list. */
	if (all->current != NULL && !all->current->started)
		segment_unref(all->current);
	LIST_FOREACH_SAFE (node, tmp, &all->all)
		segment_unref(LIST_ENTRY(node, struct segment, node));
	direct_clear(&all->direct);
}

void
roll_seal(struct segments *all)
{
	struct segment *s = all->current;

	all->current = NULL;
	if (s == NULL)
		return;
	segment_close_direct(s);
	if (s->started)
		all->before = (struct tail){ s->number, s->end, s->end };
	else
		/*
		 * Never a spare: what was written under this number would be
		 * valid if the number came again after a crash.
		 */
		keeper_drop_take(all->keeper, s, false);
}

/* Not filled: the first sync of each part will move more than its data. */
static int
make_file(struct segments *all, uint64_t size, const char *name)
{
	const struct disk *d = all->home->disk;
	int fd, rc = 0;

	fd = d->open(
	    d->arg, all->home->folder, fresh, O_RDWR | O_CREAT | O_TRUNC);
	if (fd == -1)
		return -errno;
	if (d->allocate(d->arg, fd, (off_t)size) != 0 ||
	    d->rename(
		d->arg, all->home->folder, fresh, all->home->folder, name) != 0)
		rc = -errno;
	if (rc == 0)
		return fd;
	(void)close(fd); /* empty */
	(void)d->unlink(d->arg, all->home->folder, fresh);
	return rc;
}

/* A spare that cannot be used is no reason to stop: there are other ways. */
static int
use_spare(struct segments *all, const char *name)
{
	const struct disk *d = all->home->disk;
	int spare = keeper_take_spare(all->keeper), fd;
	char from[SPARE_NAME];

	if (spare == -1)
		return -1;
	spare_name(spare, from);
	fd = d->open(d->arg, all->home->folder, from, O_RDWR);
	if (fd != -1 && d->rename(d->arg, all->home->folder, from,
			    all->home->folder, name) != 0) {
		(void)close(fd); /* nothing in it */
		fd = -1;
	}
	if (fd == -1)
		(void)d->unlink(d->arg, all->home->folder, from);
	keeper_spare_gone(all->keeper, spare);
	return fd;
}

static int
open_next(struct segments *all, uint64_t size)
{
	char name[SEGMENT_NAME];
	int fd = -1;

	segment_name(all->next_number, name);
	if (size == all->home->segment_size)
		fd = use_spare(all, name);
	if (fd < 0)
		fd = make_file(all, size, name);
	return fd;
}

static int
write_header(struct segments *all)
{
	struct iovec page = { all->front, sizeof all->front };

	return disk_write_synced(
	    all->home->disk, all->current->fd, &page, 1, 0);
}

int
roll(struct segments *all, uint64_t need, uint64_t last_id)
{
	uint64_t size = all->home->segment_size;
	char name[SEGMENT_NAME];
	struct segment_header h;
	int fd;

	roll_seal(all);
	/* A group that fits no usual segment gets one of its own size. */
	if (SEGMENT_FIRST + need > size)
		size = round_up(SEGMENT_FIRST + need, GROUP_ALIGN);
	if (size > UINT32_MAX)
		return -EFBIG;
	fd = open_next(all, size);
	if (fd < 0)
		return fd;
	/* The number is used from here on, whatever becomes of it. */
	all->current = segment_new(fd, all->next_number++, size);
	segment_name(all->current->number, name);
	direct_open(all, all->current, name);
	if (all->home->disk->sync_folder(
		all->home->disk->arg, all->home->folder) != 0)
		return -errno;
	h = (struct segment_header){
		.number = all->current->number,
		.before = all->before,
		.salt = all->salt,
		.last_id = last_id,
		.made = wall_now(),
	};
	segment_header_encode(all->front, &h);
	keeper_want_spare(all->keeper);
	return write_header(all);
}

/*
 * The file system is asked at most once a second; in between, what we wrote
 * ourselves is subtracted. When it does not answer, the last answer holds.
 */
#include "space_priv.h"

#include "base/clock.h"
#include "home_priv.h"
#include "spool_priv.h"

enum { LOOK_EVERY = 1000 };

void
space_init(struct space *s, const struct home *home)
{
	s->home = home;
	(void)pthread_mutex_init(&s->lock, NULL);
}

void
space_clear(struct space *s)
{
	(void)pthread_mutex_destroy(&s->lock);
}

static uint64_t
above(double have, double all, double percent)
{
	double left = have - all * percent / 100;

	return left > 0 ? (uint64_t)left : 0;
}

static void
look(struct space *s)
{
	const struct disk *d = s->home->disk;
	double percent = s->home->reserve_percent;
	struct statvfs v;

	if (d->statvfs(d->arg, s->home->root, &v) != 0)
		return;
	s->bytes = above((double)v.f_bavail * (double)v.f_frsize,
	    (double)v.f_blocks * (double)v.f_frsize, percent);
	/* File systems without a number of inodes never run out of them. */
	s->inodes = v.f_files == 0
			? UINT64_MAX
			: above((double)v.f_favail, (double)v.f_files, percent);
	s->known = true;
	atomic_store(&s->taken, 0);
}

static bool
has(struct space *s, uint64_t size, uint64_t look_every)
{
	uint64_t now = clock_us() / 1000, entries, wanted;
	bool enough;

	(void)pthread_mutex_lock(&s->lock);
	if (!s->known || now - s->looked_at >= look_every) {
		s->looked_at = now;
		look(s);
	}
	/*
	 * An entry's size is not known before its end. Each open one is taken
	 * to bring one chunk more, and to need a file.
	 */
	entries = atomic_load(&s->open_entries);
	wanted = size + atomic_load(&s->taken) + entries * SPOOL_CHUNK;
	/* Below the reserve there is no room for the smallest. */
	enough = !s->known || (s->bytes > wanted && s->inodes > entries);
	(void)pthread_mutex_unlock(&s->lock);
	return enough;
}

bool
space_has(struct space *s, uint64_t size)
{
	return has(s, size, LOOK_EVERY);
}

bool
space_has_now(struct space *s, uint64_t size)
{
	return has(s, size, 0);
}

void
space_took(struct space *s, uint64_t size)
{
	(void)atomic_fetch_add(&s->taken, size);
}

/*
 * Segments go in the order in which they were dropped, and the folder is synced
 * after each: if a later segment could vanish before an earlier one, the "done"
 * in it would be lost before its message, and the message rise again. A drop
 * that fails therefore holds up all that follow.
 *
 * A spare is filled with zeros under another name and gets its own when that is
 * synced, so that whatever is called a spare has all of its blocks. It is filled
 * only while the reserve stays whole, and given up when somebody else takes the
 * room meanwhile. Of dropped segments one may stay as a spare in any case: it
 * takes no more than it had, and what is done can be recorded there when the
 * disk is full.
 */
#include "keeper_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "content_file_priv.h"
#include "facts/fact.h"
#include "home_priv.h"
#include "mail/qid.h"
#include "segment_priv.h"
#include "space_priv.h"

enum { ZEROS = 256 * 1024 };

static const char unfinished[] = "new";

struct chore {
	struct list node;
	struct segment *segment; /* a reference */
	bool recycle;
	bool gone; /* its name is, and the folder is to be synced */
	int spare; /* that it became; -1: none */
};

void
keeper_init(struct keeper *k, const struct home *home, struct space *space)
{
	k->home = home;
	k->space = space;
	list_init(&k->drops);
	list_init(&k->removals);
	(void)pthread_mutex_init(&k->lock, NULL);
	(void)pthread_cond_init(&k->wake, NULL);
}

void
spare_name(int spare, char out[SPARE_NAME])
{
	(void)snprintf(out, SPARE_NAME, "spare-%u", (unsigned)(spare + 1) % 10);
}

/* The first in that state; negative when there is none. Under the lock. */
static int
find_spare(const struct keeper *k, int state)
{
	for (int i = 0; i < SPARES; i++)
		if ((int)k->spares[i] == state)
			return i;
	return -1;
}

/* For a dropped segment; negative when its room is needed more than it. */
static int
free_slot(struct keeper *k)
{
	int spare, ready;

	(void)pthread_mutex_lock(&k->lock);
	spare = find_spare(k, SPARE_NONE);
	ready = find_spare(k, SPARE_READY);
	(void)pthread_mutex_unlock(&k->lock);
	return ready == -1 || space_has_now(k->space, 0) ? spare : -1;
}

void
keeper_found_spare(struct keeper *k, int spare)
{
	(void)pthread_mutex_lock(&k->lock);
	k->spares[spare] = SPARE_READY;
	(void)pthread_mutex_unlock(&k->lock);
}

int
keeper_take_spare(struct keeper *k)
{
	int spare;

	(void)pthread_mutex_lock(&k->lock);
	spare = find_spare(k, SPARE_READY);
	if (spare != -1)
		k->spares[spare] = SPARE_TAKEN;
	(void)pthread_mutex_unlock(&k->lock);
	return spare;
}

void
keeper_spare_gone(struct keeper *k, int spare)
{
	(void)pthread_mutex_lock(&k->lock);
	k->spares[spare] = SPARE_NONE;
	(void)pthread_mutex_unlock(&k->lock);
}

/* --- making a spare --- */

static bool
has_stopped(struct keeper *k)
{
	bool stop;

	(void)pthread_mutex_lock(&k->lock);
	stop = k->stop;
	(void)pthread_mutex_unlock(&k->lock);
	return stop;
}

/* Nobody waits for a spare; it is given up without a word. */
static bool
may_fill(struct keeper *k, uint64_t rest)
{
	return !has_stopped(k) && space_has_now(k->space, rest);
}

static int
fill(struct keeper *k, int fd)
{
	uint64_t size = k->home->segment_size, at = 0;
	char *zeros = mem_zalloc(1, ZEROS);
	int rc = 0;

	while (rc == 0 && at < size) {
		size_t len = size - at < ZEROS ? (size_t)(size - at) : ZEROS;
		struct iovec piece = { zeros, len };

		rc = may_fill(k, size - at)
			 ? disk_write(k->home->disk, fd, &piece, 1, at)
			 : -ECANCELED;
		at += len;
	}
	free(zeros);
	if (rc == 0 && k->home->disk->sync(k->home->disk->arg, fd) != 0)
		rc = -errno;
	return rc;
}

static int
make_spare(struct keeper *k, int spare)
{
	const struct disk *d = k->home->disk;
	char name[SPARE_NAME];
	int fd, rc;

	fd = d->open(
	    d->arg, k->home->folder, unfinished, O_RDWR | O_CREAT | O_TRUNC);
	if (fd == -1)
		return -errno;
	rc = fill(k, fd);
	/* Groups are written past the page cache: these would be in the way. */
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	(void)close(fd); /* synced, or not wanted any more */
	spare_name(spare, name);
	if (rc == 0 && d->rename(d->arg, k->home->folder, unfinished,
			   k->home->folder, name) != 0)
		rc = -errno;
	if (rc != 0)
		(void)d->unlink(d->arg, k->home->folder, unfinished);
	return rc;
}

static void
provide_spare(struct keeper *k)
{
	int spare, rc;

	/* One ahead is enough; the second place is for dropped segments. */
	(void)pthread_mutex_lock(&k->lock);
	spare =
	    find_spare(k, SPARE_READY) == -1 ? find_spare(k, SPARE_NONE) : -1;
	(void)pthread_mutex_unlock(&k->lock);
	if (spare == -1 || !space_has_now(k->space, k->home->segment_size))
		return;
	rc = make_spare(k, spare);
	if (rc == 0)
		keeper_found_spare(k, spare);
	else if (rc != -ECANCELED)
		FACT(SPOOL_SPARE_FAILED,
		    fact_string("directory", k->home->directory),
		    fact_string("reason", strerror(-rc)));
}

/* --- dropping --- */

static int
drop_name(struct keeper *k, struct chore *c)
{
	const struct disk *d = k->home->disk;
	struct segment *s = c->segment;
	char name[SEGMENT_NAME], spare[SPARE_NAME];
	int slot = c->recycle ? free_slot(k) : -1;

	segment_name(s->number, name);
	/* Nobody can get at it any more; who already reads it keeps it whole.
	 */
	if (slot != -1 && s->size == k->home->segment_size &&
	    atomic_load(&s->refs) == 1) {
		spare_name(slot, spare);
		if (d->rename(d->arg, k->home->folder, name, k->home->folder,
			spare) != 0)
			return -errno;
		c->spare = slot;
		return 0;
	}
	if (d->unlink(d->arg, k->home->folder, name) != 0 && errno != ENOENT)
		return -errno;
	return 0;
}

static int
drop(struct keeper *k, struct chore *c)
{
	int rc = c->gone ? 0 : drop_name(k, c);

	if (rc != 0)
		return rc;
	c->gone = true;
	if (k->home->disk->sync_folder(k->home->disk->arg, k->home->folder) !=
	    0)
		return -errno;
	if (c->spare != -1)
		keeper_found_spare(k, c->spare);
	segment_unref(c->segment);
	free(c);
	return 0;
}

static void
remove_file(struct keeper *k, struct content_file *f)
{
	struct qid qid = qid_format(f->stored.file);

	/* What stays behind is found at the next start. */
	if (k->home->disk->unlink(
		k->home->disk->arg, k->home->contents, qid.text) != 0 &&
	    errno != ENOENT)
		FACT(SPOOL_REMOVE_FAILED, fact_word("folder", "content"),
		    fact_word("file", qid.text),
		    fact_string("reason", strerror(errno)));
	content_file_unref(f);
}

/* --- the thread --- */

static bool
has_work(const struct keeper *k)
{
	return !list_is_empty(&k->removals) || k->wants_spare ||
	       (k->retry_drops && !list_is_empty(&k->drops));
}

/* Under the lock, which is let go while working. */
static void
work(struct keeper *k)
{
	struct list *node = list_pop(&k->removals);
	bool is_drop = false, spare = false;
	int rc = 0;

	if (node == NULL && k->retry_drops) {
		node = list_pop(&k->drops);
		is_drop = node != NULL;
	}
	if (node == NULL) {
		spare = k->wants_spare;
		k->wants_spare = false;
	}
	(void)pthread_mutex_unlock(&k->lock);
	if (is_drop)
		rc = drop(k, LIST_ENTRY(node, struct chore, node));
	else if (node != NULL)
		remove_file(k, LIST_ENTRY(node, struct content_file, node));
	else if (spare)
		provide_spare(k);
	if (rc != 0)
		FACT(SPOOL_DROP_FAILED,
		    fact_string("directory", k->home->directory),
		    fact_string("reason", strerror(-rc)));
	(void)pthread_mutex_lock(&k->lock);
	if (rc != 0) {
		list_prepend(&k->drops, node);
		k->retry_drops = false; /* until the next one comes */
	}
}

static void *
run(void *arg)
{
	struct keeper *k = arg;

	(void)pthread_setname_np(pthread_self(), "keeper");
	(void)pthread_mutex_lock(&k->lock);
	for (;;) {
		if (k->stop)
			k->wants_spare = false;
		if (has_work(k))
			work(k);
		else if (k->stop)
			break;
		else
			(void)pthread_cond_wait(&k->wake, &k->lock);
	}
	(void)pthread_mutex_unlock(&k->lock);
	return NULL;
}

int
keeper_start(struct keeper *k, struct err *err)
{
	int rc = pthread_create(&k->thread, NULL, run, k);

	if (rc != 0)
		return err_set(err, -rc, "start a thread: %s", strerror(rc));
	k->runs = true;
	return 0;
}

/* What could not be done, or nobody was there to do. */
static void
forget_work(struct keeper *k)
{
	LIST_FOREACH_SAFE (node, tmp, &k->drops) {
		struct chore *c = LIST_ENTRY(node, struct chore, node);

		segment_unref(c->segment);
		free(c);
	}
	LIST_FOREACH_SAFE (it, next, &k->removals)
		content_file_unref(LIST_ENTRY(it, struct content_file, node));
	list_init(&k->drops);
	list_init(&k->removals);
}

void
keeper_stop(struct keeper *k)
{

	if (k->runs) {
		(void)pthread_mutex_lock(&k->lock);
		k->stop = true;
		(void)pthread_cond_signal(&k->wake);
		(void)pthread_mutex_unlock(&k->lock);
		(void)pthread_join(k->thread, NULL);
		k->runs = false;
	}
	forget_work(k);
	(void)pthread_cond_destroy(&k->wake);
	(void)pthread_mutex_destroy(&k->lock);
}

static void
add(struct keeper *k, struct list *to, struct list *node)
{
	(void)pthread_mutex_lock(&k->lock);
	list_append(to, node);
	k->retry_drops = true;
	(void)pthread_cond_signal(&k->wake);
	(void)pthread_mutex_unlock(&k->lock);
}

void
keeper_want_spare(struct keeper *k)
{

	(void)pthread_mutex_lock(&k->lock);
	k->wants_spare = true;
	(void)pthread_cond_signal(&k->wake);
	(void)pthread_mutex_unlock(&k->lock);
}

void
keeper_drop_take(struct keeper *k, struct segment *s, bool recycle)
{
	struct chore *c = MEM_NEW(struct chore);

	c->segment = s;
	c->recycle = recycle;
	c->spare = -1;
	add(k, &k->drops, &c->node);
}

void
keeper_remove_file_take(struct keeper *k, struct content_file *f)
{
	add(k, &k->removals, &f->node);
}

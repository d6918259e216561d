/*
 * A content file's life:
 *
 *   open -> written, synced (entry.c) -> in a record -> done, and synced so
 *     -> kept -> open -> ...
 *     -> removed (keeper.c)
 *
 * Who reads has a descriptor and a reference, so that a file which somebody
 * still reads is never written over: it is removed, as every file was that is
 * not fit to be kept.
 */
#include "content_file_priv.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "home_priv.h"
#include "keeper_priv.h"
#include "mail/qid.h"
#include "space_priv.h"
#include "spool/content.h"

enum {
	KEPT_MOST = 32,
	KEPT_ROOM_MOST = 8 * 1024 * 1024, /* of one */
	KEPT_BYTES_MOST = 64 * 1024 * 1024, /* of all */
};

static struct content_file *
file_of(struct list *node)
{
	return LIST_ENTRY(node, struct content_file, node);
}

/* --- those that are kept --- */

void
content_files_init(struct content_files *all, const struct home *home,
    struct space *space, struct keeper *keeper)
{
	all->home = home;
	all->space = space;
	all->keeper = keeper;
	list_init(&all->spares);
	(void)pthread_mutex_init(&all->lock, NULL);
}

void
content_files_clear(struct content_files *all)
{
	assert(list_is_empty(&all->spares));
	(void)pthread_mutex_destroy(&all->lock);
}

static struct content_file *
take_kept(struct content_files *all)
{
	struct content_file *f = NULL;
	struct list *node;

	(void)pthread_mutex_lock(&all->lock);
	node = list_pop(&all->spares);
	if (node != NULL) {
		f = file_of(node);
		all->count--;
		all->bytes -= f->room;
	}
	(void)pthread_mutex_unlock(&all->lock);
	return f;
}

static bool
keep(struct content_files *all, struct content_file *f)
{
	bool fits;

	(void)pthread_mutex_lock(&all->lock);
	fits = !all->closed && all->count < KEPT_MOST &&
	       all->bytes + f->room <= KEPT_BYTES_MOST;
	if (fits) {
		/* What was used last is the likeliest to be in the cache. */
		list_prepend(&all->spares, &f->node);
		all->count++;
		all->bytes += f->room;
	}
	(void)pthread_mutex_unlock(&all->lock);
	return fits;
}

uint64_t
content_files_bytes(struct content_files *all)
{
	uint64_t bytes;

	(void)pthread_mutex_lock(&all->lock);
	bytes = all->bytes;
	(void)pthread_mutex_unlock(&all->lock);
	return bytes;
}

void
content_files_drop(struct content_files *all, bool for_good)
{
	struct content_file *f;

	if (for_good) {
		(void)pthread_mutex_lock(&all->lock);
		all->closed = true;
		(void)pthread_mutex_unlock(&all->lock);
	}
	while ((f = take_kept(all)) != NULL)
		keeper_remove_file_take(all->keeper, f);
}

/* --- one --- */

static struct content_file *
file_new(const struct stored *stored)
{
	struct content_file *f = MEM_NEW(struct content_file);

	list_init(&f->node);
	atomic_init(&f->refs, 1);
	f->stored = *stored;
	f->fd = -1;
	return f;
}

int
content_file_open(
    struct content_files *all, uint64_t id, struct content_file **out)
{
	const struct disk *d = all->home->disk;
	struct content_file *f;
	struct stat st;

	/* One whose name somebody removed would be gone at the next start. */
	while ((f = take_kept(all)) != NULL &&
	       (fstat(f->fd, &st) != 0 || st.st_nlink == 0))
		content_file_unref(f);
	if (f == NULL) {
		int fd = d->open(d->arg, all->home->contents,
		    qid_format(id).text, O_RDWR | O_CREAT | O_EXCL);

		if (fd == -1)
			return -errno;
		f = file_new(&(struct stored){ .file = id });
		f->fd = fd;
	}
	f->stored.size = 0;
	f->stored.crc = 0;
	*out = f;
	return 0;
}

struct content_file *
content_file_found(const struct stored *stored)
{
	struct content_file *f = file_new(stored);

	f->is_named = f->is_found = true;
	return f;
}

struct content_file *
content_file_ref(struct content_file *f)
{
	(void)atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
	return f;
}

void
content_file_unref(struct content_file *f)
{
	if (f == NULL ||
	    atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) != 1)
		return;
	content_file_cool(f);
	free(f);
}

void
content_file_cool(struct content_file *f)
{
	if (f->fd != -1)
		(void)close(f->fd); /* synced before, or not wanted */
	f->fd = -1;
	buf_clear(&f->head);
}

struct content *
content_file_reader(struct content_file *f)
{
	/* No descriptor is left: it is tried again by name, and told. */
	int fd = f->fd == -1 ? -1 : fcntl(f->fd, F_DUPFD_CLOEXEC, 0);

	return fd == -1 ? NULL
			: content_new_stored(
			      fd, content_file_ref(f), buf_span(&f->head));
}

struct content *
content_file_open_reader(
    const struct home *home, struct content_file *f, struct span head)
{
	const struct disk *d = home->disk;
	int fd = d->open(
	    d->arg, home->contents, qid_format(f->stored.file).text, O_RDONLY);
	struct stat st;

	if (fd == -1)
		return NULL;
	if (fstat(fd, &st) != 0 || (uint64_t)st.st_size < f->stored.size) {
		(void)close(fd); /* only read */
		return NULL;
	}
	return content_new_stored(fd, content_file_ref(f), head);
}

void
content_file_keep_head(struct content_file *f, struct span head)
{
	buf_init(&f->head, head.len);
	(void)buf_append_span(&f->head, head);
}

void
content_file_release_take(
    struct content_files *all, struct content_file *f, bool is_sound)
{
	/* Nobody else can come by a reference now: 1 is 1 for good. */
	bool is_alone =
	    atomic_load_explicit(&f->refs, memory_order_acquire) == 1;

	buf_clear(&f->head);
	if (is_sound && is_alone && f->fd != -1 && f->room <= KEPT_ROOM_MOST &&
	    space_has(all->space, 0) && keep(all, f))
		return;
	keeper_remove_file_take(all->keeper, f);
}

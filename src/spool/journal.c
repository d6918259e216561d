/*
 * Opening and closing, and the table of what the journal does. Opening goes:
 * folders, lock, recover, threads. All is undone by one function, which works
 * on what there is.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "facts/fact.h"
#include "journal_priv.h"
#include "loader_priv.h"

enum {
	SEGMENT_SIZE = 16 * 1024 * 1024,
	SEGMENT_SMALLEST = 16 * 1024,
	INLINE_MAX = 64 * 1024,
	HELD_MAX = 64 * 1024 * 1024,
	WORDS_MAX = 32 * 1024 * 1024,
	LAZY_MS = 10,
	/* A record that does not fit wastes the rest of its segment. */
	SEGMENT_SHARE = 8,
};

uint64_t
journal_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

enum spool_status
journal_status(int rc)
{
	return rc == -ENOSPC || rc == -EDQUOT ? SPOOL_FULL : SPOOL_FAULT;
}

/* --- the end --- */

static void
close_fd(int fd)
{
	if (fd != -1)
		(void)close(fd); /* a folder, or the lock */
}

static void
home_clear(struct home *h)
{
	close_fd(h->contents);
	close_fd(h->folder);
	close_fd(h->root);
	free(h->directory);
}

static void
destroy(struct journal *j)
{
	segments_clear(&j->segments);
	LIST_FOREACH_SAFE (lazy, next, &j->lazies)
		free(LIST_ENTRY(lazy, struct lazy, node));
	index_clear(&j->index);
	group_clear(&j->group);
	buf_clear(&j->form);
	content_files_clear(&j->files);
	space_clear(&j->space);
	(void)pthread_cond_destroy(&j->wake);
	(void)pthread_mutex_destroy(&j->lock);
	home_clear(&j->home);
	for (size_t i = 0; i < j->ncancels; i++)
		content_file_unref(j->cancels[i].file);
	free(j->cancels);
	free(j);
}

void
journal_ref(struct journal *j)
{
	(void)atomic_fetch_add(&j->refs, 1);
}

void
journal_unref(struct journal *j)
{
	if (atomic_fetch_sub(&j->refs, 1) == 1)
		destroy(j);
}

static void
journal_close(struct spool *s)
{
	struct journal *j = journal_of(s);

	loader_stop(j->loader);
	/* Their room may be what the last records need. */
	content_files_drop(&j->files, true);
	committer_stop(j);
	keeper_stop(&j->keeper);
	/* A fetch may still read; nobody writes any more. */
	close_fd(j->lock_file);
	j->lock_file = -1;
	journal_unref(j);
}

/* --- questions --- */

/* Kept files go before anybody is refused for want of room. */
static bool
has_room(struct journal *j, uint64_t size)
{
	if (space_has(&j->space, size))
		return true;
	content_files_drop(&j->files, false);
	return false;
}

static enum spool_status
journal_room(struct spool *s, uint64_t size)
{
	struct journal *j = journal_of(s);
	enum spool_status status = SPOOL_OK;

	(void)pthread_mutex_lock(&j->lock);
	if (j->faulted)
		status = j->fault_status;
	(void)pthread_mutex_unlock(&j->lock);
	if (status == SPOOL_OK && !has_room(j, size))
		status = SPOOL_FULL;
	return status;
}

static void
journal_health(struct spool *s, struct spool_health *out)
{
	struct journal *j = journal_of(s);
	bool has_space = has_room(j, 0);
	uint64_t kept = content_files_bytes(&j->files);

	(void)pthread_mutex_lock(&j->lock);
	out->recording = !j->faulted;
	out->accepting = !j->faulted && has_space;
	out->messages = j->index.waiting;
	out->live_bytes = j->index.live_bytes + j->index.file_bytes;
	out->used_bytes = j->segments.used_bytes + j->index.file_bytes + kept;
	out->segments = j->segments.count;
	out->set_aside = j->set_aside;
	out->is_loading = j->is_loading;
	out->nread = j->nread;
	out->ntoread = j->ntoread;
	if (j->faulted)
		(void)snprintf(out->why, sizeof out->why, "%s", j->why);
	else if (!has_space)
		(void)snprintf(out->why, sizeof out->why,
		    "less than %g %% of space or inodes left for %.150s",
		    j->home.reserve_percent, j->home.directory);
	(void)pthread_mutex_unlock(&j->lock);
}

static int
journal_scratch(struct spool *s, struct err *err)
{
	const struct journal *j = journal_of(s);
	int fd = open(j->home.directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd >= 0 ? fd
		       : err_errno(err, "make a file in %s", j->home.directory);
}

static const struct spool_ops journal_ops = {
	.close = journal_close,
	.room = journal_room,
	.scratch = journal_scratch,
	.entry_open = journal_entry_open,
	.append_take = journal_append_take,
	.entry_read = journal_entry_read,
	.commit = journal_commit,
	.drop = journal_drop,
	.progress = journal_progress,
	.set_flags = journal_set_flags,
	.done = journal_done,
	.content = journal_content,
	.rest = journal_rest,
	.fetch = journal_fetch,
	.keep_reason_take = journal_keep_reason_take,
	.fetch_reasons = journal_fetch_reasons,
	.health = journal_health,
};

/* --- the beginning --- */

static void
fill_options(struct spool_options *o)
{
	if (o->segment_size == 0)
		o->segment_size = SEGMENT_SIZE;
	if (o->segment_size < SEGMENT_SMALLEST)
		o->segment_size = SEGMENT_SMALLEST;
	o->segment_size = round_up(o->segment_size, GROUP_ALIGN);
	if (o->inline_max == 0)
		o->inline_max = INLINE_MAX;
	if (o->inline_max > o->segment_size / SEGMENT_SHARE)
		o->inline_max = o->segment_size / SEGMENT_SHARE;
	if (o->held_max == 0)
		o->held_max = HELD_MAX;
	if (o->words_max == 0)
		o->words_max = WORDS_MAX;
	if (o->lazy_ms == 0)
		o->lazy_ms = LAZY_MS;
}

static void
home_init(
    struct home *h, const struct disk *disk, const struct spool_options *o)
{
	h->disk = disk;
	h->directory = mem_strdup(o->directory);
	h->root = h->folder = h->contents = -1;
	h->segment_size = o->segment_size;
	h->reserve_percent = o->reserve_percent;
}

struct journal *
journal_new(const struct disk *disk, const struct spool_options *options)
{
	struct journal *j = MEM_NEW(struct journal);
	pthread_condattr_t attr;

	spool_init(&j->base, &journal_ops, options->machine);
	atomic_init(&j->refs, 1);
	j->options = *options;
	fill_options(&j->options);
	home_init(&j->home, disk, &j->options);
	j->options.directory = j->home.directory;
	j->lock_file = -1;
	index_init(&j->index, j->options.held_max, j->options.words_max);
	list_init(&j->commits);
	list_init(&j->lazies);
	segments_init(&j->segments, &j->home, &j->keeper);
	keeper_init(&j->keeper, &j->home, &j->space);
	content_files_init(&j->files, &j->home, &j->space, &j->keeper);
	space_init(&j->space, &j->home);
	(void)pthread_mutex_init(&j->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&j->wake, &attr);
	(void)pthread_condattr_destroy(&attr);
	return j;
}

/* A folder that is new is synced into the one above it. */
static int
open_folder(
    struct journal *j, int above, const char *name, int *out, struct err *err)
{
	bool is_new = mkdirat(above, name, 0700) == 0;
	int up = -1, rc = 0;

	if (!is_new && errno != EEXIST)
		return err_errno(err, "make folder %s", name);
	*out = openat(above, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*out == -1)
		return err_errno(err, "open folder %s", name);
	if (!is_new && above == AT_FDCWD)
		return 0;
	up = openat(*out, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* Ours also when an earlier start as root had made it. */
	if (up != -1)
		disk_give(up, *out);
	if (!is_new) {
		close_fd(up);
		return 0;
	}
	if (up == -1 || j->home.disk->sync_folder(j->home.disk->arg, up) != 0)
		rc = err_errno(err, "sync the folder of %s", name);
	close_fd(up);
	return rc;
}

static int
open_folders(struct journal *j, struct err *err)
{
	int rc =
	    open_folder(j, AT_FDCWD, j->home.directory, &j->home.root, err);

	if (rc == 0)
		rc = open_folder(
		    j, j->home.root, "journal", &j->home.folder, err);
	if (rc == 0)
		rc = open_folder(
		    j, j->home.root, "content", &j->home.contents, err);
	return rc;
}

static int
refuse(int fd, struct err *err)
{
	char text[32];
	ssize_t n = pread(fd, text, sizeof text - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return err_set(
	    err, -EBUSY, "in use by process %s", n > 0 ? text : "(unknown)");
}

/* The lock goes with the process, however it ends; the number is for people. */
static int
take_lock(struct journal *j, struct err *err)
{
	char text[32];
	int n;

	j->lock_file =
	    openat(j->home.root, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (j->lock_file == -1)
		return err_errno(err, "open lock");
	disk_give(j->home.root, j->lock_file);
	if (flock(j->lock_file, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK ? refuse(j->lock_file, err)
					    : err_errno(err, "lock");
	n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
	if (ftruncate(j->lock_file, 0) != 0 ||
	    pwrite(j->lock_file, text, (size_t)n, 0) != n)
		return err_errno(err, "write lock");
	return 0;
}

/* While it is loading, of the messages only those that were read already. */
static void
tell_open(struct journal *j)
{
	uint64_t messages, segments;

	(void)pthread_mutex_lock(&j->lock);
	messages = j->index.waiting;
	segments = j->segments.count;
	(void)pthread_mutex_unlock(&j->lock);
	FACT(SPOOL_OPEN, fact_string("directory", j->home.directory),
	    fact_number("messages", messages),
	    fact_number("segments", segments),
	    fact_number("set_aside", j->set_aside));
}

void
journal_recovery(struct journal *j, struct recovery *out, struct err *err)
{
	*out = (struct recovery){ .home = &j->home,
		.segments = &j->segments,
		.keeper = &j->keeper,
		.index = &j->index,
		.lock = &j->lock,
		.ids = &j->base,
		.set_aside = &j->set_aside,
		.err = err };
}

static int
recover_now(struct journal *j, const struct spool_events *on, struct err *err)
{
	struct recovery r;

	journal_recovery(j, &r, err);
	return recover(&r, on->message, on->arg);
}

struct spool *
journal_open_on(const struct disk *disk, const struct spool_options *options,
    const struct spool_events *on, struct err *err)
{
	struct journal *j = journal_new(disk, options);
	int rc = open_folders(j, err);

	if (rc == 0)
		rc = take_lock(j, err);
	if (rc == 0)
		rc = j->options.loop == NULL ? recover_now(j, on, err)
					     : loader_start(j, on, err);
	if (rc == 0)
		rc = keeper_start(&j->keeper, err);
	if (rc == 0) {
		reclaim_drop_empty(j);
		rc = committer_start(j, err);
	}
	if (rc == 0) {
		tell_open(j);
		return &j->base;
	}
	(void)err_wrap(err, rc, "spool %s", j->home.directory);
	journal_close(&j->base);
	return NULL;
}

struct spool *
journal_open(const struct spool_options *options, const struct spool_events *on,
    struct err *err)
{
	return journal_open_on(&disk_system, options, on, err);
}

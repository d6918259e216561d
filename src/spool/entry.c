/*
 * A message on its way in. Small content waits in memory for the committer.
 * Large content goes to the message's own file, in the pool:
 *
 *   append_take -> on_append (loop) -> run_append (pool) -> append_done (loop)
 *   append_take without a callback: kept for the next, or for the commit
 *   commit -> on_finish (loop) -> run_finish (pool): what was kept, the sync
 *     -> finish_done (loop) -> committer_add
 *
 * The pool has the entry to itself while it is busy.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "facts/fact.h"
#include "io/loop.h"
#include "io/work.h"
#include "journal_priv.h"
#include "mail/envelope.h"
#include "mail/qid.h"
#include "spool/content.h"

enum {
	COPY_CHUNK = 128 * 1024,
	ROOM_SPARE =
	    64 * 1024, /* beside twice the content, what a file keeps */
};

static struct journal_entry *
entry_of(struct spool_entry *base)
{
	return (struct journal_entry *)(void *)base;
}

static struct journal_entry *
entry_of_parcel(struct parcel *p)
{
	return (struct journal_entry *)(void *)((char *)p -
						offsetof(struct journal_entry,
						    parcel));
}

static void
drop_chunks(struct journal_entry *e)
{
	while (e->nchunks > 0)
		buf_clear(&e->chunks[--e->nchunks]);
}

struct spool_entry *
journal_entry_open(struct spool *s)
{
	struct journal_entry *e = MEM_NEW(struct journal_entry);

	(void)atomic_fetch_add(&journal_of(s)->space.open_entries, 1);
	list_init(&e->node);
	return &e->base;
}

void
journal_entry_free(struct journal_entry *e)
{
	(void)atomic_fetch_sub(
	    &journal_of(e->base.spool)->space.open_entries, 1);
	content_file_unref(e->file);
	drop_chunks(e);
	free(e->tail);
	free(e->places);
	live_free(e->live);
	free(e);
}

void
journal_entry_release(struct journal_entry *e, bool is_sound)
{
	struct content_file *f = e->file;

	e->file = NULL;
	if (f != NULL)
		content_file_release_take(
		    &journal_of(e->base.spool)->files, f, is_sound);
}

/* It is not wanted any more; its file may serve another, if all went well. */
static void
end_entry(struct journal_entry *e)
{
	journal_entry_release(e, e->status == SPOOL_OK);
	journal_entry_free(e);
}

/* --- the content file, in the pool --- */

static int
open_file(struct journal_entry *e)
{
	return e->file != NULL
		   ? 0
		   : content_file_open(&journal_of(e->base.spool)->files,
			 e->base.file_id, &e->file);
}

/* Cuts the last `len` bytes off the pieces, into `to`. */
static void
cut_tail(struct iovec *pieces, size_t n, size_t len, char *to)
{
	while (len > 0) {
		struct iovec *last = &pieces[--n];
		size_t some = last->iov_len < len ? last->iov_len : len;

		last->iov_len -= some;
		len -= some;
		memcpy(to + len, (char *)last->iov_base + last->iov_len, some);
	}
}

/*
 * Writes the pieces, of which the first has the tail of what came before. They
 * end in whole blocks: what is less waits for more, or gets zeros behind it at
 * the end. A file that served before would else be read for what stands beside.
 */
static int
write_blocks(struct journal_entry *e, struct iovec *pieces, size_t n, bool last)
{
	static const char zeros[FILE_BLOCK];
	struct journal *j = journal_of(e->base.spool);
	struct content_file *f = e->file;
	uint64_t at = f->stored.size - f->stored.size % FILE_BLOCK, end;
	char rest[FILE_BLOCK];
	size_t len = 0, over;
	int rc;

	for (size_t i = 0; i < n; i++)
		len += pieces[i].iov_len;
	f->stored.size = at + len;
	over = len % FILE_BLOCK;
	if (last && over > 0) {
		pieces[n++] = (struct iovec){ (void *)(uintptr_t)zeros,
			FILE_BLOCK - over };
		len += FILE_BLOCK - over;
		over = 0;
	}
	cut_tail(pieces, n, over, rest);
	end = at + len - over;
	rc = len == over ? 0 : disk_write(j->home.disk, f->fd, pieces, n, at);
	memcpy(e->tail, rest, over);
	e->ntail = (uint32_t)over;
	if (end > f->room) {
		space_took(&j->space, end - f->room);
		f->room = end;
	}
	return rc;
}

static int
write_file(
    struct journal_entry *e, const struct span *parts, size_t n, bool last)
{
	struct iovec pieces[SPOOL_TAKEN_MAX + 2];
	int rc = open_file(e);

	if (rc != 0)
		return rc;
	if (e->tail == NULL)
		e->tail = mem_alloc(FILE_BLOCK);
	pieces[0] = (struct iovec){ e->tail, e->ntail };
	for (size_t i = 0; i < n; i++) {
		struct span s = parts[i];

		pieces[i + 1] =
		    (struct iovec){ (void *)(uintptr_t)s.ptr, s.len };
		e->file->stored.crc = crc32c(e->file->stored.crc, s.ptr, s.len);
	}
	return write_blocks(e, pieces, n + 1, last);
}

static int
write_chunks(struct journal_entry *e, bool last)
{
	struct span parts[SPOOL_TAKEN_MAX];

	for (size_t i = 0; i < e->nchunks; i++)
		parts[i] = buf_span(&e->chunks[i]);
	return write_file(e, parts, e->nchunks, last);
}

/* Behind its head, which stays with the record. */
static int
copy_content(struct journal_entry *e)
{
	uint64_t size = content_size(e->content), at = e->head;
	char *chunk = mem_alloc(COPY_CHUNK);
	struct err err;
	int rc = 0;

	while (rc == 0 && at < size) {
		int64_t n =
		    content_read(e->content, at, chunk, COPY_CHUNK, &err);

		if (n <= 0) {
			rc = -EIO;
			break;
		}
		at += (uint64_t)n;
		rc = write_file(
		    e, &(struct span){ chunk, (size_t)n }, 1, at == size);
	}
	free(chunk);
	return rc;
}

/* What waits may wait for days: it does not keep the room of a larger one. */
static int
trim(struct journal_entry *e)
{
	const struct disk *d = journal_of(e->base.spool)->home.disk;
	struct content_file *f = e->file;
	uint64_t size = round_up(f->stored.size, FILE_BLOCK);

	if (f->room <= 2 * size + ROOM_SPARE)
		return 0;
	if (d->truncate(d->arg, f->fd, (off_t)size) != 0)
		return errno == 0 ? -EIO : -errno;
	f->room = size;
	return 0;
}

/*
 * What is less than a block goes to the file for who reads it; the next write
 * begins with the same bytes at the same place.
 */
static int
write_tail(struct journal_entry *e)
{
	struct journal *j = journal_of(e->base.spool);
	struct content_file *f = e->file;
	struct iovec piece = { e->tail, FILE_BLOCK };

	if (e->ntail == 0)
		return 0;
	memset(e->tail + e->ntail, 0, FILE_BLOCK - e->ntail);
	return disk_write(
	    j->home.disk, f->fd, &piece, 1, f->stored.size - e->ntail);
}

static int
sync_file(struct journal_entry *e)
{
	struct journal *j = journal_of(e->base.spool);
	const struct disk *d = j->home.disk;
	struct content_file *f = e->file;

	if (d->sync(d->arg, f->fd) != 0 ||
	    (!f->is_named && d->sync_folder(d->arg, j->home.contents) != 0))
		return errno == 0 ? -EIO : -errno;
	f->is_named = true;
	return 0;
}

static void
note(struct journal_entry *e, int rc)
{
	if (rc == 0 || e->status != SPOOL_OK)
		return;
	e->status = journal_status(rc);
	if (e->status == SPOOL_FULL)
		content_files_drop(&journal_of(e->base.spool)->files, false);
	FACT(SPOOL_CONTENT_FAILED, fact_id("qid", e->base.id),
	    fact_string("reason", strerror(-rc)));
}

static void
run_append(void *arg)
{
	struct journal_entry *e = arg;

	if (e->status == SPOOL_OK)
		note(e, write_chunks(e, false));
}

static void
run_read(void *arg)
{
	struct journal_entry *e = arg;
	int rc = write_chunks(e, false);

	note(e, rc == 0 ? write_tail(e) : rc);
}

static void
run_finish(void *arg)
{
	struct journal_entry *e = arg;
	int rc = e->base.appended > 0 || e->content == NULL
		     ? write_chunks(e, true)
		     : copy_content(e);

	if (rc == 0)
		rc = open_file(e); /* content of no bytes has one too */
	if (rc == 0)
		rc = trim(e);
	if (rc == 0)
		rc = sync_file(e);
	note(e, rc);
}

/* --- on the loop's thread --- */

static void
append_done(void *arg)
{
	struct journal_entry *e = arg;

	/* Here, where the next will be asked for: its memory is still warm. */
	drop_chunks(e);
	e->busy = false;
	if (e->dropped) {
		end_entry(e);
		return;
	}
	e->cb(e->status, e->arg);
}

static void
read_done(void *arg)
{
	struct journal_entry *e = arg;
	struct content *content = NULL;

	drop_chunks(e);
	e->busy = false;
	if (e->dropped) {
		end_entry(e);
		return;
	}
	if (e->status == SPOOL_OK)
		content = content_file_reader(e->file);
	if (e->status == SPOOL_OK && content == NULL)
		e->status = SPOOL_FAULT; /* no descriptor is left */
	e->read_cb(e->status, content, e->arg);
}

static void
on_read(struct parcel *p)
{
	struct journal_entry *e = entry_of_parcel(p);

	work_run(e->base.loop, run_read, read_done, e);
}

static void
on_append(struct parcel *p)
{
	struct journal_entry *e = entry_of_parcel(p);

	work_run(e->base.loop, run_append, append_done, e);
}

/* The entry ends without a record. */
static void
fail(struct journal_entry *e)
{
	enum spool_status status = e->status;
	spool_done_cb cb = e->cb;
	void *arg = e->arg;

	end_entry(e);
	cb(status, arg);
}

static void
on_fail(struct parcel *p)
{
	fail(entry_of_parcel(p));
}

static void
finish_done(void *arg)
{
	struct journal_entry *e = arg;

	drop_chunks(e);
	if (e->status != SPOOL_OK)
		fail(e);
	else
		committer_add(journal_of(e->base.spool), e);
}

static void
on_finish(struct parcel *p)
{
	struct journal_entry *e = entry_of_parcel(p);

	work_run(e->base.loop, run_finish, finish_done, e);
}

/* --- the interface --- */

static void
post(struct journal_entry *e, void (*open)(struct parcel *p))
{
	e->parcel.open = open;
	mailbox_post(e->base.loop, &e->parcel);
}

void
journal_append_take(
    struct spool_entry *base, struct buf *chunk, spool_done_cb cb, void *arg)
{
	struct journal_entry *e = entry_of(base);

	assert(!e->busy && e->nchunks < SPOOL_TAKEN_MAX);
	e->chunks[e->nchunks++] = buf_take(chunk);
	if (cb == NULL)
		return;
	e->busy = true;
	e->cb = cb;
	e->arg = arg;
	post(e, on_append);
}

void
journal_entry_read(struct spool_entry *base, spool_fetch_cb cb, void *arg)
{
	struct journal_entry *e = entry_of(base);

	assert(!e->busy);
	e->busy = true;
	e->read_cb = cb;
	e->arg = arg;
	post(e, on_read);
}

struct span
journal_entry_head(const struct journal_entry *e)
{
	return e->content == NULL ? SPAN("")
				  : span_to(content_head(e->content), e->head);
}

/* How much of the content stays in front of what the file has. */
static size_t
head_of(const struct journal_entry *e)
{
	const struct journal *j = journal_of(e->base.spool);
	size_t head = e->content == NULL ? 0 : content_head(e->content).len;

	if (e->base.appended > 0 || head <= j->options.inline_max)
		return head;
	return 0;
}

void
journal_commit(struct spool_entry *base, const struct envelope *env,
    struct content *content, spool_done_cb cb, void *arg)
{
	struct journal_entry *e = entry_of(base);
	struct journal *j = journal_of(base->spool);

	assert(!e->busy && !e->dropped);
	e->env = env;
	e->content = content;
	e->head = head_of(e);
	e->cb = cb;
	e->arg = arg;
	if (e->status != SPOOL_OK)
		post(e, on_fail);
	else if (e->file != NULL || e->nchunks > 0 ||
		 (content != NULL &&
		     (!content_is_in_memory(content) ||
			 content_size(content) > j->options.inline_max)))
		post(e, on_finish);
	else
		committer_add(j, e);
}

void
journal_drop(struct spool_entry *base)
{
	struct journal_entry *e = entry_of(base);

	e->dropped = true;
	if (e->busy)
		return; /* append_done() ends it */
	end_entry(e);
}

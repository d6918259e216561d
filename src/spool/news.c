/*
 * News of messages: into the index at once, to disk with the next group. A
 * record is encoded here, on the caller's thread, so that the committer has
 * nothing to do but to copy it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "journal_priv.h"
#include "le_priv.h"
#include "mail/reason.h"

static struct lazy *
lazy_new(uint64_t id, enum record_type type, size_t length,
    const struct spool_wait *wait)
{
	static const struct spool_wait nobody;
	struct lazy *lazy = mem_alloc(sizeof *lazy + length);

	lazy->wait = wait == NULL ? nobody : *wait;
	lazy->id = id;
	lazy->type = type;
	lazy->length = (uint32_t)length;
	return lazy;
}

void
news_answer(struct lazy *lazy, enum spool_status status)
{
	spool_answer_wait(&lazy->wait, status);
	lazy->wait.cb = NULL;
}

/* Under the lock. */
static struct live *
find_waiting(const struct journal *j, uint64_t id)
{
	struct live *live = index_get(&j->index, id);

	return live == NULL || live->done ? NULL : live;
}

/*
 * Under the lock. Who waits while nothing can be written is told so at once:
 * the news wait for the disk, and may wait long.
 */
static void
add_take(struct journal *j, struct lazy *lazy)
{
	if (j->faulted)
		news_answer(lazy, j->fault_status);
	if (list_is_empty(&j->lazies)) {
		j->lazy_since = journal_now();
		if (!j->dozes)
			(void)pthread_cond_signal(&j->wake);
	}
	list_append(&j->lazies, &lazy->node);
}

/* About a message that is no more. */
static void
drop(struct lazy *lazy)
{
	news_answer(lazy, SPOOL_ABSENT);
	free(lazy);
}

/*
 * The rows as they are written. Words that were cut are on disk already, whole,
 * and it is not for the news to shorten them: they stay. The others are held
 * whole until they are written.
 */
static struct progress *
rows_hold(const struct progress *rcpts, uint32_t n)
{
	struct progress *rows = mem_dup(rcpts, n * sizeof *rows);

	for (uint32_t i = 0; i < n; i++) {
		rows[i].reason = reason_whole(rows[i].reason);
		rows[i].is_reason_as_before = reason_is_cut(rows[i].reason);
	}
	return rows;
}

static void
rows_let_go(struct progress *rows, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		reason_unref(rows[i].reason);
	free(rows);
}

void
journal_progress(struct spool *s, uint64_t id, const struct progress *rcpts,
    uint32_t n, const struct spool_wait *wait)
{
	struct journal *j = journal_of(s);
	struct progress *held = rows_hold(rcpts, n);
	struct buf rows = { 0 };
	struct lazy *lazy;
	struct live *live;

	record_progress_encode(held, n, &rows);
	lazy = lazy_new(id, RECORD_PROGRESS, buf_len(&rows), wait);
	memcpy(lazy->payload, buf_span(&rows).ptr, buf_len(&rows));
	buf_clear(&rows);
	(void)pthread_mutex_lock(&j->lock);
	live = find_waiting(j, id);
	if (live != NULL) {
		lazy->serial = ++j->serial;
		live_apply(live, held, n, place_pending(lazy->serial));
		add_take(j, lazy);
	}
	(void)pthread_mutex_unlock(&j->lock);
	rows_let_go(held, n);
	if (live == NULL)
		drop(lazy);
}

void
journal_set_flags(
    struct spool *s, uint64_t id, uint32_t flags, const struct spool_wait *wait)
{
	struct journal *j = journal_of(s);
	struct lazy *lazy = lazy_new(id, RECORD_FLAGS, 4, wait);
	struct live *live;

	le_put32(lazy->payload, flags);
	(void)pthread_mutex_lock(&j->lock);
	live = find_waiting(j, id);
	if (live != NULL) {
		live->flags = (uint8_t)flags;
		add_take(j, lazy);
	}
	(void)pthread_mutex_unlock(&j->lock);
	if (live == NULL)
		drop(lazy);
}

void
journal_done(struct spool *s, uint64_t id, const struct spool_wait *wait)
{
	struct journal *j = journal_of(s);
	struct lazy *lazy = lazy_new(id, RECORD_DONE, 0, wait);
	struct live *live;

	(void)pthread_mutex_lock(&j->lock);
	live = find_waiting(j, id);
	if (live != NULL) {
		index_mark_done(&j->index, live);
		add_take(j, lazy);
	}
	(void)pthread_mutex_unlock(&j->lock);
	if (live == NULL)
		drop(lazy);
}

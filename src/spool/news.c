/*
 * News of messages: into the index at once, to disk with the next group. A
 * record is encoded here, on the caller's thread, so that the committer has
 * nothing to do but to copy it.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "journal_priv.h"
#include "le_priv.h"

static struct lazy *
lazy_new(uint64_t id, enum record_type type, size_t length)
{
	struct lazy *lazy = mem_alloc(sizeof *lazy + length);

	lazy->id = id;
	lazy->type = type;
	lazy->length = (uint32_t)length;
	return lazy;
}

/* Under the lock. */
static struct live *
find_waiting(const struct journal *j, uint64_t id)
{
	struct live *live = index_get(&j->index, id);

	return live == NULL || live->done ? NULL : live;
}

/* Under the lock. */
static void
add_take(struct journal *j, struct lazy *lazy)
{
	if (list_is_empty(&j->lazies)) {
		j->lazy_since = journal_now();
		if (!j->dozes)
			(void)pthread_cond_signal(&j->wake);
	}
	list_append(&j->lazies, &lazy->node);
}

void
journal_progress(
    struct spool *s, uint64_t id, const struct progress *rcpts, uint32_t n)
{
	struct journal *j = journal_of(s);
	size_t size = record_progress_size(rcpts, n);
	struct lazy *lazy = lazy_new(id, RECORD_PROGRESS, size);
	struct live *live;

	record_progress_encode(rcpts, n, lazy->payload);
	(void)pthread_mutex_lock(&j->lock);
	live = find_waiting(j, id);
	if (live != NULL) {
		live_apply(live, rcpts, n);
		/* It was tried: it may be long until the content is used. */
		index_let_go(&j->index, live);
		add_take(j, lazy);
	}
	(void)pthread_mutex_unlock(&j->lock);
	if (live == NULL)
		free(lazy);
}

void
journal_set_flags(struct spool *s, uint64_t id, uint32_t flags)
{
	struct journal *j = journal_of(s);
	struct lazy *lazy = lazy_new(id, RECORD_FLAGS, 4);
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
		free(lazy);
}

void
journal_done(struct spool *s, uint64_t id)
{
	struct journal *j = journal_of(s);
	struct lazy *lazy = lazy_new(id, RECORD_DONE, 0);
	struct live *live;

	(void)pthread_mutex_lock(&j->lock);
	live = find_waiting(j, id);
	if (live != NULL) {
		index_mark_done(&j->index, live);
		add_take(j, lazy);
	}
	(void)pthread_mutex_unlock(&j->lock);
	if (live == NULL)
		free(lazy);
}

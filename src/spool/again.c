/*
 * A message's second record takes the place of its first, as a copy of reclaiming's
 * does, with what is known of its recipients by then:
 *
 *   again_prepare   its rows are the old one's, as of now, with the caller's news
 *   (the group is written; rows may get news meanwhile, which are written behind it)
 *   again_settle    rows that had such news keep them
 *
 * News of before stand in front of it in the journal, and later ones behind: a start
 * that reads all of them ends with the newest.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "journal_priv.h"
#include "mail/envelope.h"
#include "mail/reason.h"

/* A copy of the old one, behind it in the same group, would count instead of it. */
static void
drop_copy(struct round *r, uint64_t id)
{
	for (size_t i = 0; i < r->ncopies; i++)
		r->copies[i].is_stale |= r->copies[i].id == id;
}

/* What somebody prepared before, for a group that had no room for it. */
static void
forget(struct journal_entry *e)
{
	live_free(e->live);
	e->live = NULL;
	free(e->places);
	e->places = NULL;
}

static struct row *
rows_of(const struct journal_entry *e, const struct live *old)
{
	struct row *rows = rows_copy(old->rows, old->nrcpt);
	uint32_t more = e->env->nrcpt - old->nrcpt;

	rows = mem_realloc(rows, e->env->nrcpt * sizeof *rows);
	memset(rows + old->nrcpt, 0, more * sizeof *rows);
	return rows;
}

static uint32_t
flags_of(const struct journal_entry *e, const struct live *old)
{
	const struct spool_again *again = &e->base.again;

	return (old->flags & ~again->clear) | again->set;
}

/* Under the lock. False: there is nothing to replace. */
static bool
prepare(struct journal *j, struct journal_entry *e)
{
	const struct live *old = index_get(&j->index, e->base.id);
	const struct spool_again *again = &e->base.again;

	if (old == NULL || old->done || old->nrcpt > e->env->nrcpt)
		return false;
	e->nplaces = old->nrcpt;
	e->places = mem_zalloc(old->nrcpt, sizeof *e->places);
	for (uint32_t i = 0; i < old->nrcpt; i++)
		e->places[i] = old->rows[i].place;
	e->live = live_new_take(e->base.id, e->env->nrcpt, rows_of(e, old));
	e->live->flags = (uint8_t)flags_of(e, old);
	live_apply(e->live, again->news, again->n, 0);
	return true;
}

void
again_prepare(struct journal *j, struct round *r, struct list *gone)
{
	(void)pthread_mutex_lock(&j->lock);
	LIST_FOREACH_SAFE (it, next, &r->commits) {
		struct journal_entry *e =
		    LIST_ENTRY(it, struct journal_entry, node);

		if (!e->base.replaces)
			continue;
		forget(e);
		if (prepare(j, e)) {
			drop_copy(r, e->base.id);
		} else {
			list_remove(it);
			list_append(gone, it);
		}
	}
	(void)pthread_mutex_unlock(&j->lock);
}

/* Rows that have had news since it was prepared keep them. */
static void
take_news(struct journal_entry *e, struct live *old)
{
	for (uint32_t i = 0; i < e->nplaces; i++) {
		struct row row = e->live->rows[i];

		e->live->rows[i].place = 0; /* this record has it */
		if (old->rows[i].place == e->places[i])
			continue;
		e->live->rows[i] = old->rows[i];
		old->rows[i] = row;
	}
}

struct content_file *
again_settle(struct journal *j, struct journal_entry *e)
{
	struct live *old = index_get(&j->index, e->base.id);

	take_news(e, old);
	e->live->flags = (uint8_t)flags_of(e, old);
	/* What was asked for since is recorded behind this. */
	e->is_done = old->done;
	return index_remove(&j->index, old);
}

/*
 * The words of a waiting message, for who keeps them too, and for who asks for those
 * that were cut in memory: those are read in the pool.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "io/work.h"
#include "journal_priv.h"
#include "mail/reason.h"
#include "mail/reasons.h"
#include "whole_priv.h"

struct reason *
journal_keep_reason_take(struct spool *s, struct reason *r)
{
	struct journal *j = journal_of(s);
	struct reason *kept;

	(void)pthread_mutex_lock(&j->lock);
	kept = reasons_keep(j->index.reasons, r);
	(void)pthread_mutex_unlock(&j->lock);
	reason_unref(r);
	return kept;
}

struct asking {
	struct parcel parcel;
	struct journal *journal; /* a reference */
	struct loop *loop;
	uint64_t id;
	struct cut *cut; /* owned */
	uint32_t ncut;
	struct spool_reasons *out; /* owned */
};

static void
run(void *arg)
{
	struct asking *a = arg;

	if (cut_read(&a->journal->segments, a->id, a->cut, a->ncut) != 0)
		a->out->status = SPOOL_DAMAGED;
	for (uint32_t i = 0; i < a->ncut; i++) {
		struct reason **r = &a->out->reasons[a->cut[i].rcpt];

		if (a->cut[i].whole == NULL)
			continue;
		reason_unref(*r);
		*r = reason_ref(a->cut[i].whole);
	}
	cut_free(a->cut, a->ncut);
	journal_unref(a->journal);
}

static void
on_read(void *arg)
{
	struct asking *a = arg;
	struct spool_reasons *out = a->out;

	free(a);
	spool_reasons_end(out);
}

/* On the loop's thread, where alone work may be started. */
static void
on_start(struct parcel *p)
{
	struct asking *a = (struct asking *)(void *)p;

	work_run(a->loop, run, on_read, a);
}

/* Under the lock: what is in memory. */
static void
look_up(const struct journal *j, uint64_t id, struct asking *a)
{
	const struct live *live = index_get(&j->index, id);
	struct spool_reasons *out = a->out;

	out->status = SPOOL_ABSENT;
	if (live == NULL || live->done)
		return;
	out->status = SPOOL_OK;
	out->n = live->nrcpt;
	out->reasons = mem_zalloc(out->n, sizeof(struct reason *));
	for (uint32_t i = 0; i < out->n; i++)
		out->reasons[i] = reason_whole(live->rows[i].reason);
	a->ncut = cut_find(&j->segments, live, &a->cut);
}

void
journal_fetch_reasons(struct spool *s, uint64_t id, struct loop *loop,
    spool_reasons_cb cb, void *arg)
{
	struct journal *j = journal_of(s);
	struct asking *a = MEM_NEW(struct asking);

	a->out = MEM_NEW(struct spool_reasons);
	a->out->cb = cb;
	a->out->arg = arg;
	a->id = id;
	a->loop = loop;
	(void)pthread_mutex_lock(&j->lock);
	look_up(j, id, a);
	(void)pthread_mutex_unlock(&j->lock);
	if (a->ncut == 0) {
		spool_answer_reasons(loop, a->out);
		free(a);
		return;
	}
	journal_ref(j);
	a->journal = j;
	a->parcel.open = on_start;
	mailbox_post(loop, &a->parcel);
}

/*
 * The committer: takes what waits, lets write.c make it durable, answers.
 *
 * After a fault nothing is tried again on the same file. What the clients of
 * the failed group are told is only told when the next segment has a record
 * that cancels their messages, if a next segment can be had at all:
 *
 *   a write or sync fails -> the segment is sealed behind its last good group
 *     -> a new segment, first group: cancels, and the news of the failed group
 *          ok:     the clients of the failed group get 451, all else goes on
 *          fails:  everybody gets 451 at once; once a second the same again
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "facts/fact.h"
#include "io/loop.h"
#include "journal_priv.h"
#include "mail/envelope.h"

enum { RETRY_EVERY = 1000 };

/* --- answers: one parcel for each loop and group --- */

struct answers {
	struct parcel parcel;
	struct list node; /* of the sets that are being made */
	struct loop *loop;
	struct list entries;
};

static void
on_answers(struct parcel *p)
{
	struct answers *a = (struct answers *)(void *)p;
	struct list *node;

	while ((node = list_pop(&a->entries)) != NULL) {
		struct journal_entry *e =
		    LIST_ENTRY(node, struct journal_entry, node);
		enum spool_status status = e->status;
		spool_done_cb cb = e->cb;
		void *arg = e->arg;

		journal_entry_free(e);
		cb(status, arg);
	}
	free(a);
}

static struct answers *
answers_for(struct list *sets, struct loop *loop)
{
	struct answers *a;

	LIST_FOREACH (it, sets) {
		a = LIST_ENTRY(it, struct answers, node);
		if (a->loop == loop)
			return a;
	}
	a = MEM_NEW(struct answers);
	a->parcel.open = on_answers;
	a->loop = loop;
	list_init(&a->entries);
	list_append(sets, &a->node);
	return a;
}

static void
answer(struct list *entries, enum spool_status status)
{
	struct list sets, *node;

	list_init(&sets);
	while ((node = list_pop(entries)) != NULL) {
		struct journal_entry *e =
		    LIST_ENTRY(node, struct journal_entry, node);

		e->status = status;
		list_append(&answers_for(&sets, e->base.loop)->entries, node);
	}
	while ((node = list_pop(&sets)) != NULL) {
		struct answers *a = LIST_ENTRY(node, struct answers, node);

		mailbox_post(a->loop, &a->parcel);
	}
}

/* --- after a fault --- */

static void
remember_cancels(struct journal *j, const struct list *commits)
{
	LIST_FOREACH (it, commits) {
		struct journal_entry *e =
		    LIST_ENTRY(it, struct journal_entry, node);

		/*
		 * The message was accepted before. Either record of it is true;
		 * the file stays, should the new one count after all.
		 */
		if (e->base.replaces)
			continue;
		if (j->ncancels == j->cancels_cap) {
			j->cancels_cap = j->cancels_cap * 2 + 16;
			j->cancels = mem_realloc(
			    j->cancels, j->cancels_cap * sizeof *j->cancels);
		}
		j->cancels[j->ncancels++] =
		    (struct cancel){ e->base.id, e->file };
		e->file = NULL;
	}
}

static void
forget_cancels(struct journal *j)
{
	for (size_t i = 0; i < j->ncancels; i++)
		if (j->cancels[i].file != NULL)
			content_file_release_take(
			    &j->files, j->cancels[i].file, false);
	j->ncancels = 0;
}

/* The news of a failed group are ours to keep. */
static void
keep_lazies(struct journal *j, struct round *r)
{
	(void)pthread_mutex_lock(&j->lock);
	list_splice(&r->lazies, &j->lazies);
	list_splice(&j->lazies, &r->lazies);
	(void)pthread_mutex_unlock(&j->lock);
}

static void
set_fault(struct journal *j, int rc)
{
	(void)pthread_mutex_lock(&j->lock);
	j->faulted = rc != 0;
	j->fault_status = journal_status(rc);
	(void)snprintf(j->why, sizeof j->why, "writing to %.150s failed: %s",
	    j->home.directory, strerror(-rc));
	(void)pthread_mutex_unlock(&j->lock);
}

/* They wait for a disk now that may not come back. */
static void
answer_news(struct journal *j, int rc)
{
	(void)pthread_mutex_lock(&j->lock);
	LIST_FOREACH (it, &j->lazies)
		news_answer(
		    LIST_ENTRY(it, struct lazy, node), journal_status(rc));
	(void)pthread_mutex_unlock(&j->lock);
}

/* Tries a new segment. True when the journal records again. */
static bool
resume(struct journal *j)
{
	bool was = j->faulted;
	struct round r;
	int rc;

	round_init(&r);
	r.resume = true;
	(void)pthread_mutex_lock(&j->lock);
	list_splice(&r.lazies, &j->lazies);
	(void)pthread_mutex_unlock(&j->lock);
	rc = round_write(j, &r);
	if (rc == 0) {
		round_settle(j, &r);
		forget_cancels(j);
		set_fault(j, 0);
		FACT(SPOOL_RESUMED, fact_string("directory", j->home.directory),
		    fact_number("segment", j->segments.current->number));
		return true;
	}
	keep_lazies(j, &r);
	roll_seal(&j->segments);
	set_fault(j, rc);
	answer_news(j, rc);
	if (journal_status(rc) == SPOOL_FULL)
		content_files_drop(&j->files, false);
	j->retry_at = journal_now() + RETRY_EVERY;
	if (!was)
		FACT(SPOOL_STOPPED, fact_string("directory", j->home.directory),
		    fact_string("reason", strerror(-rc)));
	return false;
}

static void
give_up(struct journal *j, struct round *r, int rc)
{
	FACT(SPOOL_FAULT, fact_string("directory", j->home.directory),
	    fact_number("segment",
		(j->segments.current == NULL
			? 0ULL
			: (unsigned long long)j->segments.current->number)),
	    fact_word(
		"messages", list_is_empty(&r->commits) ? "none" : "refused"),
	    fact_string("reason", strerror(-rc)));
	remember_cancels(j, &r->commits);
	keep_lazies(j, r);
	roll_seal(&j->segments);
	(void)resume(j); /* the clients hear the same either way */
}

/* --- the thread --- */

static void
prepare(struct round *r)
{
	LIST_FOREACH (it, &r->commits) {
		struct journal_entry *e =
		    LIST_ENTRY(it, struct journal_entry, node);

		if (e->live != NULL)
			continue;
		e->live = live_new_take(e->base.id, e->env->nrcpt, NULL);
		e->live->flags = (uint8_t)e->base.message_flags;
		if (e->base.rows != NULL)
			live_apply(e->live, e->base.rows, e->live->nrcpt, 0);
	}
}

static void
run_round(struct journal *j, struct round *r)
{
	enum spool_status status = SPOOL_OK;
	uint64_t began = clock_us();
	struct list gone;
	int rc;

	list_init(&gone);
	again_prepare(j, r, &gone);
	LIST_FOREACH (it, &gone)
		journal_entry_release(
		    LIST_ENTRY(it, struct journal_entry, node), false);
	answer(&gone, SPOOL_ABSENT);
	prepare(r);
	rc = round_write(j, r);
	histogram_add(HISTOGRAM_SYNC, clock_us() - began);
	if (rc == 0) {
		round_settle(j, r);
	} else {
		status = journal_status(rc);
		give_up(j, r, rc);
	}
	answer(&r->commits, status);
	reclaim_clear(r);
}

/* All that follow are under the lock when they are called. */

static void
take(struct journal *j, struct round *r)
{
	round_init(r);
	list_splice(&r->commits, &j->commits);
	if (j->faulted)
		return;
	list_splice(&r->lazies, &j->lazies);
	if (!j->stop)
		reclaim_choose(j, r);
}

static bool
has_work(struct journal *j, uint64_t now)
{
	if (!list_is_empty(&j->commits))
		return true;
	if (j->faulted)
		return now >= j->retry_at;
	if (!list_is_empty(&j->lazies) &&
	    (j->stop || now >= j->lazy_since + j->options.lazy_ms))
		return true;
	return !j->stop && reclaim_is_due(j);
}

static void
wait_until(struct journal *j, uint64_t when)
{
	struct timespec t = { .tv_sec = (time_t)(when / 1000),
		.tv_nsec = (long)(when % 1000) * 1000000 };

	(void)pthread_cond_timedwait(&j->wake, &j->lock, &t);
}

/*
 * Where there was a group, news will follow: for their time the thread only
 * dozes, so that the first of them need not wake it (news.c).
 */
static void
wait_for_work(struct journal *j)
{
	uint64_t now = journal_now(), doze = now + j->options.lazy_ms;

	for (; !j->stop && !has_work(j, now); now = journal_now()) {
		if (j->faulted) {
			wait_until(j, j->retry_at);
		} else if (!list_is_empty(&j->lazies)) {
			wait_until(j, j->lazy_since + j->options.lazy_ms);
		} else if (now < doze) {
			j->dozes = true;
			wait_until(j, doze);
			j->dozes = false;
		} else {
			(void)pthread_cond_wait(&j->wake, &j->lock);
		}
	}
}

static void
work(struct journal *j)
{
	enum spool_status status = j->fault_status;
	bool faulted = j->faulted;
	struct round r;

	take(j, &r);
	(void)pthread_mutex_unlock(&j->lock);
	if (!faulted) {
		run_round(j, &r);
	} else {
		/* Never written: there is nothing to cancel, but files. */
		LIST_FOREACH (it, &r.commits)
			journal_entry_release(
			    LIST_ENTRY(it, struct journal_entry, node), false);
		answer(&r.commits, status);
		if (journal_now() >= j->retry_at)
			(void)resume(j);
	}
	(void)pthread_mutex_lock(&j->lock);
}

/* The last try: what cannot be recorded now is lost with the process. */
static void
finish(struct journal *j)
{
	if (!j->faulted)
		return;
	(void)pthread_mutex_unlock(&j->lock);
	if (!resume(j))
		FACT(SPOOL_UNRECORDED,
		    fact_string("directory", j->home.directory),
		    fact_string("what", "messages may be sent twice"));
	(void)pthread_mutex_lock(&j->lock);
}

static void *
run(void *arg)
{
	struct journal *j = arg;

	(void)pthread_setname_np(pthread_self(), "committer");
	(void)pthread_mutex_lock(&j->lock);
	for (;;) {
		wait_for_work(j);
		if (j->stop && j->faulted && list_is_empty(&j->commits))
			break;
		if (j->stop && !has_work(j, journal_now()))
			break;
		work(j);
	}
	finish(j);
	(void)pthread_mutex_unlock(&j->lock);
	return NULL;
}

void
committer_add(struct journal *j, struct journal_entry *e)
{
	(void)pthread_mutex_lock(&j->lock);
	list_append(&j->commits, &e->node);
	(void)pthread_mutex_unlock(&j->lock);
	/*
	 * Not under the lock: the woken thread would run into it. The journal
	 * is still there: it does not close before this loop has its answer.
	 */
	(void)pthread_cond_signal(&j->wake);
}

int
committer_start(struct journal *j, struct err *err)
{
	int rc = pthread_create(&j->committer, NULL, run, j);

	if (rc != 0)
		return err_set(err, -rc, "start a thread: %s", strerror(rc));
	j->committer_runs = true;
	return 0;
}

void
committer_stop(struct journal *j)
{
	if (!j->committer_runs)
		return;
	(void)pthread_mutex_lock(&j->lock);
	j->stop = true;
	(void)pthread_cond_signal(&j->wake);
	(void)pthread_mutex_unlock(&j->lock);
	(void)pthread_join(j->committer, NULL);
	j->committer_runs = false;
}

/*
 *   loader_start: headers, the newest segment's end
 *   run (a thread):  recover_read (each segment) -> recover_end
 *   on_read (the loop's thread) -> hand_some, turn after turn -> end
 *
 * Until all has arrived nothing is reclaimed: a segment that was not read looks
 * empty. Messages that come in meanwhile are behind the newest segment, and known
 * to who took them.
 */
#include "loader_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "facts/fact.h"
#include "io/loop.h"

enum {
	TURN_US =
	    1000, /* of the loop, at a time; others have their turns between */
	LOOK_EACH = 16, /* messages, at the clock */
};

struct loader {
	struct parcel parcel; /* the thread has read all, or cannot go on */
	struct journal *journal; /* borrowed: stops it before it goes */
	struct recovery recovery;
	struct err err;
	int rc;
	pthread_t thread;
	bool runs; /* it is to be joined */
	atomic_bool stop;
	bool is_posted; /* the parcel is under way: it frees */
	bool is_dead;
	struct loop *loop; /* borrowed */
	struct spool_events on;
	struct rows_room room;
	struct live **all; /* owned; borrowed each, until it has arrived */
	size_t n, next;
};

static void on_read(struct parcel *p);
static void hand_some(struct loader *l);

static void
loader_free(struct loader *l)
{
	recover_clear(&l->recovery);
	free(l->room.rows);
	free(l->all);
	free(l);
}

static void
tell_progress(struct loader *l)
{
	struct journal *j = l->journal;

	(void)pthread_mutex_lock(&j->lock);
	j->nread = l->recovery.nread;
	(void)pthread_mutex_unlock(&j->lock);
}

static void *
run(void *arg)
{
	struct loader *l = arg;

	(void)pthread_setname_np(pthread_self(), "loader");
	do {
		l->rc = recover_read(&l->recovery);
		tell_progress(l);
	} while (l->rc > 0 && !atomic_load(&l->stop));
	if (l->rc == 0)
		l->rc = recover_end(&l->recovery);
	if (l->rc == 0)
		l->all = recover_order(&l->recovery, &l->n);
	mailbox_post(l->loop, &l->parcel);
	mailbox_flush();
	return NULL;
}

static void
on_read(struct parcel *p)
{
	struct loader *l = (struct loader *)(void *)p;

	if (l->is_dead) {
		loader_free(l);
		return;
	}
	l->is_posted = false;
	if (l->runs)
		(void)pthread_join(l->thread, NULL);
	l->runs = false;
	hand_some(l);
}

/* Nobody gets what has not arrived yet; the journal has it. */
static void
drop_rest(struct loader *l)
{
	if (l->all == NULL) {
		recover_drop(&l->recovery);
		return;
	}
	(void)pthread_mutex_lock(&l->journal->lock);
	for (; l->next < l->n; l->next++) {
		free(l->all[l->next]->env);
		l->all[l->next]->env = NULL;
	}
	(void)pthread_mutex_unlock(&l->journal->lock);
}

/* All is known: what the journal kept back it may do now. */
static void
end(struct loader *l)
{
	struct journal *j = l->journal;
	struct spool_events on = l->on;
	struct err err = l->err;
	int rc = l->rc;

	if (rc != 0)
		drop_rest(l);
	(void)pthread_mutex_lock(&j->lock);
	j->loader = NULL;
	if (rc == 0) {
		j->is_loading = false;
		reclaim_drop_empty(j);
		(void)pthread_cond_signal(&j->wake);
	}
	(void)pthread_mutex_unlock(&j->lock);
	loader_free(l);
	if (on.loaded != NULL)
		on.loaded(rc, &err, on.arg);
}

static void
hand_some(struct loader *l)
{
	uint64_t until = clock_us() + TURN_US;

	while (l->rc == 0 && l->next < l->n) {
		recover_hand(&l->recovery, l->all[l->next++], &l->room,
		    l->on.message, l->on.arg);
		if (l->next % LOOK_EACH == 0 && clock_us() >= until) {
			l->is_posted = true;
			mailbox_post(l->loop, &l->parcel);
			return;
		}
	}
	end(l);
}

int
loader_start(struct journal *j, const struct spool_events *on, struct err *err)
{
	struct loader *l = MEM_NEW(struct loader);
	int rc;

	journal_recovery(j, &l->recovery, &l->err);
	rc = recover_begin(&l->recovery);
	if (rc == 0)
		rc = recover_tail(&l->recovery);
	if (rc == 0)
		rc = chain_find_spares(&l->recovery);
	if (rc != 0) {
		*err = l->err;
		loader_free(l);
		return rc;
	}
	l->parcel.open = on_read;
	l->journal = j;
	l->loop = j->options.loop;
	l->on = *on;
	j->loader = l;
	j->is_loading = true;
	j->ntoread = l->recovery.nsegments;
	l->is_posted = l->runs = true;
	rc = pthread_create(&l->thread, NULL, run, l);
	if (rc != 0) {
		l->is_posted = l->runs = false;
		return err_set(err, -rc, "start a thread: %s", strerror(rc));
	}
	return 0;
}

void
loader_stop(struct loader *l)
{
	if (l == NULL)
		return;
	atomic_store(&l->stop, true);
	if (l->runs)
		(void)pthread_join(l->thread, NULL);
	l->runs = false;
	drop_rest(l);
	l->journal->loader = NULL;
	l->is_dead = true;
	if (!l->is_posted)
		loader_free(l);
}

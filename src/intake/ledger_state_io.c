/*
 * The accounts' way from and to `state`:
 *
 *   ledger_load()   an account that is not here is asked for -> on_read (on the
 *                   state's thread): it is filled, and who waits is woken
 *   ledger_mark()   and the state is woken -> collect, collected: what it has is put
 *                   as bytes; kept, or marked again
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "io/loop.h"
#include "ledger_priv.h"
#include "standings_io.h"
#include "state/state.h"

enum { USED_MOST = 64 * 1024 };

static void on_read(const struct state_account *read, void *arg);

static struct ledger_account *
working(struct list *node)
{
	return LIST_ENTRY(node, struct ledger_account, work);
}

/* --- from the state --- */

struct reading {
	struct ledger *ledger;
	struct ledger_account *account; /* is_loading: it stays */
};

static void
open_ready(struct parcel *p)
{
	struct ledger_waiter *w = (struct ledger_waiter *)(void *)p;

	w->ready(w);
}

static void
fill_account(struct ledger_account *a, const struct state_account *read)
{
	int64_t now = (int64_t)(clock_us() / 1000);
	struct span used = read->used;

	/* Damaged bytes are none: it counts from zero. */
	if (used.len > 0 && brake_read(&a->brake, &used, read->passed, now) &&
	    places_read(&a->networks, &used) &&
	    places_read(&a->countries, &used))
		(void)budget_read(&a->budget, used, read->passed, now);
	for (uint32_t i = 0; i < a->ncame; i++)
		(void)account_come(a, a->came[i], now);
	a->ncame = 0;
	for (size_t i = 0; i < read->nknown; i++)
		(void)known_add(&a->known, read->known[i]);
}

static void
on_read(const struct state_account *read, void *arg)
{
	struct reading *reading = arg;
	struct ledger *l = reading->ledger;
	struct ledger_account *a = reading->account;
	struct list *node;
	bool has_order, has_come;

	free(reading);
	ledger_lock(l);
	has_order = a->has_order;
	has_come = a->ncame > 0;
	l->known_memory -= known_memory(&a->known);
	fill_account(a, read);
	l->known_memory += known_memory(&a->known);
	a->is_loading = false;
	a->is_loaded = true;
	if (has_order || has_come)
		ledger_mark(l, a);
	if (!has_order && !l->knows_standings && a->standing == LEDGER_IN_ORDER)
		ledger_set_standing(l, a, (enum ledger_standing)read->standing);
	while ((node = list_pop(&a->waiters)) != NULL) {
		struct ledger_waiter *w =
		    LIST_ENTRY(node, struct ledger_waiter, node);

		w->parcel.open = open_ready;
		mailbox_post(w->loop, &w->parcel);
	}
	ledger_unlock(l);
	if (has_order || has_come)
		state_wake(l->state);
	mailbox_flush();
}

/* The waiter may be NULL: who asks again by itself. */
void
ledger_load(struct ledger *l, struct ledger_account *a, struct ledger_waiter *w)
{
	struct reading *reading;

	if (w != NULL)
		list_append(&a->waiters, &w->node);
	if (a->is_loading)
		return;
	a->is_loading = true;
	reading = MEM_NEW(struct reading);
	*reading = (struct reading){ l, a };
	state_ask_account(
	    l->state, span_text(a->name), KNOWN_MOST, on_read, reading);
}

/* On the state's thread: of those that were not in order before the start. */
static void
on_standing(struct span name, enum state_standing standing, void *arg)
{
	struct ledger *l = arg;
	struct ledger_account *a;

	ledger_lock(l);
	a = ledger_find(l, name);
	if (!a->has_order && !l->knows_standings)
		ledger_set_standing(l, a, (enum ledger_standing)standing);
	ledger_unlock(l);
}

/* From the file of those that are not in order, which nobody deletes by mistake. */
static void
on_named(struct span name, enum ledger_standing standing, void *arg)
{
	struct ledger *l = arg;
	struct ledger_account *a = ledger_find(l, name);

	a->has_order = true;
	ledger_set_standing(l, a, standing);
}

static void
open_standings(struct ledger *l, const char *path)
{
	struct standings *s;

	if (path == NULL)
		return;
	s = standings_new(path);
	l->knows_standings = standings_read(s, on_named, l);
	l->standings = s;
}

/* --- to the state --- */

/* On the state's thread: one account at a time, so that nobody waits for all. */
static void
collect(struct state_batch *b, void *arg)
{
	struct ledger *l = arg;
	struct buf used = { .max = USED_MOST };
	struct list *node;
	enum state_standing standing;
	int64_t now;

	ledger_lock(l);
	while ((node = list_pop(&l->dirty)) != NULL) {
		struct ledger_account *a = working(node);

		a->is_saving = true;
		list_append(&l->saving, &a->work);
		a->saving = a->unsaved;
		a->unsaved = (struct hashes){ 0 };
		buf_reset(&used);
		standing = (enum state_standing)a->standing;
		now = (int64_t)(clock_us() / 1000);
		brake_write(&a->brake, now, &used);
		places_write(&a->networks, &used);
		places_write(&a->countries, &used);
		budget_write(&a->budget, now, &used);
		ledger_unlock(l);
		/* It stays, and so do its name and what is being kept. */
		state_put_used(
		    b, span_text(a->name), buf_span(&used), standing);
		state_put_known(
		    b, span_text(a->name), a->saving.list, a->saving.n);
		ledger_lock(l);
	}
	ledger_unlock(l);
	buf_clear(&used);
}

static void
collected(bool is_kept, void *arg)
{
	struct ledger *l = arg;
	struct list *node;

	ledger_lock(l);
	while ((node = list_pop(&l->saving)) != NULL) {
		struct ledger_account *a = working(node);

		a->is_saving = false;
		for (size_t i = 0; i < a->saving.n && !is_kept; i++)
			hashes_add(&a->unsaved, a->saving.list[i]);
		hashes_clear(&a->saving);
		if (!is_kept || a->unsaved.n > 0 || a->is_stale)
			ledger_mark(l, a);
		a->is_stale = false;
	}
	ledger_unlock(l);
}

static void
renewed(void *arg)
{
	struct ledger *l = arg;

	ledger_lock(l);
	LIST_FOREACH (node, &l->all) {
		struct ledger_account *a = ledger_entry(node);
		uint64_t hash;
		size_t at = 0;

		hashes_clear(&a->unsaved);
		while ((hash = known_next(&a->known, &at)) != 0)
			hashes_add(&a->unsaved, hash);
		ledger_mark(l, a);
	}
	ledger_unlock(l);
}

struct ledger *
ledger_new(struct state *state, const char *stopped)
{
	struct ledger *l = MEM_NEW(struct ledger);
	struct state_source source = { collect, collected, renewed, l };
	uint64_t seed[2];

	random_fill(seed, sizeof seed);
	map_init(&l->accounts, seed);
	(void)pthread_mutex_init(&l->lock, NULL);
	list_init(&l->all);
	list_init(&l->dirty);
	list_init(&l->saving);
	l->state = state;
	open_standings(l, stopped);
	if (state != NULL) {
		state_add_source(state, &source);
		state_ask_stopped(state, on_standing, l);
	}
	return l;
}

void
ledger_set_countries(struct ledger *l, struct countries *countries)
{
	l->countries = countries;
}

void
ledger_end(struct ledger *l)
{
	if (l != NULL && l->standings != NULL)
		standings_end(l->standings);
}

void
ledger_free(struct ledger *l)
{
	if (l == NULL)
		return;
	standings_free(l->standings);
	l->standings = NULL;
	LIST_FOREACH_SAFE (node, next, &l->all)
		ledger_remove(l, ledger_entry(node));
	map_clear(&l->accounts);
	(void)pthread_mutex_destroy(&l->lock);
	free(l);
}

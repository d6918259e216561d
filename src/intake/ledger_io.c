/*
 * The accounts of all threads, behind a lock, and their way from and to `state`:
 *
 *   ledger_begin()  an account that is not here is asked for -> on_read (on the
 *                   state's thread): it is filled, and who waits is woken
 *   ledger_take()   it is marked, and the state is woken -> collect, collected: what
 *                   it has is put as bytes; kept, or marked again
 *
 * Those that nobody has used for longest leave, once they are kept and need no
 * memory of their own: they are read again.
 */
#include "intake/ledger_io.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/peer.h"
#include "conf/conf.h"
#include "facts/fact.h"
#include "io/countries.h"
#include "io/loop.h"
#include "ledger_priv.h"
#include "standings_io.h"
#include "state/state.h"

enum {
	ACCOUNTS_KEPT = 50000,
	KNOWN_KEPT = 64 << 20, /* bytes, of all accounts */
	LOOKED_AT = 8, /* of those that might leave, each time */
	NAME_MOST = 1024,
	USED_MOST = 64 * 1024,
};

struct ledger {
	pthread_mutex_t lock;
	struct state *state; /* borrowed: see ledger_free(); NULL: none */
	struct standings *standings; /* owned; NULL: there is no such file */
	bool
	    knows_standings; /* from there: what the state says of it is older */
	struct map accounts; /* by name */
	struct list all, dirty, saving; /* struct ledger_account */
	size_t known_memory;
	_Atomic uint32_t not_in_order; /* accounts */
	struct loop *loop; /* borrowed: of who hears of warnings; or NULL */
	void (*warn)(const struct ledger_warning *warning, void *arg);
	void *warn_arg;
	struct countries *countries; /* borrowed; NULL: there are none */
};

static void
on_standing(struct span name, enum state_standing standing, void *arg);
static void on_read(const struct state_account *read, void *arg);

/* --- accounts; all of it under the lock --- */

static struct ledger_account *
entry(struct list *node)
{
	return LIST_ENTRY(node, struct ledger_account, node);
}

static struct ledger_account *
working(struct list *node)
{
	return LIST_ENTRY(node, struct ledger_account, work);
}

static bool
may_leave(const struct ledger_account *a)
{
	return a->pins == 0 && a->standing == LEDGER_IN_ORDER && a->held == 0 &&
	       a->places == 0 && !a->is_loading && !a->is_saving &&
	       list_is_empty(&a->work);
}

static void
remove_account(struct ledger *l, struct ledger_account *a)
{
	l->known_memory -= known_memory(&a->known);
	list_remove(&a->node);
	(void)map_remove(&l->accounts, span_text(a->name));
	account_free(a);
}

/* Some of those that were used longest ago, if there are many. */
static void
make_room(struct ledger *l)
{
	int n = LOOKED_AT;

	if (l->state == NULL)
		return; /* there is no second place for what they know */
	LIST_FOREACH_SAFE (node, next, &l->all) {
		struct ledger_account *a = entry(node);

		if (n-- == 0 || (l->accounts.count < ACCOUNTS_KEPT &&
				    l->known_memory < KNOWN_KEPT))
			return;
		if (may_leave(a)) {
			remove_account(l, a);
			continue;
		}
		list_remove(&a->node); /* the next time it is another one */
		list_append(&l->all, &a->node);
	}
}

static struct ledger_account *
find(struct ledger *l, struct span name)
{
	char low[NAME_MOST];
	struct ledger_account *a;

	name = span_to(name, sizeof low);
	for (size_t i = 0; i < name.len; i++)
		low[i] = ascii_lower(name.ptr[i]);
	a = map_get(&l->accounts, span_make(low, name.len));
	if (a != NULL) {
		list_remove(&a->node);
		list_append(&l->all, &a->node);
		return a;
	}
	make_room(l);
	a = MEM_NEW(struct ledger_account);
	a->name = span_dup(span_make(low, name.len));
	a->is_loaded = l->state == NULL;
	list_init(&a->work);
	list_init(&a->waiters);
	list_append(&l->all, &a->node);
	(void)map_put(&l->accounts, span_text(a->name), a);
	return a;
}

/* What is kept of it has changed. */
static void
mark(struct ledger *l, struct ledger_account *a)
{
	a->is_stale |= a->is_saving;
	if (l->state != NULL && list_is_empty(&a->work))
		list_append(&l->dirty, &a->work);
}

static void
lock(struct ledger *l)
{
	(void)pthread_mutex_lock(&l->lock);
}

static void
unlock(struct ledger *l)
{
	(void)pthread_mutex_unlock(&l->lock);
}

static void
set_standing(
    struct ledger *l, struct ledger_account *a, enum ledger_standing standing)
{
	if (a->standing == LEDGER_IN_ORDER && standing != LEDGER_IN_ORDER)
		atomic_fetch_add(&l->not_in_order, 1);
	else if (a->standing != LEDGER_IN_ORDER && standing == LEDGER_IN_ORDER)
		atomic_fetch_sub(&l->not_in_order, 1);
	if (l->standings != NULL && a->standing != standing)
		standings_set(l->standings, span_text(a->name), standing);
	a->standing = standing;
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
	lock(l);
	has_order = a->has_order;
	has_come = a->ncame > 0;
	l->known_memory -= known_memory(&a->known);
	fill_account(a, read);
	l->known_memory += known_memory(&a->known);
	a->is_loading = false;
	a->is_loaded = true;
	if (has_order || has_come)
		mark(l, a);
	if (!has_order && !l->knows_standings && a->standing == LEDGER_IN_ORDER)
		set_standing(l, a, (enum ledger_standing)read->standing);
	while ((node = list_pop(&a->waiters)) != NULL) {
		struct ledger_waiter *w =
		    LIST_ENTRY(node, struct ledger_waiter, node);

		w->parcel.open = open_ready;
		mailbox_post(w->loop, &w->parcel);
	}
	unlock(l);
	if (has_order || has_come)
		state_wake(l->state);
	mailbox_flush();
}

/* The waiter may be NULL: who asks again by itself. */
static void
load(struct ledger *l, struct ledger_account *a, struct ledger_waiter *w)
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

	lock(l);
	a = find(l, name);
	if (!a->has_order && !l->knows_standings)
		set_standing(l, a, (enum ledger_standing)standing);
	unlock(l);
}

/* From the file of those that are not in order, which nobody deletes by mistake. */
static void
on_named(struct span name, enum ledger_standing standing, void *arg)
{
	struct ledger *l = arg;
	struct ledger_account *a = find(l, name);

	a->has_order = true;
	set_standing(l, a, standing);
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

bool
ledger_forget(struct ledger *l, struct ledger_waiter *waiter)
{
	bool was_here;

	lock(l);
	was_here = waiter->node.next != NULL && !list_is_empty(&waiter->node);
	if (was_here)
		list_remove(&waiter->node);
	unlock(l);
	return was_here;
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

	lock(l);
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
		unlock(l);
		/* It stays, and so do its name and what is being kept. */
		state_put_used(
		    b, span_text(a->name), buf_span(&used), standing);
		state_put_known(
		    b, span_text(a->name), a->saving.list, a->saving.n);
		lock(l);
	}
	unlock(l);
	buf_clear(&used);
}

static void
collected(bool is_kept, void *arg)
{
	struct ledger *l = arg;
	struct list *node;

	lock(l);
	while ((node = list_pop(&l->saving)) != NULL) {
		struct ledger_account *a = working(node);

		a->is_saving = false;
		for (size_t i = 0; i < a->saving.n && !is_kept; i++)
			hashes_add(&a->unsaved, a->saving.list[i]);
		hashes_clear(&a->saving);
		if (!is_kept || a->unsaved.n > 0 || a->is_stale)
			mark(l, a);
		a->is_stale = false;
	}
	unlock(l);
}

static void
renewed(void *arg)
{
	struct ledger *l = arg;

	lock(l);
	LIST_FOREACH (node, &l->all) {
		struct ledger_account *a = entry(node);
		uint64_t hash;
		size_t at = 0;

		hashes_clear(&a->unsaved);
		while ((hash = known_next(&a->known, &at)) != 0)
			hashes_add(&a->unsaved, hash);
		mark(l, a);
	}
	unlock(l);
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
		remove_account(l, entry(node));
	map_clear(&l->accounts);
	(void)pthread_mutex_destroy(&l->lock);
	free(l);
}

/* --- warnings --- */

struct warned {
	struct parcel parcel;
	struct ledger *ledger;
	char *account; /* owned */
	struct budget_state state;
	bool is_braked;
	struct brake_view brake;
};

void
ledger_on_warning(struct ledger *l, struct loop *loop,
    void (*warn)(const struct ledger_warning *warning, void *arg), void *arg)
{
	l->loop = loop;
	l->warn = warn;
	l->warn_arg = arg;
}

static void
open_warned(struct parcel *p)
{
	struct warned *w = (struct warned *)(void *)p;
	struct ledger *l = w->ledger;
	struct ledger_warning warning = { w->account, w->state, w->is_braked,
		w->brake };

	if (w->is_braked && l->standings != NULL)
		standings_save(l->standings, l->loop, NULL, NULL);
	l->warn(&warning, l->warn_arg);
	free(w->account);
	free(w);
}

static void
post_warning(struct ledger *l, const struct ledger_warning *what)
{
	struct warned *w;

	if (l->loop == NULL)
		return;
	w = MEM_NEW(struct warned);
	w->parcel.open = open_warned;
	w->ledger = l;
	w->account = mem_strdup(what->account);
	w->state = what->state;
	w->is_braked = what->is_braked;
	w->brake = what->brake;
	mailbox_post(l->loop, &w->parcel);
}

static void
warn(struct ledger *l, const char *account, const struct budget_state *state)
{
	FACT(BUDGET_WARNING, fact_string("user", account),
	    fact_word("budget", conf_budget_name(state->counter)),
	    fact_s("window", state->rate.seconds),
	    fact_number("used", state->used),
	    fact_number("most", state->rate.most));
	post_warning(
	    l, &(struct ledger_warning){ .account = account, .state = *state });
}

/* Under the lock. */
static void
tell_fallen(struct ledger *l, struct ledger_account *a, int64_t now)
{
	struct ledger_warning w = { .account = a->name, .is_braked = true };

	if (!a->has_fallen)
		return;
	a->has_fallen = false;
	a->has_order = true; /* and is kept so */
	set_standing(l, a, LEDGER_BRAKED);
	brake_look(&a->brake, now, &w.brake);
	FACT(BRAKED, fact_string("user", a->name),
	    fact_number("new", w.brake.now[BRAKE_NEW]),
	    fact_number("new_limit", w.brake.limit[BRAKE_NEW]),
	    fact_number("unknown", w.brake.now[BRAKE_UNKNOWN]),
	    fact_number("unknown_limit", w.brake.limit[BRAKE_UNKNOWN]),
	    fact_number("forged", w.brake.now[BRAKE_FORGED]),
	    fact_number("places", w.brake.now[BRAKE_PLACES]),
	    fact_number("pace", w.brake.now[BRAKE_PACE]));
	mark(l, a);
	post_warning(l, &w);
}

/* Under the lock, which a warning does not need for long: there is one a window. */
static void
look_for_warnings(struct ledger *l, struct ledger_account *a,
    const struct conf_account *conf, int64_t now)
{
	struct budget_state state;

	tell_fallen(l, a, now);
	for (unsigned i = 0; i < CONF_BUDGETS; i++)
		while (budget_warns(&a->budget, (enum conf_budget)i,
		    &conf->budgets[i], now, &state))
			warn(l, a->name, &state);
}

/* --- a transaction --- */

static bool
has_budget(const struct conf_account *conf)
{
	for (unsigned i = 0; i < CONF_BUDGETS; i++)
		if (conf->budgets[i].n > 0)
			return true;
	return false;
}

enum ledger_answer
ledger_begin(struct ledger *l, struct reservation *r, struct span account,
    const struct conf_account *conf, int64_t now, struct ledger_waiter *waiter,
    struct ledger_why *why)
{
	enum ledger_answer answer = LEDGER_OVER;
	struct ledger_account *a;

	*why = (struct ledger_why){ 0 };
	if (!has_budget(conf) && ledger_standing(l, account) != LEDGER_STOPPED)
		return LEDGER_OK; /* r->account stays NULL */
	lock(l);
	a = find(l, account);
	if (!a->is_loaded) {
		load(l, a, waiter);
		answer = LEDGER_LATER;
	} else {
		*r = (struct reservation){ .account = a, .conf = conf };
		if (account_begin(r, now, why))
			answer = LEDGER_OK;
	}
	if (answer == LEDGER_OK)
		a->pins++;
	else
		r->account = NULL;
	unlock(l);
	return answer;
}

enum ledger_answer
ledger_begin_more(struct ledger *l, struct reservation *r, struct span account,
    const struct conf_account *conf, struct ledger_waiter *waiter)
{
	enum ledger_answer answer = LEDGER_OK;
	struct ledger_account *a;

	if (!has_budget(conf))
		return LEDGER_OK;
	lock(l);
	a = find(l, account);
	if (a->is_loaded) {
		*r = (struct reservation){
			.account = a, .conf = conf, .is_more = true
		};
		a->pins++;
	} else {
		load(l, a, waiter);
		answer = LEDGER_LATER;
	}
	unlock(l);
	return answer;
}

enum ledger_answer
ledger_add(struct ledger *l, struct reservation *r, struct span address,
    int64_t now, struct ledger_why *why)
{
	bool fits;

	*why = (struct ledger_why){ 0 };
	if (r->account == NULL)
		return LEDGER_OK;
	lock(l);
	fits = account_add(r, address, now, why);
	unlock(l);
	return fits ? LEDGER_OK : LEDGER_OVER;
}

void
ledger_take(struct ledger *l, struct reservation *r, int64_t now)
{
	const struct conf_account *conf = r->conf;
	struct ledger_account *a = r->account;

	if (a == NULL)
		return;
	lock(l);
	l->known_memory -= known_memory(&a->known);
	if (account_take(r, now)) {
		mark(l, a);
		look_for_warnings(l, a, conf, now);
	}
	l->known_memory += known_memory(&a->known);
	a->pins--;
	unlock(l);
	if (l->state != NULL)
		state_wake(l->state);
}

void
ledger_release(struct ledger *l, struct reservation *r)
{
	struct ledger_account *a = r->account;

	if (a == NULL)
		return;
	lock(l);
	account_release(r);
	a->pins--;
	unlock(l);
}

/* --- what is held --- */

void
ledger_held(struct ledger *l, struct span account)
{
	struct ledger_account *a;

	lock(l);
	a = find(l, account);
	a->held++;
	if (!a->is_loaded)
		load(l, a, NULL);
	unlock(l);
}

static void
used(struct ledger *l, struct ledger_account *a,
    const struct conf_account *conf, int64_t now)
{
	mark(l, a);
	look_for_warnings(l, a, conf, now);
	if (l->state != NULL)
		state_wake(l->state);
}

enum ledger_answer
ledger_let_go(struct ledger *l, const struct ledger_message *m, int64_t now,
    struct ledger_why *why)
{
	enum ledger_answer answer = LEDGER_OVER;
	struct ledger_account *a;

	*why = (struct ledger_why){ 0 };
	lock(l);
	a = find(l, m->account);
	l->known_memory -= known_memory(&a->known);
	if (!a->is_loaded) {
		load(l, a, NULL);
		answer = LEDGER_LATER;
	} else if (account_let_go(a, m, now, why)) {
		a->held -= a->held > 0;
		used(l, a, m->conf, now);
		answer = LEDGER_OK;
	} else {
		a->waits = why->state;
		a->waits_until = now + why->state.frees;
	}
	l->known_memory += known_memory(&a->known);
	unlock(l);
	return answer;
}

void
ledger_unheld(struct ledger *l, const struct ledger_message *m, int64_t now)
{
	struct ledger_account *a;

	lock(l);
	a = find(l, m->account);
	a->held -= a->held > 0;
	if (m->nrcpt > 0 && a->is_loaded) {
		l->known_memory -= known_memory(&a->known);
		account_charge(a, m, now);
		used(l, a, m->conf, now);
		l->known_memory += known_memory(&a->known);
	}
	unlock(l);
}

void
ledger_note(struct ledger *l, struct span account,
    const struct conf_account *conf, enum brake_sign sign, uint32_t n,
    int64_t now)
{
	struct ledger_account *a;

	lock(l);
	a = find(l, account);
	/* What comes while it is read is not counted: there is more to come. */
	if (!a->is_loaded)
		load(l, a, NULL);
	if (a->is_loaded)
		account_note(a, conf, sign, n, now);
	tell_fallen(l, a, now);
	if (a->is_loaded)
		mark(l, a);
	unlock(l);
	if (l->state != NULL)
		state_wake(l->state);
}

void
ledger_came(
    struct ledger *l, struct span account, const char *address, int64_t now)
{
	struct place from = { peer_of(address).network,
		countries_find(l->countries, address) };
	struct ledger_account *a;
	bool is_changed = false;

	if (from.network == 0)
		return;
	lock(l);
	a = find(l, account);
	if (a->is_loaded) {
		is_changed = account_come(a, from, now);
		if (is_changed)
			mark(l, a);
	} else {
		if (a->ncame < CAME_MOST)
			a->came[a->ncame++] = from;
		load(l, a, NULL);
	}
	unlock(l);
	if (is_changed && l->state != NULL)
		state_wake(l->state);
}

/* --- by the operator --- */

void
ledger_stop(struct ledger *l, struct span account, bool is_stopped)
{
	struct ledger_account *a;

	lock(l);
	a = find(l, account);
	/* Whoever lifts it says that what was done was right. */
	if (a->standing != LEDGER_IN_ORDER && !is_stopped)
		brake_forgive(&a->brake, (int64_t)(clock_us() / 1000));
	set_standing(l, a, is_stopped ? LEDGER_STOPPED : LEDGER_IN_ORDER);
	a->has_order = true;
	/* What is not read yet would be written over. */
	if (a->is_loaded)
		mark(l, a);
	else
		load(l, a, NULL);
	unlock(l);
	if (l->state != NULL)
		state_wake(l->state);
}

void
ledger_record(
    struct ledger *l, struct loop *loop, ledger_recorded_cb cb, void *arg)
{
	standings_save(l->standings, loop, cb, arg);
}

enum ledger_standing
ledger_standing(struct ledger *l, struct span account)
{
	enum ledger_standing standing;

	if (atomic_load_explicit(&l->not_in_order, memory_order_relaxed) == 0)
		return LEDGER_IN_ORDER;
	lock(l);
	standing = find(l, account)->standing;
	unlock(l);
	return standing;
}

/* --- for people --- */

static void
look(struct ledger_account *a, const struct conf_account *conf, int64_t now,
    struct ledger_view *view)
{
	*view =
	    (struct ledger_view){ .held = a->held, .standing = a->standing };
	brake_look(&a->brake, now, &view->brake);
	for (unsigned i = 0; i < CONF_BUDGETS; i++)
		for (size_t k = 0; k < conf->budgets[i].n; k++)
			budget_look(&a->budget, (enum conf_budget)i,
			    conf->budgets[i].list[k], now,
			    &view->states[view->n++]);
}

enum ledger_answer
ledger_look(struct ledger *l, struct span account,
    const struct conf_account *conf, int64_t now, struct ledger_waiter *waiter,
    struct ledger_view *view)
{
	enum ledger_answer answer = LEDGER_OK;
	struct ledger_account *a;

	lock(l);
	a = find(l, account);
	if (a->is_loaded) {
		look(a, conf, now, view);
	} else {
		load(l, a, waiter);
		answer = LEDGER_LATER;
	}
	unlock(l);
	return answer;
}

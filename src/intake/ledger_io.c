/*
 * The accounts of all threads, behind a lock: what transactions, held messages, logins
 * and the operator do with them. ledger_state_io.c has their way from and to `state`,
 * ledger_warnings_io.c what is told of them.
 *
 * Those that nobody has used for longest leave, once they are kept and need no
 * memory of their own: they are read again.
 */
#include "intake/ledger_io.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/peer.h"
#include "conf/conf.h"
#include "io/countries.h"
#include "ledger_priv.h"
#include "standings_io.h"
#include "state/state.h"

enum {
	ACCOUNTS_KEPT = 50000,
	KNOWN_KEPT = 64 << 20, /* bytes, of all accounts */
	LOOKED_AT = 8, /* of those that might leave, each time */
	NAME_MOST = 1024,
};

/* --- accounts; all of it under the lock --- */

static bool
may_leave(const struct ledger_account *a)
{
	return a->pins == 0 && a->standing == LEDGER_IN_ORDER && a->held == 0 &&
	       a->places == 0 && !a->is_loading && !a->is_saving &&
	       list_is_empty(&a->work);
}

void
ledger_remove(struct ledger *l, struct ledger_account *a)
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
		struct ledger_account *a = ledger_entry(node);

		if (n-- == 0 || (l->accounts.count < ACCOUNTS_KEPT &&
				    l->known_memory < KNOWN_KEPT))
			return;
		if (may_leave(a)) {
			ledger_remove(l, a);
			continue;
		}
		list_remove(&a->node); /* the next time it is another one */
		list_append(&l->all, &a->node);
	}
}

struct ledger_account *
ledger_find(struct ledger *l, struct span name)
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
void
ledger_mark(struct ledger *l, struct ledger_account *a)
{
	a->is_stale |= a->is_saving;
	if (l->state != NULL && list_is_empty(&a->work))
		list_append(&l->dirty, &a->work);
}

void
ledger_lock(struct ledger *l)
{
	(void)pthread_mutex_lock(&l->lock);
}

void
ledger_unlock(struct ledger *l)
{
	(void)pthread_mutex_unlock(&l->lock);
}

void
ledger_set_standing(
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

bool
ledger_forget(struct ledger *l, struct ledger_waiter *waiter)
{
	bool was_here;

	ledger_lock(l);
	was_here = waiter->node.next != NULL && !list_is_empty(&waiter->node);
	if (was_here)
		list_remove(&waiter->node);
	ledger_unlock(l);
	return was_here;
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
	ledger_lock(l);
	a = ledger_find(l, account);
	if (!a->is_loaded) {
		ledger_load(l, a, waiter);
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
	ledger_unlock(l);
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
	ledger_lock(l);
	a = ledger_find(l, account);
	if (a->is_loaded) {
		*r = (struct reservation){
			.account = a, .conf = conf, .is_more = true
		};
		a->pins++;
	} else {
		ledger_load(l, a, waiter);
		answer = LEDGER_LATER;
	}
	ledger_unlock(l);
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
	ledger_lock(l);
	fits = account_add(r, address, now, why);
	ledger_unlock(l);
	return fits ? LEDGER_OK : LEDGER_OVER;
}

void
ledger_take(struct ledger *l, struct reservation *r, int64_t now)
{
	const struct conf_account *conf = r->conf;
	struct ledger_account *a = r->account;

	if (a == NULL)
		return;
	ledger_lock(l);
	l->known_memory -= known_memory(&a->known);
	if (account_take(r, now)) {
		ledger_mark(l, a);
		ledger_look_for_warnings(l, a, conf, now);
	}
	l->known_memory += known_memory(&a->known);
	a->pins--;
	ledger_unlock(l);
	if (l->state != NULL)
		state_wake(l->state);
}

void
ledger_release(struct ledger *l, struct reservation *r)
{
	struct ledger_account *a = r->account;

	if (a == NULL)
		return;
	ledger_lock(l);
	account_release(r);
	a->pins--;
	ledger_unlock(l);
}

/* --- what is held --- */

void
ledger_held(struct ledger *l, struct span account)
{
	struct ledger_account *a;

	ledger_lock(l);
	a = ledger_find(l, account);
	a->held++;
	if (!a->is_loaded)
		ledger_load(l, a, NULL);
	ledger_unlock(l);
}

static void
used(struct ledger *l, struct ledger_account *a,
    const struct conf_account *conf, int64_t now)
{
	ledger_mark(l, a);
	ledger_look_for_warnings(l, a, conf, now);
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
	ledger_lock(l);
	a = ledger_find(l, m->account);
	l->known_memory -= known_memory(&a->known);
	if (!a->is_loaded) {
		ledger_load(l, a, NULL);
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
	ledger_unlock(l);
	return answer;
}

void
ledger_unheld(struct ledger *l, const struct ledger_message *m, int64_t now)
{
	struct ledger_account *a;

	ledger_lock(l);
	a = ledger_find(l, m->account);
	a->held -= a->held > 0;
	if (m->nrcpt > 0 && a->is_loaded) {
		l->known_memory -= known_memory(&a->known);
		account_charge(a, m, now);
		used(l, a, m->conf, now);
		l->known_memory += known_memory(&a->known);
	}
	ledger_unlock(l);
}

void
ledger_note(struct ledger *l, struct span account,
    const struct conf_account *conf, enum brake_sign sign, uint32_t n,
    int64_t now)
{
	struct ledger_account *a;

	ledger_lock(l);
	a = ledger_find(l, account);
	/* What comes while it is read is not counted: there is more to come. */
	if (!a->is_loaded)
		ledger_load(l, a, NULL);
	if (a->is_loaded)
		account_note(a, conf, sign, n, now);
	ledger_tell_fallen(l, a, now);
	if (a->is_loaded)
		ledger_mark(l, a);
	ledger_unlock(l);
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
	ledger_lock(l);
	a = ledger_find(l, account);
	if (a->is_loaded) {
		is_changed = account_come(a, from, now);
		if (is_changed)
			ledger_mark(l, a);
	} else {
		if (a->ncame < CAME_MOST)
			a->came[a->ncame++] = from;
		ledger_load(l, a, NULL);
	}
	ledger_unlock(l);
	if (is_changed && l->state != NULL)
		state_wake(l->state);
}

/* --- by the operator --- */

void
ledger_stop(struct ledger *l, struct span account, bool is_stopped)
{
	struct ledger_account *a;

	ledger_lock(l);
	a = ledger_find(l, account);
	/* Whoever lifts it says that what was done was right. */
	if (a->standing != LEDGER_IN_ORDER && !is_stopped)
		brake_forgive(&a->brake, (int64_t)(clock_us() / 1000));
	ledger_set_standing(
	    l, a, is_stopped ? LEDGER_STOPPED : LEDGER_IN_ORDER);
	a->has_order = true;
	/* What is not read yet would be written over. */
	if (a->is_loaded)
		ledger_mark(l, a);
	else
		ledger_load(l, a, NULL);
	ledger_unlock(l);
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
	ledger_lock(l);
	standing = ledger_find(l, account)->standing;
	ledger_unlock(l);
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

	ledger_lock(l);
	a = ledger_find(l, account);
	if (a->is_loaded) {
		look(a, conf, now, view);
	} else {
		ledger_load(l, a, waiter);
		answer = LEDGER_LATER;
	}
	ledger_unlock(l);
	return answer;
}

/*
 * What an account's transactions do to its budgets.
 *
 * A transaction reserves a message, then each recipient. What has no room is
 * refused, or, where the account's messages are held then, turns the transaction
 * into one that is held: it gives back what it had, and takes a place among the
 * held. So does every one while some are held: none passes another.
 */
#include "ledger_priv.h"

#include <stdlib.h>

#include "base/mem.h"
#include "conf/conf.h"

void
hashes_add(struct hashes *h, uint64_t hash)
{
	if (h->n == h->cap) {
		h->cap = h->cap == 0 ? 8 : h->cap * 2;
		h->list = mem_realloc(h->list, h->cap * sizeof *h->list);
	}
	h->list[h->n++] = hash;
}

void
hashes_clear(struct hashes *h)
{
	free(h->list);
	*h = (struct hashes){ 0 };
}

void
account_free(struct ledger_account *a)
{
	budget_clear(&a->budget);
	brake_clear(&a->brake);
	places_clear(&a->networks);
	places_clear(&a->countries);
	known_clear(&a->known);
	hashes_clear(&a->unsaved);
	hashes_clear(&a->saving);
	free(a->name);
	free(a);
}

static const struct conf_rates *
rates(const struct conf_account *conf, enum conf_budget counter)
{
	return &conf->budgets[counter];
}

/* --- reserving --- */

static bool
reserve(struct reservation *r, enum conf_budget counter, int64_t now,
    struct ledger_why *why)
{
	return budget_reserve(&r->account->budget, counter,
	    rates(r->conf, counter), 1, now, &why->state);
}

static void
give_back(struct reservation *r)
{
	struct budget *b = &r->account->budget;

	if (r->is_over)
		return;
	budget_release(b, CONF_MESSAGES, r->is_more ? 0 : 1);
	budget_release(b, CONF_RECIPIENTS, r->nrcpt);
	budget_release(b, CONF_NEW_RECIPIENTS, r->nfresh);
}

/* A place among the held; `has_reserved`: for the other one. */
static bool
become_held(struct reservation *r, bool has_reserved, struct ledger_why *why)
{
	struct ledger_account *a = r->account;

	/* One that was taken asks again later. */
	if (r->conf->over != OVER_HOLD || r->is_more)
		return false;
	why->held = a->held + a->places;
	why->is_full = why->held >= r->conf->held_messages;
	if (why->is_full)
		return false;
	if (has_reserved)
		give_back(r);
	a->places++;
	r->is_over = true;
	return true;
}

bool
account_begin(struct reservation *r, int64_t now, struct ledger_why *why)
{
	struct ledger_account *a = r->account;

	why->is_stopped = a->standing == LEDGER_STOPPED;
	if (why->is_stopped)
		return false;
	if (r->conf->over == OVER_HOLD && a->held + a->places > 0) {
		why->state = a->waits;
		why->state.frees =
		    a->waits_until > now ? a->waits_until - now : 0;
		return become_held(r, false, why);
	}
	return reserve(r, CONF_MESSAGES, now, why) ||
	       become_held(r, false, why);
}

/* What is held as a whole must have room as a whole, some day. */
static bool
fits_ever(const struct reservation *r, enum conf_budget counter, uint32_t n,
    struct ledger_why *why)
{
	const struct conf_rates *all = rates(r->conf, counter);

	for (size_t i = 0; i < all->n; i++) {
		if (n <= all->list[i].most)
			continue;
		why->state = (struct budget_state){ .counter = counter,
			.rate = all->list[i],
			.used = n - 1,
			.frees = -1 };
		return false;
	}
	return true;
}

/* Who has no such budget needs no list of whom it has written to. */
static bool
is_fresh(const struct reservation *r, uint64_t hash)
{
	if (rates(r->conf, CONF_NEW_RECIPIENTS)->n == 0 ||
	    known_has(&r->account->known, hash))
		return false;
	for (uint32_t i = 0; i < r->nfresh; i++)
		if (r->fresh[i] == hash)
			return false;
	return true;
}

static void
add_fresh(struct reservation *r, uint64_t hash)
{
	if (r->nfresh == r->cap) {
		r->cap = r->cap == 0 ? 4 : r->cap * 2;
		r->fresh = mem_realloc(r->fresh, r->cap * sizeof *r->fresh);
	}
	r->fresh[r->nfresh++] = hash;
}

static void
note_fresh(struct reservation *r, struct span address)
{
	uint64_t hash = known_hash(address);

	if (is_fresh(r, hash))
		add_fresh(r, hash);
}

/* Of a transaction that has reserved what it brought so far. */
static bool
reserve_rcpt(
    struct reservation *r, bool is_new, int64_t now, struct ledger_why *why)
{
	if (!reserve(r, CONF_RECIPIENTS, now, why))
		return false;
	if (!is_new || reserve(r, CONF_NEW_RECIPIENTS, now, why))
		return true;
	budget_release(&r->account->budget, CONF_RECIPIENTS, 1);
	return false;
}

bool
account_add(struct reservation *r, struct span address, int64_t now,
    struct ledger_why *why)
{
	uint64_t hash = known_hash(address);
	bool is_new = is_fresh(r, hash);

	if (!r->is_over && !reserve_rcpt(r, is_new, now, why) &&
	    !become_held(r, true, why))
		return false;
	if (r->is_over &&
	    (!fits_ever(r, CONF_RECIPIENTS, r->nrcpt + 1, why) ||
		!fits_ever(r, CONF_NEW_RECIPIENTS, r->nfresh + is_new, why)))
		return false;
	r->nrcpt++;
	if (is_new)
		add_fresh(r, hash);
	return true;
}

/* --- the end of a transaction --- */

static void
forget(struct reservation *r)
{
	free(r->fresh);
	*r = (struct reservation){ 0 };
}

/* Whoever wrote to them meanwhile made them known. */
static uint32_t
make_known(struct ledger_account *a, const uint64_t *fresh, size_t n)
{
	uint32_t count = 0;

	for (size_t i = 0; i < n; i++) {
		if (known_has(&a->known, fresh[i]))
			continue;
		count++;
		if (known_add(&a->known, fresh[i]))
			hashes_add(&a->unsaved, fresh[i]);
	}
	return count;
}

void
account_note(struct ledger_account *a, const struct conf_account *conf,
    enum brake_sign sign, uint32_t n, int64_t now)
{
	if (brake_note(&a->brake, sign, n, now) && conf->brake &&
	    a->standing == LEDGER_IN_ORDER)
		a->has_fallen = true;
}

static void
use(struct ledger_account *a, const struct conf_account *conf,
    uint32_t nmessages, uint32_t nrcpt, uint32_t nnew, int64_t now)
{
	struct budget *b = &a->budget;

	budget_use(
	    b, CONF_MESSAGES, rates(conf, CONF_MESSAGES), nmessages, now);
	budget_use(
	    b, CONF_RECIPIENTS, rates(conf, CONF_RECIPIENTS), nrcpt, now);
	budget_use(b, CONF_NEW_RECIPIENTS, rates(conf, CONF_NEW_RECIPIENTS),
	    nnew, now);
	account_note(a, conf, BRAKE_PACE, nmessages, now);
	account_note(a, conf, BRAKE_NEW, nnew, now);
}

/* It only adds to other signs: the brake is looked at with the next of them. */
bool
account_come(struct ledger_account *a, struct place from, int64_t now)
{
	uint32_t n = 0;

	if (places_is_last(&a->networks, from.network) &&
	    (from.country == 0 || places_is_last(&a->countries, from.country)))
		return false;
	if (places_note(&a->networks, from.network))
		n++;
	if (from.country != 0 && places_note(&a->countries, from.country))
		n += BRAKE_COUNTRY;
	(void)brake_note(&a->brake, BRAKE_PLACES, n, now);
	return true;
}

bool
account_take(struct reservation *r, int64_t now)
{
	struct ledger_account *a = r->account;
	bool is_used = !r->is_over;

	give_back(r);
	if (is_used) {
		use(a, r->conf, r->is_more ? 0 : 1, r->nrcpt,
		    make_known(a, r->fresh, r->nfresh), now);
	} else {
		a->places--;
		a->held++;
	}
	forget(r);
	return is_used;
}

void
account_release(struct reservation *r)
{
	give_back(r);
	if (r->is_over)
		r->account->places--;
	forget(r);
}

/* --- what was held --- */

static uint32_t
of_counter(const struct reservation *r, enum conf_budget counter)
{
	switch (counter) {
	case CONF_MESSAGES: return 1;
	case CONF_RECIPIENTS: return r->nrcpt;
	case CONF_NEW_RECIPIENTS: return r->nfresh;
	}
	return 0;
}

bool
account_let_go(struct ledger_account *a, const struct ledger_message *m,
    int64_t now, struct ledger_why *why)
{
	struct conf_account conf = *m->conf;
	struct reservation r = { .account = a, .conf = &conf };
	bool fits = true;

	conf.over = OVER_REFUSE; /* none of it is held again */
	if (!account_begin(&r, now, why))
		return false;
	for (size_t i = 0; i < m->nrcpt && fits; i++)
		fits = account_add(&r, m->rcpt(i, m->arg), now, why);
	if (fits) {
		(void)account_take(&r, now);
		return true;
	}
	/* What is used by others is told, not what it took itself meanwhile. */
	why->state.used -= of_counter(&r, why->state.counter);
	account_release(&r);
	return false;
}

void
account_charge(
    struct ledger_account *a, const struct ledger_message *m, int64_t now)
{
	struct reservation r = { .account = a, .conf = m->conf };

	for (size_t i = 0; i < m->nrcpt; i++)
		note_fresh(&r, m->rcpt(i, m->arg));
	use(a, m->conf, 1, (uint32_t)m->nrcpt, make_known(a, r.fresh, r.nfresh),
	    now);
	forget(&r);
}

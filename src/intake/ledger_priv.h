/* ledger_priv: the ledger and an account in it, for the files that are it. */
#ifndef INTAKE_LEDGER_PRIV_H
#define INTAKE_LEDGER_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "intake/ledger_io.h"
#include "policy/brake.h"
#include "policy/known.h"
#include "policy/places.h"

struct standings;

struct hashes {
	uint64_t *list; /* owned */
	size_t n, cap;
};

/* Where a login came from; a country of 0 is not known. */
struct place {
	uint64_t network, country;
};
enum { CAME_MOST = 8 };

struct ledger_account {
	struct list node; /* of all: who was used last comes last */
	struct list work; /* in the ledger's `dirty` or `saving`, or in none */
	char *name; /* owned, in lower case */
	bool is_loaded, is_loading;
	bool is_saving; /* it is in `saving`; */
	bool is_stale; /* and has changed since */
	enum ledger_standing standing;
	struct brake brake;
	struct places networks, countries;
	struct place came[CAME_MOST]; /* while it was not loaded */
	uint32_t ncame;
	bool has_fallen; /* the brake, and nobody was told yet */
	bool has_order; /* of the operator's: newer than what is read */
	uint32_t pins; /* who needs it where it is: transactions, waiters */
	struct list waiters; /* struct ledger_waiter */
	struct budget budget;
	struct known known;
	struct hashes unsaved, saving; /* of `known`: to be kept, being kept */
	uint32_t held; /* messages that wait for room */
	uint32_t places; /* of transactions whose message will be held */
	/* What the first of the held waits for, and until when (monotonic ms). */
	struct budget_state waits;
	int64_t waits_until;
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

static inline struct ledger_account *
ledger_entry(struct list *node)
{
	return LIST_ENTRY(node, struct ledger_account, node);
}

/* --- ledger_io.c; all but the lock is for who has that --- */

void ledger_lock(struct ledger *l);
void ledger_unlock(struct ledger *l);
/* In any case of letters; made, if it is not here. */
struct ledger_account *ledger_find(struct ledger *l, struct span name);
void ledger_remove(struct ledger *l, struct ledger_account *a);
/* What is kept of it has changed. */
void ledger_mark(struct ledger *l, struct ledger_account *a);
void ledger_set_standing(
    struct ledger *l, struct ledger_account *a, enum ledger_standing standing);

/* --- ledger_state_io.c --- */

/* It is not here, and is read. The waiter may be NULL: who asks again by itself. */
void ledger_load(
    struct ledger *l, struct ledger_account *a, struct ledger_waiter *w);

/* --- ledger_warnings_io.c; under the lock --- */

/* If the brake has just fallen. */
void
ledger_tell_fallen(struct ledger *l, struct ledger_account *a, int64_t now);
/* That, and budgets that are used up nearly; there is one warning a window. */
void ledger_look_for_warnings(struct ledger *l, struct ledger_account *a,
    const struct conf_account *conf, int64_t now);

void hashes_add(struct hashes *h, uint64_t hash);
void hashes_clear(struct hashes *h);

/*
 * --- account.c: what happens to an account, by the rules, without a lock ---
 *
 * `r->account` is set, and stays.
 */

bool account_begin(struct reservation *r, int64_t now, struct ledger_why *why);
bool account_add(struct reservation *r, struct span address, int64_t now,
    struct ledger_why *why);
/* True: what is kept of it has changed. */
bool account_take(struct reservation *r, int64_t now);
/* `n` more of that sign; has_fallen is set when the brake is to fall. */
void account_note(struct ledger_account *a, const struct conf_account *conf,
    enum brake_sign sign, uint32_t n, int64_t now);
void account_release(struct reservation *r);
/* It logged in from there. False: as the last time, nothing has changed. */
bool account_come(struct ledger_account *a, struct place from, int64_t now);
/* A message that was held: if there is room, */
bool account_let_go(struct ledger_account *a, const struct ledger_message *m,
    int64_t now, struct ledger_why *why);
/* or whether there is or not. */
void account_charge(
    struct ledger_account *a, const struct ledger_message *m, int64_t now);
void account_free(struct ledger_account *a);

#endif

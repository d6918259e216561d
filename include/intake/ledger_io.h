/*
 * ledger: what each account has used of its budgets, what its open transactions
 * have reserved, and how many of its messages are held for lack of room. One for
 * all threads, behind a lock that nobody holds for long. What it knows it has from
 * `state`, where it is kept, and from an account's first message on in memory; so
 * the first may have to wait for it.
 */
#ifndef INTAKE_LEDGER_IO_H
#define INTAKE_LEDGER_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/span.h"
#include "io/mailbox.h"
#include "policy/brake.h"
#include "policy/budget.h"

struct conf_account;
struct countries;
struct ledger;
struct ledger_account;
struct loop;
struct state;

enum ledger_answer {
	LEDGER_OK,
	LEDGER_OVER, /* there is no room: see `why` */
	LEDGER_LATER, /* it is being read: the waiter is woken, then ask again */
};

/* As state.h has it. */
enum ledger_standing {
	LEDGER_IN_ORDER,
	LEDGER_STOPPED, /* by the operator: nothing is taken */
	LEDGER_BRAKED, /* by itself: what is taken is held */
};

/* Who is told on `loop`, once, when an account is read. */
struct ledger_waiter {
	struct parcel parcel; /* the ledger's */
	struct list node; /* the same */
	struct loop *loop;
	void (*ready)(struct ledger_waiter *w);
};

/* Why something has no room. */
struct ledger_why {
	struct budget_state state;
	/* As many are held as may be; `state` says when the first of them goes. */
	bool is_full;
	bool is_stopped; /* or the account is stopped */
	uint32_t held;
};

/* An open transaction's; `{0}` has none. A part of its owner's struct. */
struct reservation {
	struct ledger_account *account; /* NULL: nothing is reserved */
	const struct conf_account *conf; /* borrowed until it is over */
	uint64_t *fresh; /* owned: hashes of those it never wrote to */
	uint32_t nfresh, cap;
	uint32_t nrcpt;
	/* It is to be held: nothing is reserved but its place. */
	bool is_over;
	bool is_more; /* the message counts already */
};

/* Four fifths of a budget are used; or the brake has fallen. */
struct ledger_warning {
	const char *account; /* borrowed */
	struct budget_state state;
	bool is_braked;
	struct brake_view brake;
};

/*
 * Borrows the state; NULL: nothing is kept. `stopped` is the path of the file that
 * names who is not in order, whatever becomes of the state; read at once; or NULL.
 */
struct ledger *ledger_new(struct state *state, const char *stopped);
/* After state_close(): no transaction is open; writes what is not written. */
void ledger_end(struct ledger *l);
/* When the loop of ledger_record() has ended. */
void ledger_free(struct ledger *l);
/* Hears of warnings on that loop, before the first transaction. */
void ledger_on_warning(struct ledger *l, struct loop *loop,
    void (*warn)(const struct ledger_warning *warning, void *arg), void *arg);

/* Before the first login; borrows them. */
void ledger_set_countries(struct ledger *l, struct countries *countries);

/* --- a transaction --- */

/* A message. `r` was `{0}`. With LATER the waiter is taken until it is called. */
enum ledger_answer ledger_begin(struct ledger *l, struct reservation *r,
    struct span account, const struct conf_account *conf, int64_t now,
    struct ledger_waiter *waiter, struct ledger_why *why);
/* The same for a message that was taken before: more recipients of it. */
enum ledger_answer
ledger_begin_more(struct ledger *l, struct reservation *r, struct span account,
    const struct conf_account *conf, struct ledger_waiter *waiter);
/* A recipient of it. Never LATER. */
enum ledger_answer ledger_add(struct ledger *l, struct reservation *r,
    struct span address, int64_t now, struct ledger_why *why);
/* It was accepted: what was reserved is used. */
void ledger_take(struct ledger *l, struct reservation *r, int64_t now);
/* It was not. */
void ledger_release(struct ledger *l, struct reservation *r);

/* --- what is held --- */

struct ledger_message {
	struct span account;
	const struct conf_account *conf;
	size_t nrcpt;
	struct span (*rcpt)(size_t i, const void *arg);
	const void *arg;
};
/* It is held, from before the start. */
void ledger_held(struct ledger *l, struct span account);
/*
 * It is let go, if there is room; it counts then, and is held no more. LATER: ask
 * again in a moment.
 */
enum ledger_answer ledger_let_go(struct ledger *l,
    const struct ledger_message *m, int64_t now, struct ledger_why *why);
/* It is held no more. It counts, if `m` has its recipients (nrcpt is not 0). */
void
ledger_unheld(struct ledger *l, const struct ledger_message *m, int64_t now);

/* So many more of that sign; new recipients it counts itself. */
void ledger_note(struct ledger *l, struct span account,
    const struct conf_account *conf, enum brake_sign sign, uint32_t n,
    int64_t now);

/* The account has logged in from that address. */
void ledger_came(
    struct ledger *l, struct span account, const char *address, int64_t now);

/* --- by the operator --- */

/* Nothing of it is taken, or it is again. Over restarts, too: */
void ledger_stop(struct ledger *l, struct span account, bool is_stopped);
/*
 * The callback comes once, later, on that loop: who is stopped by now is on stable
 * storage, or cannot be recorded (which is tried again).
 */
typedef void (*ledger_recorded_cb)(bool is_recorded, void *arg);
void ledger_record(
    struct ledger *l, struct loop *loop, ledger_recorded_cb cb, void *arg);
/* How it stands. Costs next to nothing while all are in order. */
enum ledger_standing ledger_standing(struct ledger *l, struct span account);

/* --- for people --- */

struct ledger_view {
	struct budget_state states[CONF_BUDGETS * CONF_RATES_MOST];
	size_t n;
	uint32_t held;
	enum ledger_standing standing;
	struct brake_view brake;
};
/* How an account stands; OK or LATER. */
enum ledger_answer ledger_look(struct ledger *l, struct span account,
    const struct conf_account *conf, int64_t now, struct ledger_waiter *waiter,
    struct ledger_view *view);
/*
 * The waiter is called no more. False: it is not here, its call is under way or
 * was made.
 */
bool ledger_forget(struct ledger *l, struct ledger_waiter *waiter);

#endif

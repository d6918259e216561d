/*
 * budget: what an account has used of what it may, and may use still: for each
 * counter (messages, recipients, recipients it never wrote to before) windows of
 * any length. An open transaction reserves, and what is reserved is taken for used;
 * so transactions at the same time never exceed together. Pure: the rates are the
 * configuration's, the time (monotonic ms) comes as an argument.
 */
#ifndef POLICY_BUDGET_H
#define POLICY_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "conf/conf.h"
#include "policy/window.h"

enum { BUDGET_WINDOWS = 2 * CONF_RATES_MOST }; /* of old rates, too */

/* `{0}` is one of which nothing is used. */
struct budget {
	struct budget_counter {
		struct window *windows; /* owned */
		uint32_t n;
		uint32_t reserved;
	} counters[CONF_BUDGETS];
};

/* How a rate stands: why something does not fit, or what is to be shown. */
struct budget_state {
	enum conf_budget counter;
	struct conf_rate rate;
	uint32_t used; /* and reserved */
	/* ms until it fits, at the latest; 0: now; -1: never */
	int64_t frees;
};

void budget_clear(struct budget *b);
/*
 * Reserves, if each rate has room for `n` more. If not, the one that has it last is
 * in `why`, and nothing is reserved.
 */
bool budget_reserve(struct budget *b, enum conf_budget counter,
    const struct conf_rates *rates, uint32_t n, int64_t now,
    struct budget_state *why);
/* Of what was reserved. */
void budget_release(struct budget *b, enum conf_budget counter, uint32_t n);
/* It happened, whether there was room or not. */
void budget_use(struct budget *b, enum conf_budget counter,
    const struct conf_rates *rates, uint32_t n, int64_t now);
/* How a rate stands; `frees` is for one more. */
void budget_look(struct budget *b, enum conf_budget counter,
    struct conf_rate rate, int64_t now, struct budget_state *out);
/*
 * A rate of which four fifths are used, and of which nobody was told within its
 * time: once. False: there is none.
 */
bool budget_warns(struct budget *b, enum conf_budget counter,
    const struct conf_rates *rates, int64_t now, struct budget_state *out);

/*
 * For people: "its budget is 300 messages in 1h, of which 300 are used; room again
 * in 12min, at 2026-11-27T23:40:00Z". `wall` is the time of now, ms since 1970.
 */
void budget_say(const struct budget_state *s, int64_t wall, struct buf *out);
/* "1h", "90min", "1d": as the configuration has it. */
void budget_say_time(uint32_t seconds, struct buf *out);
/* RFC 3339, in UTC, seconds. */
void budget_say_moment(int64_t wall, struct buf *out);

/* What is used, as bytes; see window_write(). What counts no more is forgotten. */
void budget_write(struct budget *b, int64_t now, struct buf *out);
/*
 * The same back, `passed` ms later. False: the bytes are damaged, and nothing is
 * used. The budget was `{0}`.
 */
bool budget_read(struct budget *b, struct span in, int64_t passed, int64_t now);

#endif

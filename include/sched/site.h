/*
 * site: what shares limits: a set of MX hosts, or one configured relay; and its
 * channels. A site knows how many lanes it may have, which of its hosts failed
 * lately, and since when it is closed; a channel is a site under one plan (hosts
 * in order of preference, and the TLS rule), and has the line of those that wait
 * for a lane. Neither opens one itself. Pure.
 *
 * A site begins with few lanes and earns more by success. A connection that fails
 * takes some away and marks its host; when no host is left and no lane works, the
 * site closes, longer each time. What stands in line stays there.
 */
#ifndef SCHED_SITE_H
#define SCHED_SITE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "sched/backoff.h"
#include "sched/heap.h"
#include "sched/turns.h"

struct reason;
struct target;

enum {
	SITE_LANES_FIRST = 2,
	SITE_CLOSED_MAX_S = 900,
	SITE_LOGIN_TOLD_MS = 3600000,
	SITE_DEATHS =
	    3, /* messages of one account that close it for that one */
	SITE_MOMENT_MS = 100, /* lanes that are busy for longer get company */
	SITE_RCPTS_MOST = 100, /* RFC 5321 4.5.3.1.8 */
	SITE_NUMBER_MS = 3600000, /* how long a host's number is believed */
	CHANNEL_NO_HOST = -1,
};

/* A host that failed lately. */
struct site_host {
	char *name; /* owned */
	uint32_t failures; /* in a row */
	uint64_t bad_until; /* monotonic ms; others are asked first */
};

struct site_hosts {
	struct site_host *list; /* owned */
	uint32_t n;
};

/* How many the host takes at a time, as it was met. */
struct site_number {
	uint32_t most; /* 0: not known */
	uint32_t met; /* seen once, and to be believed when it is seen again */
	uint64_t until; /* monotonic ms; after that it may grow again */
};

struct site_ban;

struct site {
	char *key; /* owned; what makes it this site */
	char *name; /* owned; for people */
	struct list channels;
	struct list bans; /* accounts that it is closed for */
	struct site_hosts hosts; /* connections to them failed */
	uint32_t lanes; /* connections that are open or opening */
	uint32_t lanes_max, lanes_most; /* earned, and that may be earned */
	uint32_t credit; /* successes toward one lane more */
	uint32_t failures; /* in a row, that closed it */
	uint64_t closed_until; /* monotonic ms; 0: open */
	struct reason *why; /* owned reference; of the last failure */
	/* Connections that died inside a transaction, since the last success. */
	char *death_account; /* owned; NULL: none */
	uint64_t deaths[SITE_DEATHS]; /* messages */
	uint32_t ndeaths;
	struct site_number rcpts, messages; /* a transaction; a connection */
	uint64_t login_told; /* when an error line spoke of a login; 0: never */
	uint64_t progress; /* when a lane last came on */
	uint64_t last_used;
};

struct channel {
	struct due due; /* when it is to be served again */
	struct list node; /* in its site */
	struct list serve; /* the dispatcher's: to be served this turn */
	struct list
	    full; /* the dispatcher's: waits at an address that is full */
	struct turn want; /* the dispatcher's: it wants one of all lanes */
	struct site *site; /* borrowed: owns it */
	char *key; /* owned; what makes it this channel */
	struct target *target; /* owned reference; the latest known */
	struct turns line; /* who waits */
	struct list idle; /* the dispatcher's: lanes without work */
	uint32_t nidle, lanes;
	struct site_hosts unmet; /* they do not do what its rule demands */
	uint32_t failures; /* in a row, of that */
	uint64_t closed_until; /* monotonic ms */
	struct reason *why; /* owned reference; of that */
};

struct site *site_new(const char *key, const char *name);
/* No lane may be open and nobody wait. Frees its channels, too. */
void site_free(struct site *s);
/* How many lanes it may ever earn. */
void site_set_most(struct site *s, uint32_t most);
/* The channel of that key, made if need be. Takes the reference to `t`. */
struct channel *
site_channel_take(struct site *s, const char *key, struct target *t);
/* The site's name, and what is special about the channel, for people. */
void channel_name(const struct channel *c, struct buf *out);
/* In all its lines. */
uint32_t site_waiting(const struct site *s);

/* --- closing --- */

bool site_is_closed(const struct site *s, uint64_t now);
/* The site is open, and so is the channel. */
bool channel_is_open(const struct channel *c, uint64_t now);
/* When it will be open; `now` if it is. */
uint64_t channel_opens_at(const struct channel *c, uint64_t now);
/* Why it is closed, or failed last; NULL: nothing is known. */
struct reason *channel_why(const struct channel *c, uint64_t now);
/* The operator's word: it is tried at once. */
void site_open(struct site *s);

struct site_failure {
	const struct backoff *backoff;
	struct reason *why; /* borrowed */
	uint64_t now;
	uint32_t random;
};
/*
 * A connection to that host (of the channel's plan) was not to be had, or was
 * given up before any transaction. Call after the lane was taken off.
 */
void channel_host_failed(
    struct channel *c, uint32_t host, const struct site_failure *f);
/*
 * That host did not do what the channel's rule demands. The channel closes when
 * no other host is left for it; other channels go to the host as before.
 */
void
channel_failed(struct channel *c, uint32_t host, const struct site_failure *f);
/*
 * A connection died inside a transaction of that account's message. Two accounts
 * that meet it with no success between count as a failed connection; three
 * messages of one close the site for that account alone.
 */
void channel_died(struct channel *c, uint32_t host, struct span account,
    uint64_t message, const struct site_failure *f);
/* A message of that account went through at that host. */
void channel_succeeded(struct channel *c, uint32_t host, struct span account);
/* Whether that account may use it now; why not is in *why. */
bool site_admits(const struct site *s, struct span account, uint64_t now,
    struct reason **why);
/* The earliest end of a ban; UINT64_MAX: there is none. */
uint64_t site_ban_ends(const struct site *s, uint64_t now);

/* --- hosts --- */

/* All hosts of the plan, a bit each. */
uint32_t channel_hosts(const struct channel *c);
/*
 * Where a leg goes that has tried those hosts: the most preferred that failed
 * neither lately nor for the leg; among equal ones by lot.
 */
int channel_choose(
    const struct channel *c, uint32_t tried, uint64_t now, uint32_t random);
/* The same, but to none of `avoid`: those have all the lanes that they may. */
int channel_choose_but(const struct channel *c, uint32_t tried, uint32_t avoid,
    uint64_t now, uint32_t random);
/* Whether such a leg may go to that host now. */
bool channel_allows(
    const struct channel *c, uint32_t tried, uint32_t host, uint64_t now);
/* Whether there is another one for a leg that has tried those. */
bool channel_has_other(const struct channel *c, uint32_t tried, uint64_t now);
/* The same, whether it may go there now or some other time. */
bool channel_has_untried(const struct channel *c, uint32_t tried);

/* --- lanes --- */

/*
 * Whether somebody in line should get a new lane now. Asked when the idle lanes
 * have taken whom they may: who waits still can use none of them. If only the
 * moment is not over yet, *again is when to ask again; else it is 0.
 */
bool channel_wants_lane(const struct channel *c, uint64_t now, uint64_t *again);

/* --- numbers --- */

/* The host took `n` and no more. Believed when it is met twice. */
void site_number_met(struct site_number *number, uint32_t n, uint64_t now);
/* What may be given: at most `most`. */
uint32_t
site_number_get(const struct site_number *number, uint32_t most, uint64_t now);
/* As many went through: it may be tried with one more. */
void site_number_passed(struct site_number *number, uint32_t n, uint64_t now);

/* Whether a login that failed is worth an error line: once an hour. */
bool site_tells_login(struct site *s, uint64_t now);
/* Whether there is something left to remember for a while. */
bool site_remembers(const struct site *s, uint64_t now);

#endif

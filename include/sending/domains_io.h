/*
 * domains: which domains the accounts send from, and what receivers make of each. A
 * domain is looked at when an account first sends from it, once a day, and more often
 * while something is wrong with it; no message waits for that. What is known is kept
 * by `state`. On the queue thread only.
 *
 * It also knows which domains are held, since a site does not believe them; it says
 * when one may be let go. Who holds and lets go is told through callbacks.
 */
#ifndef SENDING_DOMAINS_IO_H
#define SENDING_DOMAINS_IO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "sending/verdict.h"

struct conf;
struct domains;
struct keys;
struct loop;
struct state;
struct words;

enum { DOMAINS_MOST = 10000 }; /* pairs of an account and a domain */

struct domains_events {
	/* Its first site; what was found by now, and what to tell of it. */
	void (*alert)(const struct sending *s, const char *site,
	    const struct words *words, void *arg);
	/* It was held before the start. */
	void (*held)(struct span domain, const char *site,
	    const struct words *words, void *arg);
	void (*let_go)(struct span domain, void *arg);
	void *arg;
};

/* Borrows loop, keys and state (NULL: nothing is kept). */
struct domains *
domains_open(struct loop *loop, const struct conf *conf, struct keys *keys,
    struct state *state, const struct domains_events *events);
/* Another configuration: all are looked at again, some at a time. */
void domains_take(struct domains *d, const struct conf *conf);
/* Nobody is called any more. After state_close(). NULL is allowed, here and below. */
void domains_close(struct domains *d);
/* After the loop's end. */
void domains_free(struct domains *d);

/*
 * The account sends a message from that domain (mail/origin.h), with MAIL FROM of
 * `mail_from`. Costs one look into a table when both are known.
 */
void domains_used(struct domains *d, struct span account, struct span domain,
    struct span mail_from);
/* Each second: keys may have changed. */
void domains_sweep(struct domains *d);

/* A site does not believe it; the site's name and words. */
void domains_hold(struct domains *d, struct span domain, const char *site,
    const struct words *words);
/* Messages of it were held before the start; not known by which site. */
void domains_held_before(struct domains *d, struct span domain);
/* By hand. False: it is not held. */
bool domains_let_go(struct domains *d, struct span domain);

/* --- for people --- */

struct domains_view {
	const struct sending *sending;
	int64_t looked; /* ms since 1970; 0: not yet */
	bool is_held;
	const char *site; /* the first that does not believe it; "": unknown */
	const char *said;
};
typedef void (*domains_cb)(const struct domains_view *view, void *arg);
/* The domains of an account, the one used last first; or of all, by NULL. */
void
domains_each(struct domains *d, const char *account, domains_cb cb, void *arg);
/* False: nobody sends from it. */
bool
domains_find(struct domains *d, struct span domain, domains_cb cb, void *arg);
/*
 * Looks at it now; the callback comes later, once, unless domains_forget_looks() was
 * called. False: nobody sends from it.
 */
bool
domains_look(struct domains *d, struct span domain, domains_cb cb, void *arg);
void domains_forget_looks(struct domains *d);

#endif

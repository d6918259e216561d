/*
 * router: from a recipient's domain to the channel that takes its mail: a
 * configured route, or MX. Asked when delivery is due, answers from a cache that
 * lives as long as the DNS allows, and a day longer while the name servers are
 * asked again or say nothing. Who asks stands in the line of its account, and
 * accounts take turns; a domain that many ask for is asked for once. Owns the
 * sites. What is past its time, and sites that nobody uses, leave by themselves,
 * some a turn of the loop. Queue thread only.
 */
#ifndef ROUTE_ROUTER_H
#define ROUTE_ROUTER_H

#include <stdbool.h>

#include "base/err.h"
#include "base/list.h"
#include "base/span.h"
#include "sched/turns.h"

struct channel;
struct conf;
struct loop;
struct reason;
struct router;
struct router_next;
struct site;

enum route_status {
	ROUTE_CHANNEL, /* `channel` takes it */
	ROUTE_NEVER, /* for good; `reason` says why */
	ROUTE_TEMPORARY, /* not now; `reason` says why */
};

struct route {
	enum route_status status;
	struct channel *channel; /* ROUTE_CHANNEL; borrowed from its site */
	struct reason *reason; /* owned by the router; NULL with a channel */
};

/* Who waits for an answer, as a part of its struct. `{0}` waits for none. */
struct route_waiter {
	struct list node; /* of those that wait for the same domain */
	struct turn turn; /* until the question is asked */
	struct route_entry *entry; /* borrowed; NULL: does not wait */
};

typedef void (*route_cb)(
    struct route_waiter *waiter, const struct route *route, void *arg);

struct router *router_new(struct loop *loop, const struct conf *conf,
    route_cb cb, void *arg, struct err *err);
void router_free(struct router *r);
/*
 * A reload: makes what may fail to be made, and changes nothing yet. With
 * router_take() it forgets what it knew; the sites stay. Open questions are asked
 * again, by the new configuration; who waits goes on waiting.
 */
struct router_next *router_prepare(
    const struct router *r, const struct conf *conf, struct err *err);
void router_take(struct router *r, struct router_next *next);
/* Instead of taking it; NULL is allowed. */
void router_discard(struct router_next *next);
/* No question is asked any more, none is answered. */
void router_stop(struct router *r);

/*
 * What is known now; NULL: it must be asked. An answer that is past its time is
 * still given while it is asked for again, for a day. Valid until the loop's turn.
 */
const struct route *router_known(struct router *r, struct span domain);
/* The same for who only looks: it is not asked for again, and counts as no use. */
const struct route *router_peek(const struct router *r, struct span domain);
/* The answer comes through route_cb, later; once. */
void router_ask(struct router *r, struct span domain, struct span account,
    enum turn_rank rank, struct route_waiter *waiter);
/* Does not wait any more; nothing happens if it does not. */
void router_leave(struct router *r, struct route_waiter *waiter);

/* Each site in turn: *at starts at 0, NULL ends. */
struct site *router_next_site(struct router *r, size_t *at);
struct router_load {
	uint32_t waiting; /* turns that are waited for, to ask */
	uint32_t questions; /* under way at the name servers */
	uint32_t domains; /* known, or being asked for */
};
struct router_load router_load(const struct router *r);

#endif

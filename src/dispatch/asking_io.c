/*
 * The way of a leg is asked for, and of whoever is curious:
 *
 *   asking_start -> known already, or router_ask -> asking_on_routed
 *     -> take_route: the leg is told
 */
#include "lanes_priv.h"

#include <stdlib.h>

#include "base/mem.h"

static void
take_route(struct dispatch *d, struct leg *leg, const struct route *route)
{
	struct leg_event ev = dispatch_event(
	    d, route->status == ROUTE_CHANNEL ? LEG_ROUTED : LEG_UNROUTED);

	ev.channel = route->channel;
	ev.hosts = route->channel == NULL ? 0 : channel_hosts(route->channel);
	ev.era = d->era;
	ev.outcome = route->status == ROUTE_NEVER ? LEG_FAILED : LEG_LATER;
	ev.reason = route->reason;
	if (route->status == ROUTE_CHANNEL && !leg->is_let) {
		ev.reason = mistrust_of(d, leg->message, route->channel->site);
		if (ev.reason != NULL) {
			ev.type = LEG_MISTRUST;
			mistrust_tell(leg, route->channel->site);
		}
	}
	if (ev.type == LEG_ROUTED && leg->by_hand)
		lines_open(d, route->channel->site);
	dispatch_step(d, leg, &ev);
}

/* A leg that waits for its way, or somebody who is curious; few do at a time. */
struct asking {
	struct route_waiter waiter;
	struct leg *leg; /* borrowed: owns it while ROUTING; or NULL, and: */
	struct list node; /* in dispatch->curious */
	dispatch_way_cb cb;
	void *arg;
};

static struct route_waiter *
waiter_of(struct leg *leg)
{
	leg->asks = MEM_NEW(struct asking);
	leg->asks->leg = leg;
	return &leg->asks->waiter;
}

void
asking_stop(struct dispatch *d, struct asking *asks)
{
	if (asks == NULL)
		return;
	router_leave(d->router, &asks->waiter);
	free(asks);
}

void
asking_start(struct dispatch *d, struct leg *leg)
{
	struct span domain = envelope_domain(leg->message->env, leg->first);
	const struct route *known = router_known(d->router, domain);

	if (known != NULL)
		take_route(d, leg, known);
	else
		router_ask(d->router, domain, dispatch_account(leg),
		    leg_rank(leg), waiter_of(leg));
}

void
dispatch_find_way(struct dispatch *d, struct span domain, struct span account,
    dispatch_way_cb cb, void *arg)
{
	const struct route *known = router_known(d->router, domain);
	struct asking *a;

	if (known != NULL) {
		cb(known, arg);
		return;
	}
	a = MEM_NEW(struct asking);
	a->cb = cb;
	a->arg = arg;
	list_append(&d->curious, &a->node);
	router_ask(d->router, domain, account, TURN_FIRST, &a->waiter);
}

void
asking_forget_curious(struct dispatch *d)
{
	struct list *node;

	while ((node = list_pop(&d->curious)) != NULL) {
		struct asking *a = LIST_ENTRY(node, struct asking, node);

		router_leave(d->router, &a->waiter);
		free(a);
	}
}

static void
tell_curious(struct asking *a, const struct route *route)
{
	dispatch_way_cb cb = a->cb;
	void *arg = a->arg;

	list_remove(&a->node);
	free(a);
	cb(route, arg);
}

void
asking_on_routed(struct route_waiter *w, const struct route *route, void *arg)
{
	struct asking *asks = LIST_ENTRY(w, struct asking, waiter);
	struct leg *leg = asks->leg;
	struct dispatch *d = arg;
	struct message *m;

	if (leg == NULL) {
		tell_curious(asks, route);
		return;
	}
	m = leg->message;
	take_route(d, leg, route);
	dispatch_settle(d, m, NULL);
	dispatch_end_turn(d);
}

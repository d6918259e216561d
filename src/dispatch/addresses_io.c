/*
 * Addresses that lanes go to. Many names may lead to one machine: all sites
 * together open no more lanes to an address than one site may have. A host counts
 * by the first of its addresses.
 */
#include "lanes_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/loop.h"
#include "sched/target.h"

struct address {
	uint32_t lanes, retiring;
	struct list idle; /* struct outgoing */
	struct list waiting; /* struct channel */
	struct list crowded; /* in the dispatcher's, while some wait */
	char text[TARGET_ADDRESS_TEXT];
};

static void
text_of(const struct target *t, uint32_t host, char out[TARGET_ADDRESS_TEXT])
{
	target_address_text(&t->addresses[t->hosts[host].first].to.sa, out);
}

static struct address *
find(const struct dispatch *d, const struct target *t, uint32_t host)
{
	char text[TARGET_ADDRESS_TEXT];

	text_of(t, host, text);
	return map_get(&d->addresses, span_text(text));
}

struct address *
address_of(struct dispatch *d, const struct target *t, uint32_t host)
{
	struct address *a = find(d, t, host);

	if (a != NULL)
		return a;
	a = MEM_NEW(struct address);
	list_init(&a->idle);
	list_init(&a->waiting);
	list_init(&a->crowded);
	text_of(t, host, a->text);
	(void)map_put(&d->addresses, span_text(a->text), a);
	return a;
}

static bool
is_full(const struct dispatch *d, const struct address *a)
{
	return a != NULL && a->lanes >= d->conf->max_lanes;
}

uint32_t
addresses_full(const struct dispatch *d, const struct target *t)
{
	uint32_t full = 0;

	for (uint32_t i = 0; i < t->nhosts && i < LEG_HOSTS_MOST; i++)
		if (is_full(d, find(d, t, i)))
			full |= 1u << i;
	return full;
}

void
address_lane_opened(struct address *a)
{
	a->lanes++;
}

void
address_lane_is_idle(struct address *a, struct list *node)
{
	list_append(&a->idle, node);
}

void
address_lane_retires(struct address *a)
{
	a->retiring++;
}

void
address_lane_ended(struct dispatch *d, struct address *a, bool retired)
{
	struct list *node;

	assert(a->lanes > 0);
	a->lanes--;
	a->retiring -= retired;
	while ((node = list_pop(&a->waiting)) != NULL)
		lines_mark(d, LIST_ENTRY(node, struct channel, full));
	list_remove(&a->crowded);
	if (a->lanes > 0)
		return;
	(void)map_remove(&d->addresses, span_text(a->text));
	free(a);
}

void
addresses_wait(struct dispatch *d, struct channel *c, uint32_t tried)
{
	const struct target *t = c->target;
	uint64_t now = loop_now(d->loop);

	for (uint32_t i = 0; i < t->nhosts && i < LEG_HOSTS_MOST; i++) {
		struct address *a = find(d, t, i);

		if (!channel_allows(c, tried, i, now) || !is_full(d, a))
			continue;
		list_remove(&c->full);
		list_append(&a->waiting, &c->full);
		list_remove(&a->crowded);
		list_append(&d->crowded, &a->crowded);
		return;
	}
}

/* How many of its lanes are waited for, as far as that matters. */
static uint32_t
wanted(const struct dispatch *d, const struct address *a)
{
	uint32_t n = 0;

	LIST_FOREACH (node, &a->waiting) {
		n += LIST_ENTRY(node, struct channel, full)->line.waiting > 0;
		if (n == d->conf->max_lanes)
			break;
	}
	return n;
}

void
addresses_make_room(struct dispatch *d)
{
	LIST_FOREACH (node, &d->crowded) {
		struct address *a = LIST_ENTRY(node, struct address, crowded);
		uint32_t n = wanted(d, a);

		while (a->retiring < n && !list_is_empty(&a->idle))
			lanes_retire(d, LIST_ENTRY(a->idle.next,
					    struct outgoing, at_address));
	}
}

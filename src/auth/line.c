#include "line.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

struct host {
	struct list node; /* in line->turns while somebody of it waits */
	struct list waiting; /* the callers' nodes */
	uint64_t number;
	unsigned running;
};

void
line_init(struct line *l, unsigned most, const uint64_t seed[2])
{
	assert(most >= 2);
	map_init(&l->hosts, seed);
	list_init(&l->turns);
	l->running = 0;
	l->most = most;
}

void
line_clear(struct line *l)
{
	assert(l->hosts.count == 0);
	map_clear(&l->hosts);
}

/* 0 is no key of a map; it stands for all that have no address. */
static uint64_t
key_of(uint64_t host)
{
	return host == 0 ? UINT64_MAX : host;
}

static struct host *
host_get(struct line *l, uint64_t number)
{
	struct host *h = map_get_u64(&l->hosts, key_of(number));

	if (h != NULL)
		return h;
	h = MEM_NEW(struct host);
	h->number = number;
	list_init(&h->node);
	list_init(&h->waiting);
	(void)map_put_u64(&l->hosts, key_of(number), h);
	return h;
}

static void
host_settle(struct line *l, struct host *h)
{
	if (list_is_empty(&h->waiting))
		list_remove(&h->node);
	if (h->running > 0 || !list_is_empty(&h->waiting))
		return;
	(void)map_remove_u64(&l->hosts, key_of(h->number));
	free(h);
}

static bool
may_run(const struct line *l, const struct host *h)
{
	return l->running < l->most && h->running < l->most - 1;
}

bool
line_enter(struct line *l, uint64_t host, struct list *node)
{
	struct host *h = host_get(l, host);

	if (may_run(l, h) && list_is_empty(&h->waiting)) {
		l->running++;
		h->running++;
		return true;
	}
	if (list_is_empty(&h->waiting))
		list_append(&l->turns, &h->node);
	list_append(&h->waiting, node);
	return false;
}

void
line_quit(struct line *l, uint64_t host, struct list *node)
{
	list_remove(node);
	host_settle(l, host_get(l, host));
}

struct list *
line_leave(struct line *l, uint64_t host)
{
	struct host *left = host_get(l, host);
	struct list *next = NULL;

	l->running--;
	left->running--;
	LIST_FOREACH (node, &l->turns) {
		struct host *h = LIST_ENTRY(node, struct host, node);

		if (!may_run(l, h))
			continue;
		next = list_pop(&h->waiting);
		l->running++;
		h->running++;
		list_remove(&h->node);
		list_append(&l->turns, &h->node);
		if (h != left)
			host_settle(l, h);
		break;
	}
	host_settle(l, left);
	return next;
}

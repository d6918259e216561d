#include "deliver/peers.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

struct peer {
	struct list node; /* in `order` */
	char *address; /* owned; the key */
	enum chunking chunking;
	uint64_t chunking_until, failed_until;
};

struct peers {
	struct map map; /* address -> struct peer, owned */
	struct list order; /* told of longest ago first */
	size_t most;
};

struct peers *
peers_new(size_t most, const uint64_t seed[2])
{
	struct peers *p = MEM_NEW(struct peers);

	map_init(&p->map, seed);
	list_init(&p->order);
	p->most = most;
	return p;
}

static void
forget(struct peers *p, struct peer *peer)
{
	(void)map_remove(&p->map, span_text(peer->address));
	list_remove(&peer->node);
	free(peer->address);
	free(peer);
}

void
peers_free(struct peers *p)
{
	if (p == NULL)
		return;
	LIST_FOREACH_SAFE (node, next, &p->order)
		forget(p, LIST_ENTRY(node, struct peer, node));
	map_clear(&p->map);
	free(p);
}

size_t
peers_count(const struct peers *p)
{
	return p->map.count;
}

static const struct peer *
find(const struct peers *p, const char *address)
{
	return map_get(&p->map, span_text(address));
}

/* The one of that address, as the last that was told of. */
static struct peer *
touch(struct peers *p, const char *address)
{
	struct peer *peer = map_get(&p->map, span_text(address));

	if (peer != NULL) {
		list_remove(&peer->node);
		list_append(&p->order, &peer->node);
		return peer;
	}
	if (p->map.count >= p->most)
		forget(p, LIST_ENTRY(p->order.next, struct peer, node));
	peer = MEM_NEW(struct peer);
	peer->address = mem_strdup(address);
	list_append(&p->order, &peer->node);
	(void)map_put(&p->map, span_text(peer->address), peer);
	return peer;
}

void
peers_learn_chunking(
    struct peers *p, const char *address, enum chunking what, uint64_t now)
{
	struct peer *peer;

	if (what == CHUNKING_UNKNOWN)
		return;
	peer = touch(p, address);
	peer->chunking = what;
	peer->chunking_until = now + PEERS_CHUNKING_MS;
}

enum chunking
peers_chunking(const struct peers *p, const char *address, uint64_t now)
{
	const struct peer *peer = find(p, address);

	return peer == NULL || peer->chunking_until <= now ? CHUNKING_UNKNOWN
							   : peer->chunking;
}

void
peers_set_failed(
    struct peers *p, const char *address, bool failed, uint64_t now)
{
	/* What works is the rule, and needs no memory. */
	if (failed || find(p, address) != NULL)
		touch(p, address)->failed_until =
		    failed ? now + PEERS_FAILED_MS : 0;
}

bool
peers_has_failed(const struct peers *p, const char *address, uint64_t now)
{
	const struct peer *peer = find(p, address);

	return peer != NULL && peer->failed_until > now;
}

#include "deliver/peers.h"

#include <assert.h>
#include <pthread.h>
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
	_Atomic int refs; /* of each worker one */
	pthread_mutex_t lock; /* of all that follows */
	struct map map; /* address -> struct peer, owned */
	struct list order; /* told of longest ago first */
	size_t most;
};

struct peers *
peers_new(size_t most, const uint64_t seed[2])
{
	struct peers *p = MEM_NEW(struct peers);
	int rc = pthread_mutex_init(&p->lock, NULL);

	assert(rc == 0);
	p->refs = 1;
	map_init(&p->map, seed);
	list_init(&p->order);
	p->most = most;
	return p;
}

struct peers *
peers_ref(struct peers *p)
{
	p->refs++;
	return p;
}

static void
lock(struct peers *p)
{
	int rc = pthread_mutex_lock(&p->lock);

	assert(rc == 0);
}

static void
unlock(struct peers *p)
{
	int rc = pthread_mutex_unlock(&p->lock);

	assert(rc == 0);
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
peers_unref(struct peers *p)
{
	int rc;

	if (p == NULL || --p->refs > 0)
		return;
	rc = pthread_mutex_destroy(&p->lock);
	assert(rc == 0);
	LIST_FOREACH_SAFE (node, next, &p->order)
		forget(p, LIST_ENTRY(node, struct peer, node));
	map_clear(&p->map);
	free(p);
}

size_t
peers_count(struct peers *p)
{
	size_t n;

	lock(p);
	n = p->map.count;
	unlock(p);
	return n;
}

static const struct peer *
find(struct peers *p, const char *address)
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
	lock(p);
	peer = touch(p, address);
	peer->chunking = what;
	peer->chunking_until = now + PEERS_CHUNKING_MS;
	unlock(p);
}

enum chunking
peers_chunking(struct peers *p, const char *address, uint64_t now)
{
	enum chunking what = CHUNKING_UNKNOWN;
	const struct peer *peer;

	lock(p);
	peer = find(p, address);
	if (peer != NULL && peer->chunking_until > now)
		what = peer->chunking;
	unlock(p);
	return what;
}

void
peers_set_failed(
    struct peers *p, const char *address, bool failed, uint64_t now)
{
	lock(p);
	/* What works is the rule, and needs no memory. */
	if (failed || find(p, address) != NULL)
		touch(p, address)->failed_until =
		    failed ? now + PEERS_FAILED_MS : 0;
	unlock(p);
}

bool
peers_has_failed(struct peers *p, const char *address, uint64_t now)
{
	const struct peer *peer;
	bool failed;

	lock(p);
	peer = find(p, address);
	failed = peer != NULL && peer->failed_until > now;
	unlock(p);
	return failed;
}

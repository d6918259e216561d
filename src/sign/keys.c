#include "sign/keys.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "sign/keyring.h"

struct keys {
	pthread_mutex_t lock;
	struct keyring *ring; /* owned reference */
	atomic_bool are_any, are_active;
	atomic_uint lifetime, generation;
};

struct keys *
keys_new(void)
{
	struct keys *k = MEM_NEW(struct keys);

	(void)pthread_mutex_init(&k->lock, NULL);
	k->ring = keyring_new_take(NULL, 0);
	return k;
}

void
keys_free(struct keys *k)
{
	if (k == NULL)
		return;
	keyring_unref(k->ring);
	(void)pthread_mutex_destroy(&k->lock);
	free(k);
}

struct keyring *
keys_take(struct keys *k)
{
	struct keyring *r;

	(void)pthread_mutex_lock(&k->lock);
	r = keyring_ref(k->ring);
	(void)pthread_mutex_unlock(&k->lock);
	return r;
}

void
keys_set_take(struct keys *k, struct keyring *r)
{
	struct keyring *old;

	(void)pthread_mutex_lock(&k->lock);
	old = k->ring;
	k->ring = r;
	atomic_store(&k->are_any, keyring_count(r) > 0);
	atomic_store(&k->are_active, keyring_has_active(r));
	(void)atomic_fetch_add(&k->generation, 1);
	(void)pthread_mutex_unlock(&k->lock);
	keyring_unref(old);
}

bool
keys_are_any(const struct keys *k)
{
	return k != NULL && atomic_load(&k->are_any);
}

bool
keys_are_active(const struct keys *k)
{
	return k != NULL && atomic_load(&k->are_active);
}

uint32_t
keys_lifetime(const struct keys *k)
{
	return atomic_load(&k->lifetime);
}

void
keys_set_lifetime(struct keys *k, uint32_t seconds)
{
	atomic_store(&k->lifetime, seconds);
}

uint32_t
keys_generation(const struct keys *k)
{
	return atomic_load(&k->generation);
}

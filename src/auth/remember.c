#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth_priv.h"
#include "io/loop.h"

struct entry {
	char *name; /* owned; the key in the map */
	unsigned char mac[USERS_KEY_LEN];
	uint64_t until; /* ms */
};

static uint64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/*
 * HMAC-SHA-256 with a new key. Made once: to find the algorithm again for each
 * login would cost many times what it computes.
 */
static EVP_MAC_CTX *
make_keyed(void)
{
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(
		    OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *keyed = EVP_MAC_CTX_new(hmac);
	unsigned char key[USERS_KEY_LEN];
	int rc;

	random_fill(key, sizeof key);
	assert(keyed != NULL);
	rc = EVP_MAC_init(keyed, key, sizeof key, params);
	assert(rc == 1);
	mem_wipe(key, sizeof key);
	EVP_MAC_free(hmac);
	return keyed;
}

void
remember_init(struct remember *r)
{
	uint64_t seed[2];

	random_fill(seed, sizeof seed);
	r->keyed = make_keyed();
	map_init(&r->map, seed);
	(void)pthread_mutex_init(&r->lock, NULL);
	r->now = now_ms;
	r->hits = 0;
}

static void
forget(struct entry *e)
{
	if (e == NULL)
		return;
	mem_wipe(e->mac, sizeof e->mac);
	free(e->name);
	free(e);
}

static void
forget_all(struct remember *r)
{
	size_t at = 0;

	for (struct entry *e = map_next(&r->map, &at); e != NULL;
	     e = map_next(&r->map, &at))
		forget(e);
}

void
remember_clear(struct remember *r)
{
	forget_all(r);
	map_clear(&r->map);
	EVP_MAC_CTX_free(r->keyed); /* wipes the key */
	r->keyed = NULL;
	(void)pthread_mutex_destroy(&r->lock);
}

void
remember_reset(struct remember *r)
{
	uint64_t seed[2];

	(void)pthread_mutex_lock(&r->lock);
	forget_all(r);
	map_clear(&r->map);
	random_fill(seed, sizeof seed);
	map_init(&r->map, seed);
	(void)pthread_mutex_unlock(&r->lock);
}

static bool
mac_of(const struct remember *r, struct span text,
    unsigned char mac[USERS_KEY_LEN])
{
	EVP_MAC_CTX *c = EVP_MAC_CTX_dup(r->keyed);
	size_t len = 0;
	bool ok;

	ok =
	    c != NULL &&
	    EVP_MAC_update(c, (const unsigned char *)text.ptr, text.len) == 1 &&
	    EVP_MAC_final(c, mac, &len, USERS_KEY_LEN) == 1 &&
	    len == USERS_KEY_LEN;
	EVP_MAC_CTX_free(c);
	return ok;
}

/* The keys of the entry are in it, so that a changed one is another. */
static bool
make_mac(const struct remember *r, const struct user *u, struct span password,
    unsigned char mac[USERS_KEY_LEN])
{
	struct buf text = { .max = 4096 };
	bool ok;

	if (password.len > PASSWORD_MAX)
		return false;
	(void)buf_reserve(&text, 2048); /* never moved: one place to wipe */
	(void)buf_append(&text, u->stored_key, USERS_KEY_LEN);
	(void)buf_append(&text, u->salt, u->salt_len);
	(void)buf_append_text(&text, u->name);
	(void)buf_append_char(&text, '\0');
	(void)buf_append_span(&text, password);
	ok = !buf_is_over(&text) && mac_of(r, buf_span(&text), mac);
	mem_wipe(text.data, text.cap);
	buf_clear(&text);
	return ok;
}

static char *
make_key(const struct user *u)
{
	char *key = mem_strdup(u->name);

	for (char *c = key; *c != '\0'; c++)
		*c = ascii_lower(*c);
	return key;
}

bool
remember_check(struct remember *r, const struct user *u, struct span password)
{
	unsigned char mac[USERS_KEY_LEN];
	const struct entry *e;
	bool hit;
	char *key;

	if (!make_mac(r, u, password, mac))
		return false;
	key = make_key(u);
	(void)pthread_mutex_lock(&r->lock);
	e = map_get(&r->map, span_text(key));
	hit = e != NULL && r->now() < e->until &&
	      CRYPTO_memcmp(e->mac, mac, sizeof mac) == 0;
	r->hits += hit;
	(void)pthread_mutex_unlock(&r->lock);
	free(key);
	return hit;
}

void
remember_add(struct remember *r, const struct user *u, struct span password,
    uint32_t seconds)
{
	struct entry *e;

	if (seconds == 0)
		return;
	e = MEM_NEW(struct entry);
	if (!make_mac(r, u, password, e->mac)) {
		free(e);
		return;
	}
	e->name = make_key(u);
	(void)pthread_mutex_lock(&r->lock);
	e->until = r->now() + (uint64_t)seconds * 1000;
	/* The key is the old entry's name: it goes out before that is freed. */
	forget(map_remove(&r->map, span_text(e->name)));
	(void)map_put(&r->map, span_text(e->name), e);
	(void)pthread_mutex_unlock(&r->lock);
}

#include "sign/keyring.h"

#include <libpsl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sign/key.h"

struct keyring {
	atomic_uint refs;
	struct key **keys; /* owned, with references */
	size_t n;
	bool has_active;
};

static int
compare(const void *a, const void *b)
{
	const struct key *x = *(struct key *const *)a;
	const struct key *y = *(struct key *const *)b;
	int order = strcmp(key_domain(x), key_domain(y));

	if (order == 0 && key_made(x) != key_made(y))
		order = key_made(x) > key_made(y) ? -1 : 1;
	if (order == 0)
		order = (key_algorithm(x) > key_algorithm(y)) -
			(key_algorithm(x) < key_algorithm(y));
	return order == 0 ? strcmp(key_selector(x), key_selector(y)) : order;
}

struct keyring *
keyring_new_take(struct key **keys, size_t n)
{
	struct keyring *r = MEM_NEW(struct keyring);

	atomic_init(&r->refs, 1);
	r->keys = keys;
	r->n = n;
	if (n > 1)
		qsort(keys, n, sizeof *keys, compare);
	for (size_t i = 0; i < n; i++)
		r->has_active |= key_state(keys[i]) == KEY_ACTIVE;
	return r;
}

struct keyring *
keyring_ref(struct keyring *r)
{
	(void)atomic_fetch_add(&r->refs, 1);
	return r;
}

void
keyring_unref(struct keyring *r)
{
	if (r == NULL || atomic_fetch_sub(&r->refs, 1) != 1)
		return;
	for (size_t i = 0; i < r->n; i++)
		key_unref(r->keys[i]);
	free(r->keys);
	free(r);
}

size_t
keyring_count(const struct keyring *r)
{
	return r->n;
}

struct key *
keyring_at(const struct keyring *r, size_t i)
{
	return r->keys[i];
}

bool
keyring_has_active(const struct keyring *r)
{
	return r->has_active;
}

/* The first of that domain, or where it would be. */
static size_t
find_domain(const struct keyring *r, const char *domain)
{
	size_t low = 0, high = r->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(key_domain(r->keys[middle]), domain) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct key *
keyring_get(const struct keyring *r, const char *domain, const char *selector)
{
	for (size_t i = find_domain(r, domain); i < r->n; i++) {
		if (strcmp(key_domain(r->keys[i]), domain) != 0)
			break;
		if (strcmp(key_selector(r->keys[i]), selector) == 0)
			return r->keys[i];
	}
	return NULL;
}

static unsigned
signers_of(const struct keyring *r, const char *domain,
    struct key *out[KEYRING_SIGNERS_MAX])
{
	struct key *newest[KEY_ALGORITHMS] = { 0 };
	unsigned n = 0;

	for (size_t i = find_domain(r, domain); i < r->n; i++) {
		struct key *k = r->keys[i];

		if (strcmp(key_domain(k), domain) != 0)
			break;
		if (key_state(k) == KEY_ACTIVE &&
		    newest[key_algorithm(k)] == NULL)
			newest[key_algorithm(k)] = k;
	}
	for (int i = 0; i < KEY_ALGORITHMS; i++)
		if (newest[i] != NULL)
			out[n++] = newest[i];
	return n;
}

/* By the list that the library was built with: it needs no file. */
const char *
organisational_domain(const char *domain)
{
	const char *found = psl_registrable_domain(psl_builtin(), domain);

	return found == NULL ? domain : found;
}

unsigned
keyring_signers(const struct keyring *r, const char *domain,
    struct key *out[KEYRING_SIGNERS_MAX])
{
	unsigned n = signers_of(r, domain, out);
	const char *top, *dot;

	if (n > 0 || !r->has_active)
		return n;
	top = organisational_domain(domain);
	while (n == 0 && domain != top) {
		dot = strchr(domain, '.');
		if (dot == NULL)
			break;
		domain = dot + 1;
		n = signers_of(r, domain, out);
	}
	return n;
}

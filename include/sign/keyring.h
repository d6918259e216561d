/*
 * keyring: all keys there are, as they were at one time. Never changes; counted by
 * reference, from every thread. Knows who signs for whom. Pure.
 */
#ifndef SIGN_KEYRING_H
#define SIGN_KEYRING_H

#include <stdbool.h>
#include <stddef.h>

struct key;
struct keyring;

/* Takes references and the array. */
struct keyring *keyring_new_take(struct key **keys, size_t n);
struct keyring *keyring_ref(struct keyring *r);
/* NULL is allowed. */
void keyring_unref(struct keyring *r);
size_t keyring_count(const struct keyring *r);
/* By domain; of a domain the newest first. Borrowed. */
struct key *keyring_at(const struct keyring *r, size_t i);
/* Whether any of them signs. */
bool keyring_has_active(const struct keyring *r);
/* The same key, in whatever state; NULL: there is none. */
struct key *
keyring_get(const struct keyring *r, const char *domain, const char *selector);

/*
 * Who signs for mail of that domain (in lower case): the newest active key of each
 * algorithm, RSA first, of the domain itself or of the nearest parent that has any,
 * but of nobody above the organisational domain. Borrowed. Returns how many.
 */
enum { KEYRING_SIGNERS_MAX = 2 };
unsigned keyring_signers(const struct keyring *r, const char *domain,
    struct key *out[KEYRING_SIGNERS_MAX]);
/* A.B.EXAMPLE.CO.UK is of EXAMPLE.CO.UK: what one owner has. */
const char *organisational_domain(const char *domain);

#endif

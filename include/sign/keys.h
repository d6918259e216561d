/*
 * keys: the keyring that is in force now, for all threads; the queue thread sets
 * it.
 */
#ifndef SIGN_KEYS_H
#define SIGN_KEYS_H

#include <stdbool.h>
#include <stdint.h>

struct keyring;
struct keys;

/* None, to begin with. */
struct keys *keys_new(void);
void keys_free(struct keys *k);
/* A reference, the caller's. */
struct keyring *keys_take(struct keys *k);
/* Takes a reference. */
void keys_set_take(struct keys *k, struct keyring *r);
/* Whether mail may have to be signed: there are keys, signing or not yet. */
bool keys_are_any(const struct keys *k);
/* Whether any signs now. */
bool keys_are_active(const struct keys *k);
/* For how long a signature is good, seconds. */
uint32_t keys_lifetime(const struct keys *k);
void keys_set_lifetime(struct keys *k, uint32_t seconds);
/* Another number after each keys_set_take(). */
uint32_t keys_generation(const struct keys *k);

#endif

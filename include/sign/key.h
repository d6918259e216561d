/*
 * key: one DKIM key: whose it is, what it is used for now, and what the DNS has to
 * say of it. Never changes; counted by reference, from every thread. A changed key
 * is another one, which shares the `use` of the one before.
 */
#ifndef SIGN_KEY_H
#define SIGN_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

enum key_algorithm { KEY_RSA, KEY_ED25519 };
enum { KEY_ALGORITHMS = 2 };

enum key_state {
	KEY_WAITING, /* for its record in the DNS */
	KEY_ACTIVE, /* signs, if it is the newest of its algorithm */
	KEY_RETIRING, /* signs nothing new; messages under it are on their way */
	KEY_RETIRED, /* of no use any more: its record may go */
};
enum { KEY_STATES = 4 };

enum {
	KEY_SELECTOR_MAX = 63, /* a label (RFC 1035 2.3.4) */
	KEY_DOMAIN_MAX = 253,
	KEY_RECORD_MAX = 900,
	KEY_SIGNATURE_MAX = 512, /* octets: RSA of 4096 bits */
	KEY_FILE_MAX = 16384,
	KEY_RSA_LEAST = 1024, /* bits (RFC 8301 3.2) */
};

struct key;
struct key_use;

/* "rsa-sha256", as a signature says it; "rsa", as a record says it. */
const char *key_algorithm_name(enum key_algorithm a);
const char *key_record_name(enum key_algorithm a);
/* "active" */
const char *key_state_name(enum key_state s);
/* Letters, digits and hyphens, parted by dots. */
bool key_selector_is_valid(struct span selector);

/* A new one, waiting, with RSA of 2048 bits. NULL: OpenSSL failed. */
struct key *key_make(enum key_algorithm algorithm, struct span domain,
    struct span selector, int64_t now, struct err *err);
/*
 * The text of a key's file (PEM, with lines about the key in front of it), read and
 * written. NULL: it is none; `err` says what is wrong.
 */
struct key *key_parse(struct span text, struct err *err);
int key_write(const struct key *k, struct buf *out, struct err *err);
/* Whether the text begins as such a file does. */
bool key_is_file_of_ours(struct span text);
/* The same key in another state, since `now` (s since 1970). */
struct key *key_in_state(const struct key *k, enum key_state s, int64_t now);
struct key *key_ref(struct key *k);
/* NULL is allowed. */
void key_unref(struct key *k);

const char *key_domain(const struct key *k);
const char *key_selector(const struct key *k);
enum key_algorithm key_algorithm(const struct key *k);
enum key_state key_state(const struct key *k);
/* Seconds since 1970. */
int64_t key_made(const struct key *k);
int64_t key_since(const struct key *k);
/* SELECTOR._domainkey.DOMAIN */
const char *key_name(const struct key *k);
/* What the DNS must say there, as one text (RFC 6376 3.6.1, RFC 8463 4). */
const char *key_record(const struct key *k);

/*
 * Signs the SHA-256 hash. Returns the signature's length; 0: OpenSSL failed. From
 * every thread.
 */
size_t key_sign(const struct key *k, const unsigned char hash[32],
    unsigned char out[KEY_SIGNATURE_MAX]);

/* --- how many messages that it signed are on their way --- */

/* Shares the count of `before`, which is the same key. */
void key_share_use(struct key *k, const struct key *before);
void key_use(struct key *k);
void key_unuse(struct key *k);
uint32_t key_uses(const struct key *k);

#endif

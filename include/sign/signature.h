/*
 * signature: the DKIM-Signature fields (RFC 6376 3.5) of one message, ready to stand
 * in front of its header. Counted by reference, since equal headers share one; as
 * long as somebody holds it, its keys count as in use.
 */
#ifndef SIGN_SIGNATURE_H
#define SIGN_SIGNATURE_H

#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "sign/body.h"

struct fields;
struct key;
struct signature;

enum { SIGNATURE_KEYS_MAX = 2 };

struct signature_request {
	struct key *keys[SIGNATURE_KEYS_MAX]; /* borrowed */
	unsigned nkeys;
	const struct fields
	    *fields; /* borrowed: what is signed of the header */
	const unsigned char *body_hash; /* BODY_HASH_SIZE of them */
	int64_t now, expires; /* t= and x=, s since 1970 */
};

/*
 * One field for each key, in their order. NULL and `err`: OpenSSL failed with one
 * of them.
 */
struct signature *
signature_make(const struct signature_request *r, struct err *err);
struct signature *signature_ref(struct signature *s);
/* NULL is allowed. */
void signature_unref(struct signature *s);
/* The fields, each with its line ends. Empty for NULL. */
struct span signature_text(const struct signature *s);
/* For the log: the domain, and "SELECTOR SELECTOR". */
const char *signature_domain(const struct signature *s);
const char *signature_selectors(const struct signature *s);

#endif
